"""What rules on imported orders set and decide, as the steps after them see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.rules.conditions import read_condition
from mfn.rules.fields import EVENTS
from mfn.rules.order_rules import EVENT, REMEDIES, rule_orders
from mfn.rules.rule import Rule

if TYPE_CHECKING:
    from mfn.models import Reason

FIELDS = EVENTS[EVENT]
CODES = [None, "GROUND", "AIR", None]
"""Of four orders, A to D, whose records stand under labels of their own; B and D are signed for."""


def rule(when: str, decision: Any = "", **changes: Any) -> Rule:
    message = "ask first" if decision else ""
    set_to = {f"order.{name}": value for name, value in changes.items()}
    return Rule("big", read_condition(when, FIELDS), set_to, decision, message, is_last=bool(decision))


def ruled(*rules: Rule) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Reason]]:
    orders = pd.DataFrame({"order_id": list("ABCD"), "warehouse_code": CODES}, index=[7, 3, 5, 9], dtype="object")
    lines = pd.DataFrame({"order_id": list("ABBCDX"), "requires_signature": [False, True, False, False, True, True]})
    records = pd.DataFrame(
        {
            "order.ship_method_code": orders["warehouse_code"],
            "order.requires_signature": [False, True, False, True],
            "order.units": [1, 2, 3, 4],
        }
    )
    records = records.assign(**{name: None for name in FIELDS if name not in records})
    return rule_orders(rules, orders, lines, records)


def test_what_no_rule_sets_stays_as_it_is() -> None:
    orders, lines, decided = ruled(rule("order.units > 9", "hold"), rule("order.units > 9", requires_signature=True))
    assert orders["warehouse_code"].tolist() == CODES
    assert lines["requires_signature"].tolist() == [False, True, False, False, True, True]
    assert decided == {}


def test_a_code_that_is_set_is_the_order_s_and_one_that_is_emptied_is_none() -> None:
    orders, _, _ = ruled(
        rule("order.units == 1", ship_method_code="CARGO"), rule("order.units == 3", ship_method_code="")
    )
    assert orders["warehouse_code"].to_dict() == {7: "CARGO", 3: "GROUND", 5: None, 9: None}


def test_a_signature_that_is_set_is_asked_for_on_every_line_of_its_order_and_of_no_other() -> None:
    _, lines, _ = ruled(rule("order.units == 1", requires_signature=True))
    assert lines["requires_signature"].tolist() == [True, True, False, False, True, True]
    _, lines, _ = ruled(rule("order.units == 2", requires_signature=False))
    assert lines["requires_signature"].tolist() == [False, False, False, False, True, True]


def test_what_is_decided_names_the_rule_and_what_to_do() -> None:
    _, _, decided = ruled(rule("order.units == 2", "hold"), rule("order.units == 3", "fail"), rule("true", "skip"))
    assert {order_id: (reason.code, reason.remedy) for order_id, reason in decided.items()} == {
        "A": ("rule_skip", REMEDIES["skip"]),
        "B": ("rule_hold", REMEDIES["hold"]),
        "C": ("rule_fail", REMEDIES["fail"]),
        "D": ("rule_skip", REMEDIES["skip"]),
    }
    assert {reason.detail for reason in decided.values()} == {"rule big: ask first"}

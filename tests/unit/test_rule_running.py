"""Rules on a frame of records: what they decide and set, in which order, and how often each is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.rules.conditions import read_condition
from mfn.rules.fields import EVENTS, Kind
from mfn.rules.rule import Rule
from mfn.rules.rule_running import apply_rules
from mfn.rules.rule_trial import try_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.rules.conditions import Condition
    from mfn.rules.fields import Field

FIELDS = EVENTS["shipment.notification"] | EVENTS["inventory.push"]
EMPTY: dict[Kind, Any] = {
    Kind.TEXT: None, Kind.NUMBER: 0, Kind.FLAG: False, Kind.TIME: pd.NaT, Kind.TEXTS: (),
}  # fmt: skip

KINDS = {Kind.NUMBER: "int64", Kind.FLAG: "bool", Kind.TIME: "datetime64[us, UTC]"}


def records(**columns: list[Any]) -> pd.DataFrame:
    """Records with some columns (`__` for the dot) and otherwise nothing in them, with an index of their own."""
    given = {name.replace("__", "."): values for name, values in columns.items()}
    size = len(next(iter(given.values())))
    return pd.DataFrame(
        {
            name: pd.Series(given.get(name, [EMPTY[field.kind]] * size), dtype=KINDS.get(field.kind, "object"))
            for name, field in FIELDS.items()
        }
    ).set_axis([f"row {number}" for number in range(size)])


def rule(name: str, when: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Rule:
    return Rule(name, read_condition(when, FIELDS), changes or {}, **({"is_last": "decision" in more} | more))


@dataclass
class Counted:
    """A condition that counts how often it is evaluated."""

    inner: Condition
    evaluations: int = 0

    @property
    def reads(self) -> Mapping[str, Field]:
        return self.inner.reads

    def holds(self, values: Mapping[str, Any]) -> bool:
        self.evaluations += 1
        return self.inner.holds(values)


def test_a_rule_is_evaluated_once_for_each_combination_of_the_fields_that_it_reads() -> None:
    count = 3_000
    frame = records(
        shipment__shipment_id=[str(number) for number in range(count)],
        shipment__carrier=["FedEx", "UPS", None] * (count // 3),
        shipment__units=[1, 1, 1, 2, 2, 2] * (count // 6),
        order__programs=[(), ("PRIME",)] * (count // 2),
    )
    condition = read_condition('shipment.carrier == "UPS" and shipment.units == 2', FIELDS)
    counted = Counted(condition)
    run = apply_rules([Rule("counted", counted, {})], frame)  # type: ignore[arg-type]  # it stands in for one
    assert counted.evaluations == 6
    assert run.fired["record"].tolist() == list(range(4, count, 6))


def test_records_that_are_decided_are_not_looked_at_again() -> None:
    frame = records(shipment__carrier=["UPS", "FedEx", "DHL"])
    counted = Counted(read_condition('shipment.carrier == "DHL"', FIELDS))
    first = rule("first", 'shipment.carrier in ["UPS", "FedEx"]', decision="hold", message="wait")
    apply_rules([first, Rule("second", counted, {})], frame)  # type: ignore[arg-type]  # it stands in for one
    assert counted.evaluations == 1


def test_what_a_rule_sets_is_what_the_rules_after_it_see() -> None:
    frame = records(shipment__carrier=["FEDEX HOME", "UPS"], shipment__service=[None, "Ground"])
    run = apply_rules(
        [
            rule("rename", 'shipment.carrier.starts_with("FEDEX")', {"shipment.carrier": "FedEx"}),
            rule("service", 'shipment.carrier == "FedEx"', {"shipment.service": "Home Delivery"}),
            rule("same", 'shipment.carrier == "UPS"', {"shipment.service": "Ground"}),
        ],
        frame,
    )
    assert run.records[["shipment.carrier", "shipment.service"]].to_numpy().tolist() == [
        ["FedEx", "Home Delivery"],
        ["UPS", "Ground"],
    ]
    assert run.fired.to_numpy().tolist() == [[0, "rename"], [0, "service"], [1, "same"]]
    assert run.changes.to_numpy().tolist() == [
        [0, "rename", "shipment.carrier", "FEDEX HOME", "FedEx"],
        [0, "service", "shipment.service", None, "Home Delivery"],
    ]
    assert frame["shipment.carrier"].tolist() == ["FEDEX HOME", "UPS"]


def test_a_decision_or_stop_ends_the_rules_for_its_record_only() -> None:
    frame = records(shipment__units=[1, 2, 3, 4, 5])
    run = apply_rules(
        [
            rule("one", "shipment.units == 1", {"shipment.service": "A"}, decision="hold", message="a"),
            rule("two", "shipment.units == 2", decision="skip", message="b"),
            rule("three", "shipment.units == 3", is_last=True),
            rule("four", "shipment.units == 4", decision="fail", message="c", is_enabled=False),
            rule("rest", "true", {"shipment.service": "Z"}, decision="fail", message="d"),
        ],
        frame,
    )
    assert run.decisions.index.tolist() == frame.index.tolist()
    assert run.decisions.to_numpy().tolist() == [
        ["hold", "a", "one"],
        ["skip", "b", "two"],
        ["", "", ""],
        ["fail", "d", "rest"],
        ["fail", "d", "rest"],
    ]
    assert run.records["shipment.service"].tolist() == ["A", None, None, "Z", "Z"]


def test_columns_stay_of_their_kind_unless_they_cannot() -> None:
    frame = records(stock__sku=["A", "B"], stock__buffer_units=[0, 5], stock__maximum_units=[10, 20])
    frame["stock.buffer_percent"] = [0.0, 0.0]
    moment = pd.Timestamp("2026-11-27", tz="UTC").to_pydatetime()
    run = apply_rules(
        [
            rule("buffer", 'stock.sku == "A"', {"stock.buffer_units": 2, "stock.buffer_percent": 2.5}),
            rule("no limit", 'stock.sku == "B"', {"stock.maximum_units": None}),
            rule("time", 'stock.sku == "B"', {"shipment.shipped_at": moment}),
        ],
        frame,
    )
    assert run.records["stock.buffer_units"].tolist() == [2, 5]
    assert run.records["stock.maximum_units"].tolist() == [10, None]
    assert run.records["shipment.shipped_at"].tolist() == [pd.NaT, moment]
    kinds = run.records[["stock.buffer_units", "stock.buffer_percent", "shipment.shipped_at"]].dtypes.astype(str)
    assert kinds.tolist() == ["int64", "float64", "datetime64[us, UTC]"]


def test_no_records_and_no_rules_make_no_trouble() -> None:
    nothing = records(shipment__carrier=[])
    run = apply_rules([rule("any", 'shipment.carrier == "UPS"', {"shipment.service": "A"})], nothing)
    assert (len(run.records), len(run.decisions), len(run.fired), len(run.changes)) == (0, 0, 0, 0)
    some = records(shipment__carrier=["UPS"])
    assert apply_rules([], some).records.equals(some)
    assert list(apply_rules([], some).changes.columns) == ["record", "rule", "field", "before", "after"]


def test_a_trial_shows_every_rule_and_lets_one_that_is_not_enabled_change_nothing() -> None:
    record = records(shipment__carrier=["UPS"], shipment__units=[3])
    entries = try_rules(
        [
            rule("new", "shipment.units == 3", {"shipment.carrier": "FedEx"}, is_enabled=False),
            rule("carrier", 'shipment.carrier == "UPS"', {"shipment.service": "Ground"}),
            rule("other", 'shipment.carrier == "DHL"', decision="fail", message="never"),
            rule("hold", 'shipment.service == "Ground"', decision="hold", message="wait"),
            rule("late", "true", {"shipment.service": "Air"}),
        ],
        record,
        FIELDS,
    )
    assert [(entry["name"], entry["enabled"], entry["tried"], entry["fired"]) for entry in entries] == [
        ("new", False, True, True),
        ("carrier", True, True, True),
        ("other", True, True, False),
        ("hold", True, True, True),
        ("late", True, False, False),
    ]
    assert entries[0]["changed"] == {"shipment.carrier": {"before": "UPS", "after": "FedEx"}}
    assert entries[1]["values"] == {"shipment.carrier": "UPS"}
    assert entries[1]["changed"] == {"shipment.service": {"before": "", "after": "Ground"}}
    assert [(entry["decision"], entry["message"]) for entry in entries[2:]] == [("", ""), ("hold", "wait"), ("", "")]


def test_a_rule_can_be_turned_on_by_its_one_switch() -> None:
    off = rule("off", "true", decision="skip", message="x", is_enabled=False)
    some = records(shipment__carrier=["UPS"])
    assert apply_rules([off], some).decisions["decision"].tolist() == [""]
    assert apply_rules([replace(off, is_enabled=True)], some).decisions["decision"].tolist() == ["skip"]

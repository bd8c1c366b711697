"""What of an order the warehouse has to ship, what is promised of it, and texts as a label can have them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from mfn.steps.importing.transform import _fulfilled_before as fulfilled_before
from mfn.steps.importing.transform import _printable as printable
from mfn.steps.importing.transform import _reserved as reserved
from mfn.steps.importing.transform import _to_load as to_load


def lines(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["order_id", "order_item_id", "quantity_to_ship", "quantity_fulfilled"])


def tracked(**before: str | None) -> Any:
    """Orders that the warehouse has, and what had been shipped of each before that."""
    return {order_id: SimpleNamespace(fulfilled_before=text) for order_id, text in before.items()}


def test_what_others_shipped_is_noted_once_of_an_order_that_is_new_to_the_warehouse() -> None:
    found = lines(
        ("NEW", "1", 2, 1), ("NEW", "2", 1, 3), ("FRESH", "1", 1, 0), ("OLD", "1", 1, 2), ("BEFORE", "1", 1, 2)
    )
    known = tracked(OLD=None, BEFORE='{"1":1}')
    assert fulfilled_before(found, known, {}) == {"NEW": '{"1":1,"2":3}', "BEFORE": '{"1":1}'}
    assert fulfilled_before(lines(("FRESH", "1", 1, 0)), {}, {}) == {}


def test_what_amazon_has_from_this_project_was_not_shipped_by_others() -> None:
    found = lines(("KILLED", "1", 2, 1), ("KILLED", "2", 0, 3))
    assert fulfilled_before(found, {}, {("KILLED", "1"): 1, ("KILLED", "2"): 2}) == {"KILLED": '{"2":1}'}


@pytest.mark.parametrize(
    ("line", "before", "expected"),
    [
        (("O", "1", 3, 0), {}, 3),
        (("O", "1", 2, 1), {}, 3),  # the warehouse's own confirmation takes nothing off what it was given
        (("O", "1", 2, 1), {"O": '{"1":1}'}, 2),
        (("O", "1", 2, 1), {"O": '{"2":1}'}, 3),
        (("O", "1", 2, 1), {"P": '{"1":1}'}, 3),
        (("O", "1", 0, 2), {"O": '{"1":3}'}, 0),  # Amazon has taken back a unit that it counted as shipped
    ],
)
def test_the_warehouse_ships_what_is_ordered_less_what_others_shipped_before(
    line: tuple[str, str, int, int], before: dict[str, str], expected: int
) -> None:
    assert to_load(lines(line), before).tolist() == [expected]


def test_promised_are_all_units_that_are_to_be_shipped_as_far_as_a_column_holds_them() -> None:
    rows = [
        ("O", 1, "MUG", 2),
        ("O", 2, "CUP", 0),
        ("P", 1, "MUG", 1),
        ("O", 3, "CUP", 2**31 - 1),
        ("O", 4, "CUP", 2**31),
    ]
    components = pd.DataFrame(rows, columns=["order_id", "line_number", "warehouse_sku", "quantity"])
    most = 2**31 - 1
    assert reserved(components) == {
        "O": [(1, "MUG", 2), (3, "CUP", most), (4, "CUP", most)],
        "P": [(1, "MUG", 1)],
    }


@pytest.mark.parametrize("sign", "\x00\x08\x0b\x0c\x0e\x1f\x7f\x85\x9f\u202d\u202e")
def test_signs_that_command_a_terminal_or_a_printer_become_blanks(sign: str) -> None:
    assert printable([f"a{sign}{sign}b", None, "c"]) == ["a  b", None, "c"]


@pytest.mark.parametrize("text", ["", "Æblevej 1\nStuen", "a\tb", "a\r\nb", "a\u00a0b", "日本\u3000橋", "\u200bx"])
def test_every_other_text_stays_as_it_is(text: str) -> None:
    assert printable([text, None]) == [text, None]

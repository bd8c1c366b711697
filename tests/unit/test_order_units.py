"""How many units of each order item the warehouse was given to ship."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mfn.rules.order_units import units_to_ship

MUG = ("A", "I-MUG", "MUG", 3, 1)


@pytest.mark.parametrize(
    ("lines", "units"),
    [
        ([MUG], {"A": {"I-MUG": 3}}),
        ([MUG, ("A", "I-MUG", "MUG", 2, 1)], {"A": {"I-MUG": 5}}),
        ([MUG, ("B", "I-MUG", "MUG", 1, 1)], {"A": {"I-MUG": 3}, "B": {"I-MUG": 1}}),
        ([MUG, ("A", None, "CARD", 1, 1)], {"A": {"I-MUG": 3}}),
        ([("A", "I-SET", "PLATE", 4, 2), ("A", "I-SET", "BOWL", 1, 1)], {"A": {"I-SET": 1}}),
        ([("A", "I-SET", "PLATE", 5, 2), ("A", "I-SET", "BOWL", 3, 1)], {"A": {"I-SET": 2}}),
        ([("A", "I-MUG", None, 3, 1)], {"A": {"I-MUG": 3}}),
        ([], {}),
    ],
)
def test_an_order_item_has_as_many_units_as_its_lines_make_whole_kits(
    lines: list[tuple[Any, ...]], units: dict[str, dict[str, int]]
) -> None:
    columns = ["order_number", "order_item_id", "sku", "quantity", "units_per_kit"]
    frame = pd.DataFrame(lines, columns=columns).astype({"quantity": "int64", "units_per_kit": "int64"})
    assert units_to_ship(frame) == units

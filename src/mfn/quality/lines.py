"""The suite over the checked line frame: `mfn.rules.frames.line_frame` of the due orders, plus what the rules computed.

======================== ============================================================================================
is_sku_known             whether the SKU, or every component of its kit, is in the warehouse's item master
is_duplicate_item        whether an order item id occurs twice in an order
======================== ============================================================================================
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from mfn.quality.suites import (
    Fact,
    Suite,
    as_it_is,
    at_least,
    columns_exist,
    holds,
    is_count,
    is_true,
    not_before,
    present,
)

QUANTITIES = ("quantity_ordered", "quantity_fulfilled", "quantity_to_ship")


def _smallest_quantity(frame: pd.DataFrame) -> pd.Series[Any]:
    # One rule for the three quantities: every rule costs some ten milliseconds, whatever it checks.
    numbers = pd.DataFrame({name: pd.to_numeric(frame[name], errors="coerce") for name in QUANTITIES}).fillna(-1)
    return numbers.min(axis=1)


def _is_sku_known(frame: pd.DataFrame) -> pd.Series[Any]:
    # A line with nothing left to ship is dropped: its SKU holds nothing.
    is_due = pd.to_numeric(frame["quantity_to_ship"], errors="coerce").ne(0)
    return frame["is_sku_known"].eq(other=True).where(is_due)


FACTS = {
    "order_item_id": as_it_is("order_item_id"),
    "smallest_quantity": Fact(QUANTITIES, _smallest_quantity),
    "quantity_ordered": is_count("quantity_ordered"),
    "quantity_fulfilled": is_count("quantity_fulfilled"),
    "quantity_to_ship": is_count("quantity_to_ship"),
    "is_sku_known": Fact(("is_sku_known", "quantity_to_ship"), _is_sku_known),
    "is_duplicate_item": is_true("is_duplicate_item"),
}

LINES = Suite(
    "lines",
    FACTS,
    (
        columns_exist(FACTS),
        present("order_item_id", "invalid_payload", "critical", "Every line has an order item id"),
        at_least("smallest_quantity", 0, "invalid_payload", "critical", "Quantities are numbers and never negative"),
        not_before(
            "quantity_ordered",
            "quantity_fulfilled",
            "quantity_inconsistent",
            "warning",
            "No more units were shipped than ordered",
        ),
        not_before(
            "quantity_ordered",
            "quantity_to_ship",
            "invalid_payload",
            "critical",
            "No more units are left to ship than ordered",
        ),
        holds("is_sku_known", "sku_unknown", "critical", "Every SKU to ship is an active item in the warehouse"),
        holds(
            "is_duplicate_item",
            "duplicate_line",
            "critical",
            "Every order item appears once in its order",
            expected=False,
        ),
    ),
)

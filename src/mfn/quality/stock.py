"""The suites over the warehouse's stock rows and over its items: what `mfn.rules.stock_faults` holds, and what is odd.

Rows of locations that are not sellable, and rows of inactive items, are in neither frame, since they do not count.
Every fact is a plain yes or no, which makes the checks of 100,000 rows cheap and lets no value out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mfn.quality.suites import Suite, as_it_is, columns_exist, holds

if TYPE_CHECKING:
    from datetime import datetime

STOCK_FACTS = {
    name: as_it_is(name)
    for name in (
        "has_sku",
        "is_item_known",
        "is_readable",
        "is_on_hand_negative",
        "is_allocated_negative",
        "is_whole",
        "is_duplicate",
        "is_recent",
        "is_allocated_above_on_hand",
    )
}

STOCK = Suite(
    "stock",
    STOCK_FACTS,
    (
        columns_exist(STOCK_FACTS),
        holds("has_sku", "item_unknown", "critical", "Every stock row has a SKU"),
        holds("is_item_known", "item_unknown", "critical", "The SKU of every stock row is in wms_item"),
        holds("is_readable", "stock_unreadable", "critical", "On hand and allocated are numbers"),
        holds("is_on_hand_negative", "stock_negative", "critical", "On hand is never negative", expected=False),
        holds("is_allocated_negative", "stock_negative", "critical", "Allocated is never negative", expected=False),
        holds("is_whole", "stock_fractional", "critical", "Quantities are whole numbers"),
        holds("is_duplicate", "stock_duplicate", "critical", "A SKU has one row per location", expected=False),
        holds("is_recent", "stock_too_old", "critical", "No count is older than maximum_age_hours"),
        holds(
            "is_allocated_above_on_hand",
            "allocated_above_on_hand",
            "warning",
            "No more is allocated than on hand",
            expected=False,
        ),
    ),
)
"""The suite over what `checked_stock` returns."""

ITEM_FACTS = {"has_stock": as_it_is("has_stock")}

ITEMS = Suite(
    "items",
    ITEM_FACTS,
    (
        columns_exist(ITEM_FACTS),
        holds("has_stock", "stock_missing", "warning", "Every active item has a stock row, even if it is 0"),
    ),
)
"""The suite over what `checked_items` returns."""


def checked_stock(
    stock: pd.DataFrame, items: pd.DataFrame, *, now: datetime, maximum_age_hours: float | None
) -> pd.DataFrame:
    """The facts of the stock rows that count, for `STOCK`.

    Args:
        stock: The rows (`mfn.warehouse.inventory.StockSnapshot`), with any unique index.
        items: The item master of the same snapshot.
        now: When the run began.
        maximum_age_hours: How old a count may be; None for any age.

    Returns:
        One bool column for each of `STOCK_FACTS`, under the labels of `stock`. If counts may have any age,
        `is_recent` is null: there is nothing to check.
    """
    inactive = items.loc[~items["is_active"], "sku"]
    rows = stock[stock["is_sellable"] & ~stock["sku"].isin(inactive)]
    on_hand, allocated = rows["on_hand"], rows["allocated"]
    is_item_known = rows["sku"].isin(items["sku"])
    is_recent = pd.Series(pd.NA, index=rows.index, dtype="object")
    if maximum_age_hours is not None:
        oldest = pd.Timestamp(now) - pd.Timedelta(hours=maximum_age_hours)
        is_recent = ~(rows["counted_at"] < oldest) & ~rows["is_counted_at_unreadable"]
    return pd.DataFrame(
        {
            # An item master may have an item without a name, and so may its rows.
            "has_sku": rows["sku"].ne("") | is_item_known,
            "is_item_known": is_item_known,
            "is_readable": rows["unreadable"].eq(""),
            "is_on_hand_negative": on_hand < 0,
            "is_allocated_negative": allocated < 0,
            "is_whole": ~((on_hand % 1 > 0) | (allocated % 1 > 0)),
            "is_duplicate": rows[["sku", "location"]].duplicated(keep=False),
            "is_recent": is_recent,
            "is_allocated_above_on_hand": allocated > on_hand.clip(lower=0),
        }
    )


def checked_items(stock: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The facts of the active items, for `ITEMS`.

    Args:
        stock: As for `checked_stock`.
        items: Likewise.

    Returns:
        `has_stock`: whether the item has a row in a sellable location; under the labels of `items`.
    """
    active = items[items["is_active"]]
    return pd.DataFrame({"has_stock": active["sku"].isin(stock.loc[stock["is_sellable"], "sku"])})

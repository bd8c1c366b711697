"""Frames of stock for the tests of the arithmetic, as a snapshot and the mappings have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ALIAS_COLUMNS = ["connection", "marketplace", "seller_sku", "warehouse_sku", "units"]


def stock_rows(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows of (sku, location, on hand, allocated = 0, is sellable = True, counted at = never)."""
    filled = [(*row, *(0, True, pd.NaT)[len(row) - 3 :]) for row in rows]
    columns = ["sku", "location", "on_hand", "allocated", "is_sellable", "counted_at"]
    kinds = {"on_hand": "float64", "allocated": "float64", "is_sellable": "bool", "counted_at": "datetime64[us, UTC]"}
    frame = pd.DataFrame(filled, columns=columns, dtype="object").astype(kinds)
    unreadable = ["on_hand is 'x', not a number" if np.isnan(units) else "" for units in frame["on_hand"]]
    return frame.assign(unreadable=pd.Series(unreadable, dtype="object"), is_counted_at_unreadable=False)


def item_rows(*skus: str, inactive: Iterable[str] = ()) -> pd.DataFrame:
    """The item master."""
    listed = [*skus, *inactive]
    return pd.DataFrame(
        {"sku": pd.Series(listed, dtype="object"), "is_active": [sku in skus for sku in listed]}
    ).astype({"is_active": "bool"})


def alias_rows(*rows: tuple[str, str, int], connection: str = "", marketplace: str = "") -> pd.DataFrame:
    """Rows of (seller SKU, warehouse SKU, units)."""
    frame = pd.DataFrame([(connection, marketplace, *row) for row in rows], columns=ALIAS_COLUMNS, dtype="object")
    return frame.astype({"units": "int64"})


def listing_rows(*rows: str | tuple[str, ...]) -> pd.DataFrame:
    """Rows of a seller SKU, or of (seller SKU, marketplace = US, channel = DEFAULT)."""
    given = [(row,) if isinstance(row, str) else row for row in rows]
    filled = [(*row, *(US, "DEFAULT")[len(row) - 1 :]) for row in given]
    frame = pd.DataFrame(filled, columns=["seller_sku", "marketplace_id", "channel"], dtype="object")
    return frame.assign(asin=None)[["marketplace_id", "seller_sku", "asin", "channel"]]


def reservation_rows(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Rows of (order id, sku, units)."""
    frame = pd.DataFrame(rows, columns=["order_id", "sku", "units"], dtype="object")
    return frame.astype({"units": "int64"})


def order_rows(states: Mapping[str, tuple[str, bool]]) -> pd.DataFrame:
    """The states of orders: status, and whether the order is allocated."""
    rows = [(number, status, is_allocated) for number, (status, is_allocated) in states.items()]
    frame = pd.DataFrame(rows, columns=["order_number", "status", "is_allocated"], dtype="object")
    return frame.astype({"is_allocated": "bool"})


def limit_rows(offers: int, **limits: float | None) -> pd.DataFrame:
    """The same limits for so many offers."""
    given = {"buffer_units": 0, "buffer_percent": 0, "minimum_units": 0, "maximum_units": None} | limits
    most = np.nan if given["maximum_units"] is None else given["maximum_units"]
    return pd.DataFrame(
        {
            "buffer_units": np.full(offers, given["buffer_units"], dtype="int64"),
            "buffer_percent": np.full(offers, given["buffer_percent"], dtype="float64"),
            "minimum_units": np.full(offers, given["minimum_units"], dtype="int64"),
            "maximum_units": np.full(offers, most, dtype="float64"),
        }
    )


def a_connection(marketplaces: Iterable[str] = ("US",), **inventory: float | None) -> Connection:
    """A connection called us."""
    return Connection.model_validate(
        {"name": "us", "seller_id": "A2TESTSELLER001", "marketplaces": list(marketplaces), "inventory": inventory}
    )

"""The warehouse's stock, and what is needed to know which orders it accounts for, as of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.database.columns import columns
from mfn.warehouse.sql_parts import has_column, read_orders
from mfn.warehouse.values import as_text, flags, numbers, times, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

MOST_UNITS = 1_000_000_000
"""No location holds more: a larger number is a barcode that was scanned into the wrong field."""

REPEATED = ("location", "on_hand", "allocated", "is_sellable")
"""Columns with few distinct texts."""

ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""The isolation level on PostgreSQL; on SQLite every transaction reads as of its first statement."""


@dataclass(frozen=True, eq=False)
class StockSnapshot:
    """What the warehouse has, everything as of the same moment.

    Attributes:
        stock: One row for each row of `wms_inventory`, in no order:

            =========================== =============================================================================
            sku, location               text as the warehouse writes it, empty where it gives none
            on_hand                     float64; NaN where there is no number that units can be
            allocated                   float64; 0 where it gives none, NaN where it is no number that units can be
            is_sellable                 bool; true where it says nothing
            counted_at                  `datetime64[us, UTC]`; NaT where it gives none, or none that can be read
            unreadable                  text: which of the two is not a number, and what is there; else empty
            is_counted_at_unreadable    counted_at holds something that is not a time
            =========================== =============================================================================
        items: `sku` (text, unique), `is_active` (bool; NULL counts as active).
        orders: Of the requested orders, those that the warehouse has: `order_number`, `status` (text, lower case, empty
            where it says nothing), `is_allocated` (bool: `allocated_at` is filled).
        is_allocated_at_filled: Whether `allocated_at` is filled for any order at all.
    """

    stock: pd.DataFrame
    items: pd.DataFrame
    orders: pd.DataFrame
    is_allocated_at_filled: bool


def snapshot(connection: Connection, order_numbers: Iterable[str]) -> StockSnapshot:
    """Read the stock, the item master and the state of some orders as of one moment.

    Args:
        connection: A transaction in which nothing has been read yet.
        order_numbers: The orders that may have units promised to them, as many as there are.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(ONE_MOMENT)
    return StockSnapshot(
        _stock(connection), _items(connection), _orders(connection, order_numbers), _fills_allocated_at(connection)
    )


def _stock(connection: Connection) -> pd.DataFrame:
    optional = [name for name in ("is_sellable", "counted_at") if has_column(connection, "wms_inventory", name)]
    names = ("sku", "location", "on_hand", "allocated", *optional)
    expressions = {name: as_text(connection, name) for name in names}
    read = columns(connection, expressions, "FROM wms_inventory", {}, repeated=REPEATED)
    nothing = [None] * len(read["sku"])
    counted_at = read.get("counted_at", nothing)
    frame = pd.DataFrame(
        {
            "sku": pd.Series([sku or "" for sku in read["sku"]], dtype="object"),
            "location": pd.Series([location or "" for location in read["location"]], dtype="object"),
            "on_hand": _units(read["on_hand"]),
            "allocated": _units(["0" if not (text or "").strip() else text for text in read["allocated"]]),
            "is_sellable": flags(read.get("is_sellable", nothing), missing=True),
            "counted_at": times(counted_at),
        }
    )
    return frame.assign(
        unreadable=_unreadable(frame, read),
        is_counted_at_unreadable=words(counted_at).notna() & frame["counted_at"].isna(),
    )


def _units(texts: Sequence[str | None]) -> pd.Series[float]:
    """Numbers of units, whole or not; NaN for what cannot be a number of units."""
    read = numbers(texts)
    return read.where(read.abs() <= MOST_UNITS)


def _unreadable(frame: pd.DataFrame, read: dict[str, list[Any]]) -> pd.Series[Any]:
    said = [""] * len(frame)
    for name in ("on_hand", "allocated"):
        for position in np.flatnonzero(frame[name].isna()).tolist():
            before = f"{said[position]}, " if said[position] else ""
            said[position] = f"{before}{name} is {_shown(read[name][position])}"
    return pd.Series(said, dtype="object")


def _shown(text: str | None) -> str:
    if text is None or not text.strip():
        return "empty"
    is_number = bool(numbers([text]).notna().all())
    return f"{text.strip()}, more than a location can hold" if is_number else f"{text.strip()!r}, not a number"


def _items(connection: Connection) -> pd.DataFrame:
    expressions = {name: as_text(connection, name) for name in ("sku", "is_active")}
    read = columns(connection, expressions, "FROM wms_item WHERE sku IS NOT NULL", {})
    frame = pd.DataFrame(
        {"sku": pd.Series(read["sku"], dtype="object"), "is_active": flags(read["is_active"], missing=True)}
    )
    if frame["sku"].duplicated().any():
        frame = frame.groupby("sku", as_index=False).agg({"is_active": "any"}).astype({"sku": "object"})
    return frame


def _orders(connection: Connection, order_numbers: Iterable[str]) -> pd.DataFrame:
    read = read_orders(connection, order_numbers, "allocated_at")
    return pd.DataFrame(
        {
            "order_number": pd.Series(read["order_number"], dtype="object"),
            "status": words(read["status"]).fillna(""),
            "is_allocated": words(read["allocated_at"]).notna(),
        }
    )


def _fills_allocated_at(connection: Connection) -> bool:
    found = connection.exec_driver_sql(
        "SELECT EXISTS (SELECT 1 FROM wms_order"
        " WHERE allocated_at IS NOT NULL AND trim(CAST(allocated_at AS VARCHAR)) <> '')"
    )
    return bool(found.scalar_one())

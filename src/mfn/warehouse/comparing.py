"""What the warehouse has of orders, for a comparison with Amazon: no statement here reads a buyer's data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mfn.database.columns import columns
from mfn.warehouse.sql_parts import read_orders
from mfn.warehouse.values import as_text, times, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection


def orders_of(connection: Connection, of: str) -> pd.DataFrame:
    """Every order of one connection, and how long the warehouse has had it.

    Returns:
        `order_number` (text), `ordered_at` and `loaded_at` (`datetime64[us, UTC]`; NaT where there is none).
    """
    names = ("order_number", "ordered_at", "loaded_at")
    expressions = {name: as_text(connection, f"wms_order.{name}") for name in names}
    read = columns(connection, expressions, "FROM wms_order WHERE wms_order.connection = :of", {"of": of})
    return pd.DataFrame(
        {
            "order_number": pd.Series([number or "" for number in read["order_number"]], dtype="object"),
            "ordered_at": times(read["ordered_at"]),
            "loaded_at": times(read["loaded_at"]),
        }
    )


def standings(connection: Connection, order_numbers: Iterable[str]) -> pd.DataFrame:
    """The status of some orders in the warehouse.

    Returns:
        One row an order that the warehouse has: `order_number`, `status` (text, lower case, empty where there is none),
        `is_cancel_requested` (bool), `connection` (text or None).
    """
    read = read_orders(connection, order_numbers, "cancel_requested_at", "connection")
    return pd.DataFrame(
        {
            "order_number": pd.Series(read["order_number"], dtype="object"),
            "status": words(read["status"]).fillna(""),
            "is_cancel_requested": words(read["cancel_requested_at"]).notna(),
            "connection": words(read["connection"]),
        }
    )

"""Removing buyers' data from the warehouse's tables; what is needed to know what was shipped stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import text

from mfn.database.columns import columns
from mfn.database.forgetting import overwrite_freed
from mfn.warehouse.locking import locked
from mfn.warehouse.setup import required_columns
from mfn.warehouse.sql_parts import STATUS, as_keys, asked, asked_orders, same
from mfn.warehouse.values import as_text, times

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection

ORDER_DATA = (
    "purchase_order_number", "cancel_reason", "ship_to_name", "ship_to_company", "address_1", "address_2", "address_3",
    "city", "district", "postal_code", "phone", "email", "delivery_instructions",
)  # fmt: skip
"""The columns of `wms_order` that are about a person, or in a buyer's own words; state and country are not."""

LINE_DATA = ("gift_message", "customization_url")
"""The same of `wms_order_line`."""

SCRUBBED = {"wms_order": ORDER_DATA, "wms_order_line": LINE_DATA}


def _holds(table: str) -> str:
    """The condition that a row still has some buyer's data."""
    return " OR ".join(
        f"({table}.{name} IS NOT NULL AND CAST({table}.{name} AS VARCHAR) <> '')" for name in SCRUBBED[table]
    )


def holding(connection: Connection) -> list[str]:
    """The orders that still have some buyer's data, of whatever connection, sorted."""
    found = columns(
        connection,
        {"order_number": as_text(connection, "held.order_number")},
        f"FROM (SELECT order_number FROM wms_order WHERE {_holds('wms_order')}"
        f" UNION SELECT order_number FROM wms_order_line WHERE {_holds('wms_order_line')}) AS held",
        {},
    )
    return sorted(found["order_number"])


def scrub(connection: Connection, order_numbers: Collection[str]) -> frozenset[str]:
    """Empty the buyer's data of some orders and of their lines; rows without any are not touched.

    A column that takes no NULL gets an empty text. On SQLite the old values are overwritten in the file as well.

    Returns:
        Those that still had some buyer's data.
    """
    overwrite_freed(connection)
    locked(connection, order_numbers)  # in a fixed order, so that no two transactions wait for each other
    given = as_keys(order_numbers)
    scrubbed: set[str] = set()
    for table, names in SCRUBBED.items():
        required = required_columns(connection, table)
        sets = ", ".join(f"{name} = {repr('') if name in required else 'NULL'}" for name in names)
        chosen = f"order_number IN (SELECT asked.key FROM {asked(connection)})"
        number = "CAST(order_number AS VARCHAR)"  # a longer CHAR is padded with blanks
        change = f"UPDATE {table} SET {sets} WHERE {chosen} AND ({_holds(table)}) RETURNING {number}"
        scrubbed.update(connection.execute(text(change), given).scalars())
    return frozenset(scrubbed)


def left(connection: Connection, order_numbers: Iterable[str]) -> dict[str, datetime | None]:
    """Those of some orders that the warehouse has shipped, and when; None if it does not say."""
    found = columns(
        connection,
        {"order_number": "asked.key", "shipped_at": as_text(connection, "shipment.shipped_at")},
        f"{asked_orders(connection)} AND {STATUS} = 'shipped'"
        f" LEFT JOIN wms_shipment AS shipment ON {same(connection, 'shipment.order_number', 'asked.key')}",
        as_keys(order_numbers),
    )
    parcels = pd.DataFrame({"order_number": found["order_number"], "shipped_at": times(found["shipped_at"])})
    last = parcels.groupby("order_number")["shipped_at"].max()
    return {str(number): None if pd.isna(at) else at.to_pydatetime() for number, at in last.items()}

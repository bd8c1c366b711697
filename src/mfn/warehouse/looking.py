"""Examining the warehouse: which tables it has and what they lack; nothing is created, nothing is changed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import inspect, text

from mfn.database.columns import columns
from mfn.database.engines import engine_for, reading
from mfn.database.urls import sqlite_file
from mfn.errors import FatalError
from mfn.warehouse.setup import look
from mfn.warehouse.tables import wms_order, wms_order_line, wms_shipment_line
from mfn.warehouse.values import as_text, flags, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

RIGHTS = {
    wms_order.name: ("SELECT", "INSERT", "UPDATE"),
    wms_order_line.name: ("SELECT", "INSERT", "UPDATE", "DELETE"),
    wms_shipment_line.name: ("SELECT",),
}
"""Rights that are not needed before there is an order or a parcel; docs/warehouse.md names all rights."""


@dataclass(frozen=True)
class WarehouseLook:
    """The state of a warehouse's tables.

    Attributes:
        missing: The tables that it lacks.
        faults: What the existing ones lack: columns, or the key that keeps a second row out; for people.
        denied: Which rights the login lacks that loads and scrubs need, e.g. `DELETE on wms_order_line`.
        is_read_only: Whether nothing can be written at present: on a standby, or to a file without permission.
    """

    missing: tuple[str, ...]
    faults: tuple[str, ...]
    denied: tuple[str, ...] = ()
    is_read_only: bool = False

    def lacks(self, tables: Sequence[str]) -> list[str]:
        """Those of some tables that the warehouse lacks."""
        return [table for table in tables if table in self.missing]


def look_at(url: str, *, what: str) -> WarehouseLook:
    """Look at the tables of a warehouse.

    Raises:
        FatalError: It is a SQLite file that does not exist; opening it would create it.
        RetriableError: It cannot be reached.
    """
    if not _is_there(url):
        raise FatalError(
            f"{what} is missing: {sqlite_file(url)} does not exist.",
            remedy="Correct warehouse.url in connections.yaml; or create a new, empty one with its tables with "
            "mfn mappings check, and have the warehouse fill it (docs/warehouse.md).",
        )
    with reading(engine_for(url), what=what) as connection:
        missing, faults = look(connection)
        names = tuple(table.name for table in missing)
        return WarehouseLook(names, tuple(faults), _denied(connection), _is_read_only(connection, sqlite_file(url)))


def _denied(connection: Connection) -> tuple[str, ...]:
    """The rights that the login lacks and that nothing else finds out; SQLite has no rights."""
    if connection.dialect.name == "sqlite":
        return ()
    wanted = [(name, right) for name, rights in RIGHTS.items() for right in rights]
    # A right on single columns counts: the database will report which of them a statement needs.
    has = dict.fromkeys(("SELECT", "INSERT", "UPDATE"), "has_any_column_privilege")
    lacking = [
        f"{right} on {name}"
        for name, right in wanted
        if connection.scalar(
            text(f"SELECT {has.get(right, 'has_table_privilege')}(to_regclass(:name), :right)"),
            {"name": name, "right": right},
        )
        is False
    ]
    may_stage = connection.scalar(text("SELECT has_database_privilege(current_database(), 'TEMPORARY')"))
    return tuple(lacking if may_stage else [*lacking, "TEMPORARY on the database"])


def _is_read_only(connection: Connection, file: Path | None) -> bool:
    if file is None:
        return bool(connection.scalar(text("SHOW transaction_read_only")) == "on")
    whose = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    # SQLite also writes next to the file, what it needs to undo a transaction.
    return not all(os.access(place, os.W_OK, **whose) for place in (file, file.absolute().parent))


def lost_order_tables(url: str, *, what: str) -> list[str]:
    """Those of the tables of orders and lines that a warehouse lacks; nothing is created.

    Raises:
        RetriableError: It cannot be reached.
    """
    names = [wms_order.name, wms_order_line.name]
    if not _is_there(url):
        return names
    with reading(engine_for(url), what=what) as connection:
        return [name for name in names if not inspect(connection).has_table(name)]


def _is_there(url: str) -> bool:
    """Whether there is something to open; for a database server, opening it will tell."""
    file = sqlite_file(url)
    return file is None or file.is_file()


def carriers_written(url: str, *, what: str) -> pd.DataFrame:
    """The carriers and services that the warehouse writes for parcels that it ships itself.

    Parcels with a label bought from Amazon are left out: their carrier is not sent to Amazon.

    Returns:
        `carrier`, `service` (texts without blanks around, or None), `parcels` (how many, int64), the most frequent
        first.

    Raises:
        RetriableError: It cannot be reached.
        FatalError: It has no table `wms_shipment`, or one without these columns.
    """
    with reading(engine_for(url), what=what) as connection:
        names = ("carrier", "service", "is_amazon_label")
        expressions = {name: as_text(connection, name) for name in names}
        grouped = (
            "FROM (SELECT carrier, service, is_amazon_label, count(*) AS parcels FROM wms_shipment"
            " GROUP BY carrier, service, is_amazon_label) AS written"
        )
        read = columns(connection, {**expressions, "parcels": "parcels"}, grouped, {})
    parcels: Counter[tuple[str | None, str | None]] = Counter()
    pairs = zip(words(read["carrier"]), words(read["service"]), strict=True)
    is_label = flags(read["is_amazon_label"], missing=False)
    for pair, count, label in zip(pairs, read["parcels"], is_label, strict=True):
        parcels[pair] += 0 if label else count
    found = [(*pair, count) for pair, count in parcels.most_common() if count]
    frame = pd.DataFrame(found, columns=["carrier", "service", "parcels"], dtype="object")
    return frame.astype({"parcels": "int64"})

"""The warehouse as a SQL database: its data is read as frames, orders are written under the guard."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mfn.database.engines import engine_for, reading, writing
from mfn.database.forgetting import empty_log
from mfn.database.urls import sqlite_file
from mfn.warehouse import cancelling, comparing, inventory, loading, scrubbing, setup, shipments, sql_parts
from mfn.warehouse.values import as_text, flags

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from mfn.warehouse.cancelling import CancelResult
    from mfn.warehouse.inventory import StockSnapshot
    from mfn.warehouse.loading import LineRow, LoadResult, OrderRow


THIS_MACHINE = {"", "localhost", "127.0.0.1", "::1"}
POSTGRES_PORT = "5432"


def whereabouts(url: str) -> tuple[str, ...]:
    """The identity of a warehouse: the same for every URL that leads to it, whatever its login and options.

    Args:
        url: A SQLAlchemy URL as `mfn.database.urls.resolve_database_url` returns it.
    """
    file = sqlite_file(url)
    if file is not None:
        return (os.path.realpath(file),)
    parsed = make_url(url)
    said = {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
    host = (parsed.host or said.get("host", "")).lower()
    port = str(parsed.port or said.get("port", POSTGRES_PORT))
    database = parsed.database or said.get("dbname") or parsed.username or ""
    # The options may name a schema.
    return "" if host in THIS_MACHINE else host, port, database, "".join(said.get("options", "").split())


class SqlWarehouse:
    """One connection's warehouse.

    Every method opens its own transaction, and raises RetriableError if the database cannot be reached and FatalError
    if it refuses a statement.

    Args:
        url: A SQLAlchemy URL as `mfn.database.urls.resolve_database_url` returns it.
        name: The connection's name.
        may_write: Called in each transaction that writes, once no other one of this connection is open; raises if its
            run may not write any more. None if nobody else writes.
    """

    def __init__(self, url: str, *, name: str, may_write: Callable[[], None] | None = None) -> None:
        self._url = url
        self._name = name
        self._what = f"the warehouse of {name}"
        self._may_write = may_write

    @property
    def _engine(self) -> Engine:
        return engine_for(self._url)

    @property
    def digest(self) -> str:
        """A digest that identifies this warehouse: the same for every connection to it, whatever the password."""
        shown = make_url(self._url)._replace(password=None).render_as_string()
        return hashlib.sha256(shown.encode()).hexdigest()[:16]

    def ensure_tables(self) -> None:
        """Create the missing tables, and check that the others can be used; see `mfn.warehouse.setup`."""
        setup.ensure_tables(self._engine, what=self._what)

    def items(self) -> pd.DataFrame:
        """The item master.

        Returns:
            `sku` (text, unique), `description` (text or None), `is_active` (bool; NULL counts as active).
        """
        return self._active("wms_item", ["sku", "description"])

    def ship_methods(self) -> pd.DataFrame:
        """The shipping methods that the warehouse knows.

        Returns:
            `code` (text, unique), `carrier` and `service` (text or None), `is_active` (bool; NULL counts as active).
        """
        return self._active("wms_ship_method", ["code", "carrier", "service"])

    def load(self, orders: Sequence[OrderRow], lines: Sequence[LineRow]) -> LoadResult:
        """Write one chunk of orders with all of their lines in one transaction; see `mfn.warehouse.loading.load`."""
        with self._writing() as connection:
            return loading.load(connection, orders, lines, what=self._what)

    def cancel(self, order_numbers: Iterable[str], reason: str, at: datetime) -> CancelResult:
        """Cancel what Amazon has cancelled; see `mfn.warehouse.cancelling.cancel`."""
        with self._writing() as connection:
            return cancelling.cancel(connection, order_numbers, reason, at)

    def request_cancellation(self, reasons: Mapping[str, str], at: datetime) -> frozenset[str]:
        """Pass on that buyers ask for a cancellation; see `mfn.warehouse.cancelling.request_cancellation`."""
        with self._writing() as connection:
            return cancelling.request_cancellation(connection, reasons, at)

    def withdraw_request(self, order_numbers: Iterable[str]) -> None:
        """Pass on that buyers no longer ask for a cancellation; see `mfn.warehouse.cancelling.withdraw_request`."""
        with self._writing() as connection:
            cancelling.withdraw_request(connection, order_numbers)

    def await_writer(self) -> None:
        """Wait until no transaction that writes orders of this connection is open any more.

        The holder of its lease may then rely on what it reads: a run that had the lease before, and was stuck in such a
        transaction, has finished it, and will not start another.
        """
        with self._writing():
            pass

    def states(self, order_numbers: Iterable[str]) -> dict[str, str]:
        """The status of each of these orders that the warehouse knows."""
        with self._reading() as connection:
            return sql_parts.states(connection, order_numbers)

    def orders_of(self, connection: str) -> pd.DataFrame:
        """Every order of one connection; see `mfn.warehouse.comparing.orders_of`."""
        with self._reading() as database:
            return comparing.orders_of(database, connection)

    def standings(self, order_numbers: Iterable[str]) -> pd.DataFrame:
        """The status of these orders; see `mfn.warehouse.comparing.standings`."""
        with self._reading() as connection:
            return comparing.standings(connection, order_numbers)

    def written_shipments(self, connection: str) -> pd.DataFrame:
        """What the warehouse wrote about each parcel, without its order; see `mfn.warehouse.shipments.written`."""
        with self._reading() as database:
            return shipments.written(database, connection)

    def shipments(self, connection: str) -> pd.DataFrame:
        """The parcels of one connection's orders and of unknown ones; see `mfn.warehouse.shipments.shipments`."""
        with self._reading() as database:
            return shipments.shipments(database, connection)

    def shipments_about(self, connection: str, order_numbers: Iterable[str], *, since: datetime) -> pd.DataFrame:
        """Those of them that belong to some orders, or left lately; see `mfn.warehouse.shipments.shipments_about`."""
        with self._reading() as database:
            return shipments.shipments_about(database, connection, order_numbers, since=since)

    def shipment_lines(self, shipment_ids: Iterable[str]) -> pd.DataFrame:
        """The lines of these parcels; see `mfn.warehouse.shipments.shipment_lines`."""
        with self._reading() as connection:
            return shipments.shipment_lines(connection, shipment_ids)

    def order_lines(self, order_numbers: Iterable[str]) -> pd.DataFrame:
        """The lines of these orders; see `mfn.warehouse.shipments.order_lines`."""
        with self._reading() as connection:
            return shipments.order_lines(connection, order_numbers)

    def stock(self, order_numbers: Iterable[str]) -> StockSnapshot:
        """The stock, the items and the state of some orders as of one moment; see `mfn.warehouse.inventory`."""
        with self._reading() as connection:
            return inventory.snapshot(connection, order_numbers)

    def left(self, order_numbers: Iterable[str]) -> dict[str, datetime | None]:
        """Those of these orders that it has shipped, and when; see `mfn.warehouse.scrubbing.left`."""
        with self._reading() as connection:
            return scrubbing.left(connection, order_numbers)

    def holding(self) -> list[str]:
        """The orders that still have some buyer's data; see `mfn.warehouse.scrubbing.holding`."""
        with self._reading() as connection:
            return scrubbing.holding(connection)

    def scrub(self, order_numbers: Collection[str]) -> frozenset[str]:
        """Empty the buyer's data of these orders; see `mfn.warehouse.scrubbing.scrub`."""
        with self._writing() as connection:
            scrubbed = scrubbing.scrub(connection, order_numbers)
        empty_log(self._engine)
        return scrubbed

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, what=self._what)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Exclude other writers of this connection's orders until the transaction ends, and check the right to write.

        A run that was stuck before this finds out here that it may not write any more; one that gets stuck after it
        keeps the next one waiting, which then sees what it wrote. On SQLite any transaction that writes is the only
        one.
        """
        with writing(self._engine, what=self._what) as connection:
            if connection.dialect.name == "postgresql":
                whose = {"whose": f"mfn writes orders of {self._name}"}
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:whose, 0))"), whose)
            if self._may_write is not None:
                self._may_write()
            yield connection

    def _active(self, table: str, columns: list[str]) -> pd.DataFrame:
        key, names = columns[0], [*columns, "is_active"]
        with self._reading() as connection:
            listed = ", ".join(as_text(connection, name) for name in names)
            rows = connection.exec_driver_sql(
                f"SELECT {listed} FROM {table} WHERE {key} IS NOT NULL ORDER BY {key}"
            ).all()
        frame = pd.DataFrame([tuple(row) for row in rows], columns=names, dtype="object")
        return frame.assign(is_active=flags(frame["is_active"], missing=True))

"""Engines for SQLite and PostgreSQL that lock, wait and fail the way this project expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from mfn.errors import FatalError, RetriableError

BUSY_SECONDS = 30
"""How long a writer waits for another one before the database counts as out of reach."""


@lru_cache(maxsize=32)
def engine_for(url: str) -> Engine:
    """The engine of this process for a database; made once.

    SQLite: write-ahead log, foreign keys, transactions that take the write lock when they begin (`BEGIN IMMEDIATE`), so
    that two writers queue up instead of failing half-way. PostgreSQL: psycopg 3, connections checked before use.

    Args:
        url: A SQLAlchemy URL as `mfn.settings.resolve_database_url` returns it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed, pool_pre_ping=True, pool_size=5, connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"}
        )
    database = Path(str(parsed.database))
    if not database.parent.exists():
        database.parent.mkdir(parents=True, mode=0o700)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN, below, is the only one
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("mfn_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine, *, what: str) -> Iterator[Connection]:
    """A transaction that only reads: it never waits for a writer on SQLite.

    Args:
        engine: The database.
        what: How a person knows it, e.g. `the ledger`.

    Raises:
        RetriableError: It cannot be reached.
        FatalError: It does not have the tables or columns that were asked for.
    """
    with _explained(what), engine.connect().execution_options(mfn_read_only=True) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine, *, what: str) -> Iterator[Connection]:
    """A transaction that commits at the end, or leaves nothing behind.

    Args:
        engine: The database.
        what: How a person knows it, e.g. `the warehouse of us`.

    Raises:
        RetriableError: It cannot be reached, or was lost on the way.
        FatalError: It refuses what is written.
    """
    with _explained(what), engine.begin() as connection:
        yield connection


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        passing = isinstance(error, OperationalError | InterfaceError) and "no such" not in said
        if passing or error.connection_invalidated:
            raise RetriableError(
                f"{what} cannot be used: {said}",
                remedy="See that the database runs, has room and may be written to; then run the batch again: mfn rerun --failed.",
            ) from error
        raise FatalError(
            f"{what} refused a statement: {said}",
            remedy="Compare its tables with the contract in docs/warehouse.md, mend them, and run mfn rerun --failed.",
        ) from error

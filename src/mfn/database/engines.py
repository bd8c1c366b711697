"""Engines for SQLite and PostgreSQL that lock, wait and fail the way this project expects."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from mfn.database.failures import explained, primary_code
from mfn.errors import FatalError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 30
"""How long a writer waits for another one before the database counts as out of reach."""

STALLED_SECONDS = 60
"""How long PostgreSQL keeps a transaction open for a process that is stalled in it, or whose machine is gone: then it
is rolled back, and its locks are freed. SQLite's locks end with the process only."""

LOCKED_SECONDS = 180
"""How long a statement on PostgreSQL waits for what others have locked: longer than a process of ours that is stalled
may keep it. Without a limit, a program that never releases its lock would block this and all later runs forever."""

SESSION = "SET timezone TO 'UTC'; SET DateStyle TO 'ISO'; SET default_transaction_isolation TO 'read committed'"
"""Settings that no database, login or URL may change: times would be wrong, and a guard that waited for a lock has to
see what the other writer wrote. Set after connecting, because poolers such as PgBouncer drop connection options."""

UNANSWERED = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""Parameters of libpq: a server from which nothing arrives any more is given up after a minute. Without them a run
waits for its answer for two hours."""

PAGE_BYTES = 16_384
"""The page size of a new file, not the usual 4096: a chunk of orders touches most pages of a tree, a landed page is one
value."""
CHECKPOINT_BYTES = 1000 * PAGE_BYTES
"""The log is written back once it has 16 MB, since a chunk of orders touches the same pages of the trees many times."""

# Without an adapter the sqlite3 module searches for one at every NULL: five times the cost of binding a text.
# A dictionary's own method says None of None three times as fast as a lambda.
_NOTHING_KNOWN: dict[None, None] = {}
sqlite3.register_adapter(type(None), _NOTHING_KNOWN.get)

# At DEBUG SQLAlchemy logs every row that it reads, whatever `hide_parameters` says: a filter stays when levels are set.
logging.getLogger("sqlalchemy.engine.Engine").addFilter(lambda record: record.levelno > logging.DEBUG)


def engine_for(url: str, *, survives_power_cut: bool = True, is_shared: bool = True) -> Engine:
    """The engine of this process for a database; created once, and again in a forked child.

    SQLite: write-ahead log (a file that others made keeps the mode that it has), foreign keys, transactions that take
    the write lock when they begin (`BEGIN IMMEDIATE`), so that two writers queue up instead of failing half-way; a
    missing folder is made. PostgreSQL: psycopg 3, times in UTC and in the one style that psycopg reads, texts in UTF-8,
    whatever the database is set to, connections checked before use. Errors never show parameters: they may be a
    buyer's.

    Args:
        url: A SQLAlchemy URL as `mfn.database.urls.resolve_database_url` returns it.
        survives_power_cut: Whether every commit on SQLite waits for the disk. Otherwise a power cut may lose the last
            commits, the newest first and each as a whole; the death of the process never does.
        is_shared: Whether others write it, too: a SQLite file that is there keeps its journal mode, and texts that
            are no UTF-8 are read all the same, with U+FFFD in place of what is none, which makes reading a text dearer.

    Raises:
        FatalError: The folder of a SQLite file cannot be made.
    """
    return _engine(url, "FULL" if survives_power_cut else "NORMAL", is_shared, os.getpid())


@lru_cache(maxsize=32)
def _engine(url: str, synchronous: str, is_shared: bool, _process: int) -> Engine:
    # The process is part of the key: a child must neither use nor close the connections that its parent has open.
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        patience = f"-c idle_in_transaction_session_timeout={STALLED_SECONDS}s -c lock_timeout={LOCKED_SECONDS}s"
        options = f"{patience} {parsed.query.get('options', '')}"
        unanswered = {name: value for name, value in UNANSWERED.items() if name not in parsed.query}
        # In the database's own encoding the driver itself would fail at a character that this has not.
        connect = {"connect_timeout": 10, "client_encoding": "utf8", **unanswered, "options": options}
        engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=connect)
        event.listen(engine, "connect", _prepare_postgresql)
        if is_shared:
            event.listen(engine, "connect", partial(_take_any_bytes, engine.dialect.loaded_dbapi))
        return engine
    folder = Path(str(parsed.database)).parent
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise FatalError(
            f"The folder {folder} for the database {parsed.database} cannot be created: {error.strerror}.",
            remedy="Create it by hand, or name another file in the URL; then run the command again.",
        ) from None
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", partial(_prepare_sqlite, synchronous, is_shared))
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.execute(SESSION)
    connection.commit()


def _prepare_sqlite(synchronous: str, is_shared: bool, connection: Any, _record: object) -> None:
    if is_shared:
        connection.text_factory = _read_text
    connection.isolation_level = None  # SQLAlchemy's own BEGIN, below, is the only one
    # Of several that open a new file at once all but one learn at once that it is locked, whatever the timeout.
    patiently = Retrying(
        retry=retry_if_exception(_is_busy),
        wait=wait_random(0.01, 0.1),
        stop=stop_after_delay(BUSY_SECONDS),
        reraise=True,
    )
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}").close()  # a file that is there keeps its own
    ((pages,),) = patiently(lambda: connection.execute("PRAGMA page_count").fetchall())
    if not (is_shared and pages):
        patiently(lambda: connection.execute("PRAGMA journal_mode=WAL").close())
    ((page_bytes,),) = connection.execute("PRAGMA page_size").fetchall()
    settings = ("foreign_keys=ON", "temp_store=MEMORY", f"wal_autocheckpoint={CHECKPOINT_BYTES // page_bytes}")
    for pragma in (f"synchronous={synchronous}", *settings):
        connection.execute(f"PRAGMA {pragma}").close()


def _read_text(written: bytes) -> str:
    return written.decode(errors="replace")


def _take_any_bytes(driver: Any, connection: Any, _record: object) -> None:
    """Read the texts of a database that does not know their encoding: a query would end at one that is no UTF-8."""
    if connection.info.parameter_status("server_encoding") != "SQL_ASCII":
        return
    connection.execute("SET client_encoding TO SQL_ASCII")
    connection.commit()
    # Made here, since whoever has no PostgreSQL need not load its driver.
    loader = type("AnyBytesLoader", (driver.adapt.Loader,), {"load": lambda _, data: _read_text(bytes(data))})
    for kind in ("text", "varchar", "bpchar", "name"):
        connection.adapters.register_loader(kind, loader)


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and primary_code(error) == sqlite3.SQLITE_BUSY


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
        FatalError: It does not have the requested tables or columns.
    """
    with (
        explained(engine, what, deed="read"),
        engine.connect().execution_options(mfn_read_only=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: Engine, *, what: str) -> Iterator[Connection]:
    """A transaction that commits at the end, or leaves nothing behind.

    Args:
        engine: The database.
        what: How a person knows it, e.g. `the warehouse of us`.

    Raises:
        RetriableError: It cannot be reached, or was lost on the way.
        DataError: It refuses a row; others may be taken.
        FatalError: It refuses what is written.
    """
    with explained(engine, what, deed="written"), engine.begin() as connection:
        yield connection

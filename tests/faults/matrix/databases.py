"""A database is lost in the middle of a run: locked, moved, disconnected, closed, killed, or only its answer is."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
from sqlalchemy.engine import make_url

from mfn.database import engines
from tests.faults.matrix.commands import Said, begin, end
from tests.faults.matrix.moments import After, after_commits, at_commit, file_of, files_of
from tests.faults.matrix.stores import PostgresStore
from tests.faults.matrix.trials import Fault, MissedError, Rehearsal, Struck

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage

AWAY = ".away"
KEPT_OPEN: list[Any] = []
"""Connections that a child holds until it ends."""


def struck_at(
    flow: Flow,
    point: After,
    *,
    before: Callable[[Connection], None] | None = None,
    after: Callable[[Connection], None] | None = None,
    first: Callable[[], None] | None = None,
) -> list[Said]:
    """Run a flow in a child in which something happens at a commit.

    Args:
        flow: The flow.
        point: Which commit.
        before: Done before it.
        after: Done after it.
        first: Done in the child before it begins.

    Raises:
        MissedError: The run never came there.
    """
    struck = Struck()

    def prepare() -> None:
        if first is not None:
            first()
        at_commit(point.number, struck, before=before, after=after)

    said = end(begin(flow.words, prepare))
    if not struck:
        raise MissedError(point)
    return [said]


def _lose_the_answer(connection: Connection) -> None:
    """The commit is done, and whoever asked for it is told that the connection broke."""
    driver: Any = connection.engine.dialect.loaded_dbapi
    error = driver.OperationalError("the connection was lost after the commit")
    if isinstance(error, sqlite3.Error):
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


def _lose_answers(_stage: Stage, flow: Flow, point: After) -> list[Said]:
    return struck_at(flow, point, after=_lose_the_answer)


def _impatient() -> None:
    engines.BUSY_SECONDS = 0


def _lock(connection: Connection) -> None:
    """Another program takes the write lock, and keeps it."""
    other = sqlite3.connect(file_of(connection), isolation_level=None, timeout=0, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    KEPT_OPEN.append(other)


def _locked(_stage: Stage, flow: Flow, point: After) -> list[Said]:
    return struck_at(flow, point, after=_lock, first=_impatient)


def _move_away(connection: Connection) -> None:
    for file in files_of(file_of(connection)):
        file.rename(file.with_name(file.name + AWAY))
    connection.engine.dispose()


def _moved(stage: Stage, flow: Flow, point: After) -> list[Said]:
    said = struck_at(flow, point, after=_move_away)
    for away in [*stage.world.home.rglob(f"*{AWAY}")]:
        database = Path(str(away).removesuffix(AWAY))
        if database.suffix == ".db":
            for file in files_of(database):
                file.unlink()
    for away in [*stage.world.home.rglob(f"*{AWAY}")]:
        away.rename(str(away).removesuffix(AWAY))
    return said


def on_each_database(stage: Stage, statement: str) -> None:
    """A statement on the server's own database, with the name of each database of the trial in its braces."""
    store = stage.store
    assert isinstance(store, PostgresStore)
    for url in (store.ledger_url, store.warehouse_url):
        store.command(statement, str(make_url(url).database))


TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "


def terminate(stage: Stage, _connection: Connection | None = None) -> None:
    """Break every connection to the databases of a trial."""
    store = stage.store
    assert isinstance(store, PostgresStore)
    with psycopg.connect(store.plain_url, autocommit=True) as database:
        for url in (store.ledger_url, store.warehouse_url):
            database.execute(TERMINATE.encode() + b"%s", [make_url(url).database])


def _disconnected(stage: Stage, flow: Flow, point: After) -> list[Said]:
    return struck_at(flow, point, before=partial(terminate, stage))


def _close(stage: Stage, _connection: Connection) -> None:
    on_each_database(stage, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false")
    terminate(stage)


def _closed(stage: Stage, flow: Flow, point: After) -> list[Said]:
    try:
        return struck_at(flow, point, before=partial(_close, stage))
    finally:
        on_each_database(stage, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS true")


def _kill_server(data: Path, _connection: Connection) -> None:
    """Kill the server as a failing machine would, by the id that it wrote down itself."""
    server = psutil.Process(int((data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0]))
    workers = server.children()
    server.kill()
    psutil.wait_procs([server, *workers], timeout=20)


def _server_killed(stage: Stage, flow: Flow, point: After) -> list[Said]:
    store = stage.store
    assert isinstance(store, PostgresStore)
    try:
        return struck_at(flow, point, before=partial(_kill_server, store.data))
    finally:
        store.start_again()


def some_commits(most: int) -> Callable[[Stage, Rehearsal], list[After]]:
    """Points for a fault: at most so many commits, evenly over a run."""
    return lambda _stage, rehearsal: after_commits(rehearsal, most)


LOST_ANSWERS = Fault("the answer to a commit is lost", some_commits(6), _lose_answers)
ON_SQLITE = (
    Fault("the database is locked by another program", some_commits(5), _locked),
    Fault("the database file is gone", some_commits(5), _moved),
    LOST_ANSWERS,
)
ON_POSTGRESQL = (
    Fault("connections to the database break", some_commits(6), _disconnected),
    Fault("the database refuses connections", some_commits(3), _closed),
    Fault("the database server is killed", some_commits(2), _server_killed),
    LOST_ANSWERS,
)

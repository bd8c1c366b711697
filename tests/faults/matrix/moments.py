"""Something done in a child right after one of its commits, and what the databases of that child are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.faults.matrix.points import spread
from tests.faults.processes import on_commit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tests.faults.matrix.trials import Rehearsal, Struck


class After(NamedTuple):
    """A commit, after which something happens."""

    number: int
    function: str
    database: str


def after_commits(rehearsal: Rehearsal, most: int) -> list[After]:
    """Commits of a run, evenly over it; the last one is left out, since nothing follows that could fail.

    Args:
        rehearsal: What the run does.
        most: How many.
    """
    points = [
        After(commit.number, commit.function, "warehouse" if commit.is_warehouse else "ledger")
        for commit in rehearsal.commits[:-1]
    ]
    return spread(points, most)


def at_commit(
    number: int,
    struck: Struck,
    *,
    before: Callable[[Connection], None] | None = None,
    after: Callable[[Connection], None] | None = None,
) -> None:
    """Have something done at the n-th commit of this process, once.

    Args:
        number: Which commit, from 1.
        struck: Noted when it is done.
        before: Done when the transaction is about to be committed.
        after: Done when it has been committed.
    """

    def act(this: int, connection: Connection) -> None:
        if this != number:
            return
        struck.note()
        if before is not None:
            before(connection)
        if after is None:
            return
        dialect: Any = connection.dialect
        commit = dialect.do_commit

        def commit_and_act(raw: Any) -> None:
            dialect.do_commit = commit
            commit(raw)
            after(connection)

        dialect.do_commit = commit_and_act

    on_commit(act)


def file_of(connection: Connection) -> Path:
    """The file of a database on SQLite."""
    return Path(str(connection.engine.url.database))


def files_of(path: Path) -> list[Path]:
    """The files that belong to a database on SQLite: itself, its log and the index of its log."""
    return [file for file in (path.with_name(path.name + end) for end in ("", "-wal", "-shm")) if file.exists()]


def is_warehouse(connection: Connection) -> bool:
    """Whether a connection is one to the warehouse rather than to the ledger."""
    return "warehouse" in str(connection.engine.url.database).rpartition("/")[2]

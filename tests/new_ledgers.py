"""New ledgers for the tests: what the migrations say to one of each database is said to the others as it is.

A seventh of what Alembic costs, and the same tables; tests/unit/test_ledger_opening.py has them made by Alembic.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from mfn.database.engines import reading, writing
from mfn.ledger import opening
from mfn.ledger.keys import lock_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

said: dict[str, list[tuple[str, Any]]] = {}
"""The statements of all migrations with their parameters, by the name of the database's dialect."""


by_alembic = opening._migrate


def quickly(engine: Engine, what: str) -> None:
    """Make a new ledger as the first of its kind in this process was made; an older one is migrated.

    Args:
        engine: The ledger's database.
        what: How a person knows it.
    """
    with reading(engine, what=what) as connection:
        is_new = opening._version(connection) is None
    if not is_new:
        by_alembic(engine, what)
    elif engine.dialect.name in said:
        _repeat(engine, what)
    else:
        said[engine.dialect.name] = _heard(engine, lambda: by_alembic(engine, what))


@contextmanager
def made(how: Callable[[Engine, str], None]) -> Iterator[None]:
    """Let the ledgers of this process, and of its forks, be made and migrated by a function.

    Args:
        how: Told the ledger's engine and its name.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_migrate", how)
        yield


def _heard(engine: Engine, migrate: Callable[[], None]) -> list[tuple[str, Any]]:
    statements: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.lstrip().startswith(("BEGIN", "SELECT", "PRAGMA")):
            statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        migrate()
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    return statements


def _repeat(engine: Engine, what: str) -> None:
    with writing(engine, what=what) as connection:
        lock_schema(connection)
        if opening._version(connection) is None:  # else another process was faster
            for statement, parameters in said[engine.dialect.name]:
                connection.exec_driver_sql(statement, parameters)

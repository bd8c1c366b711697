"""SQLite as quick as tests need it: no commit waits for the disk, and what was compiled once stays compiled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine

from mfn.database import engines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

STATEMENTS = 5000
"""So many are kept, which is more than there are."""


@contextmanager
def hurrying() -> Iterator[None]:
    """Let the engines of this process, and of its forks, trust that the machine does not fail, and share statements.

    Every test has files of its own, and so an engine for each: without it each compiles the same statements again.
    """
    first = create_engine("sqlite://", query_cache_size=STATEMENTS)
    first.connect().close()  # from then on its dialect knows this SQLite
    prepare = engines._prepare_sqlite

    def prepare_quickly(_synchronous: str, is_shared: bool, connection: Any, record: object) -> None:
        prepare("OFF", is_shared, connection, record)

    def make(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        if engine.dialect.name == "sqlite":  # PostgreSQL's remembers the schema of its first connection
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "_prepare_sqlite", prepare_quickly)
        patch.setattr(engines, "create_engine", make)
        yield

"""Prefect servers as quick as tests need them: one makes its database, those that start later begin with a copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.quick_programs import database_of_prefect

SCHEME = "sqlite+aiosqlite:///"


def keep_database(url: str) -> None:
    """Let the Prefect servers that are started from now on begin with what is in a database.

    A hundred migrations make a new one, which costs more than all else that a server does until it answers.

    Args:
        url: That of a server which answers and has done nothing yet.
    """
    kept = database_of_prefect()
    half = kept.with_suffix(".half")
    with closing(sqlite3.connect(url.removeprefix(SCHEME))) as made, closing(sqlite3.connect(half)) as copy:
        made.backup(copy)
    Path(half).replace(kept)

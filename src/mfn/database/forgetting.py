"""Removing deleted data from the database's file too, as far as the database allows."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def overwrite_freed(connection: Connection) -> None:
    """Make SQLite overwrite with zeros whatever this connection frees from now on.

    PostgreSQL has nothing like that: there, data is gone once the table is vacuumed.

    Args:
        connection: An open transaction.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON").close()


def empty_log(engine: Engine) -> None:
    """Write SQLite's log back into the file and truncate it, since it contains older versions of pages.

    If others are at work, it stays until the last of them has closed the file.

    Args:
        engine: The database, no transaction of this thread open on it.
    """
    if engine.dialect.name == "sqlite":
        with suppress(sqlite3.Error), closing(engine.raw_connection()) as pooled:
            pooled.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

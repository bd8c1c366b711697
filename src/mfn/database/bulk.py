"""Many rows at once, as fast as each database can: the one hot path into SQL."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import JSON, String, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Dialect, SQLColumnExpression, Table
    from sqlalchemy.orm import DeclarativeBase
    from sqlalchemy.sql.elements import ColumnElement

    Part = tuple[Table, Sequence[str], Sequence[tuple[Any, ...]]]

STAGING = "mfn_staging"
ALREADY_THERE = "23505"
"""PostgreSQL's unique_violation."""
NO_TABLE = "42809"
"""PostgreSQL's wrong_object_type: there is no COPY into a view."""


def merge(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    update: Sequence[str] | None = None,
    guard: str | None = None,
    mostly_new: bool = False,
) -> None:
    """Insert rows, and update those whose primary key exists already.

    SQLite takes the rows through one prepared statement; PostgreSQL takes them by COPY into a temporary table and
    merges that in one statement. Values go to the driver as they are: texts, numbers, bytes, None; times as texts
    `YYYY-MM-DD HH:MM:SS.ffffff` in UTC (`utc_text`), JSON as text. NUL characters, which PostgreSQL cannot keep, are
    left out of texts there.

    Args:
        connection: An open transaction.
        table: The target; its primary key decides what "already there" means.
        columns: The columns that each row fills, in order.
        rows: One tuple for each row; no primary key may occur twice.
        update: The columns to overwrite in a row that is there: None for all but the key, empty to leave it as it is.
        guard: A SQL condition on the old row under which it may be overwritten, e.g. `wms_order.status = 'new'`; a row
            that does not meet it stays as it is.
        mostly_new: Whether probably none of the rows exists: PostgreSQL then tries a direct COPY first, and merges only
            if one exists after all.
    """
    if not rows:
        return
    if mostly_new and connection.dialect.name == "postgresql" and insert_new(connection, (table, columns, rows)):
        return
    target, listed = quoted(connection, table.name), quoted(connection, *columns)
    conflict = _on_conflict(connection, table, columns, update=update, guard=guard)
    if connection.dialect.name == "postgresql":
        stage(connection, STAGING, table, columns, rows)
        connection.exec_driver_sql(f"INSERT INTO {target} ({listed}) SELECT {listed} FROM {STAGING} {conflict}")
    else:
        _insert(connection, target, listed, rows, conflict)


def insert_new(connection: Connection, *parts: Part) -> bool:
    """Insert new rows: on PostgreSQL by COPY, all of them or none.

    Args:
        connection: An open transaction.
        parts: A table, the columns that each row fills, and the rows, values as in `merge`.

    Returns:
        False, with nothing inserted, if a row exists already or contains a NUL character, or if the table takes no COPY
        because it has row level security or is a view.
    """
    if connection.dialect.name == "sqlite":
        for table, columns, rows in parts:
            _insert(connection, quoted(connection, table.name), quoted(connection, *columns), rows)
        return True
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with connection.begin_nested():
            for table, columns, rows in parts:
                _copy(connection, quoted(connection, table.name), quoted(connection, *columns), rows)
    except driver.IntegrityError as error:
        if error.sqlstate != ALREADY_THERE:
            raise
        return False
    except (driver.DataError, driver.NotSupportedError):
        return False
    except driver.ProgrammingError as error:
        if error.sqlstate != NO_TABLE:
            raise
        return False
    return True


def insert_staged(connection: Connection, *parts: Part) -> None:
    """Insert new rows into tables of PostgreSQL through a temporary table, which works where `insert_new` does not.

    Args:
        connection: An open transaction.
        parts: As of `insert_new`.
    """
    for table, columns, rows in parts:
        target, listed = quoted(connection, table.name), quoted(connection, *columns)
        stage(connection, STAGING, table, columns, rows)
        connection.exec_driver_sql(f"INSERT INTO {target} ({listed}) SELECT {listed} FROM {STAGING}")


def change(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Change existing rows; missing ones are ignored.

    Args:
        connection: An open transaction.
        table: The table.
        columns: Its primary key and the columns to change, in the order in which each row has them.
        rows: One tuple a row, values as in `merge`; no primary key may occur twice.
    """
    if not rows:
        return
    target, key = quoted(connection, table.name), [column.name for column in table.primary_key]
    if connection.dialect.name == "postgresql":
        stage(connection, STAGING, table, columns, rows)
        given, source = {name: f"{STAGING}.{quoted(connection, name)}" for name in columns}, f"FROM {STAGING}"
    else:
        given, source = {name: f"?{number}" for number, name in enumerate(columns, start=1)}, ""
    sets = ", ".join(f"{quoted(connection, name)} = {given[name]}" for name in columns if name not in key)
    where = " AND ".join(f"{target}.{quoted(connection, name)} = {given[name]}" for name in key)
    connection.exec_driver_sql(f"UPDATE {target} SET {sets} {source} WHERE {where}", list(rows) if not source else None)


def _on_conflict(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    *,
    update: Sequence[str] | None = None,
    guard: str | None = None,
) -> str:
    """The end of an INSERT that updates the rows that exist already; arguments as in `merge`."""
    key = [column.name for column in table.primary_key]
    changed = [name for name in columns if name not in key] if update is None else update
    sets = ", ".join(f"{name} = excluded.{name}" for name in (quoted(connection, name) for name in changed))
    action = f"UPDATE SET {sets}" + (f" WHERE {guard}" if guard else "") if changed else "NOTHING"
    return f"ON CONFLICT ({quoted(connection, *key)}) DO {action}"


def stage(
    connection: Connection, name: str, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Put rows into a new temporary table, with the types that the target's columns have in this database.

    On PostgreSQL it is gone when the transaction ends; on SQLite drop it when it is no longer needed.

    Args:
        connection: An open transaction.
        name: The temporary table's name.
        table: The target.
        columns: The columns that each row fills, in order.
        rows: One tuple a row, values as in `merge`.
    """
    target, listed = quoted(connection, table.name), quoted(connection, *columns)
    postgresql = connection.dialect.name == "postgresql"
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {'pg_temp' if postgresql else 'temp'}.{name}")
    on_commit = "ON COMMIT DROP" if postgresql else ""
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} {on_commit} AS SELECT {listed} FROM {target} LIMIT 0")
    if not postgresql:
        _insert(connection, name, listed, rows)
        return
    driver: Any = connection.dialect.loaded_dbapi
    try:
        with connection.begin_nested():
            _copy(connection, name, listed, rows)
    except driver.DataError:
        # Looking for NUL characters beforehand would cost as much as half of the copying.
        if not any("\x00" in value for row in rows for value in row if isinstance(value, str)):
            raise
        _copy(connection, name, listed, (_without_nul(row) for row in rows))


def _insert(
    connection: Connection, target: str, listed: str, rows: Sequence[tuple[Any, ...]], conflict: str = ""
) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.exec_driver_sql(f"INSERT INTO {target} ({listed}) VALUES ({marks}) {conflict}", list(rows))


def _copy(connection: Connection, name: str, listed: str, rows: Iterable[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _without_nul(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.replace("\x00", "") if isinstance(value, str) else value for value in row)


def quoted(connection: Connection, *names: str) -> str:
    """Names for this database, quoted if necessary, comma separated."""
    return ", ".join(connection.dialect.identifier_preparer.quote(name) for name in names)


def upsert(dialect: Dialect, target: Table | type[DeclarativeBase]) -> Any:
    """An INSERT into a table or a mapped class that can say what to do ON CONFLICT, in the dialect of a database."""
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(target)


def utc_text(moment: datetime) -> str:
    """A time in the form of the rows of `merge`: `YYYY-MM-DD HH:MM:SS.ffffff` in UTC.

    Args:
        moment: With a time zone.
    """
    at = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return "%04d-%02d-%02d %02d:%02d:%02d.%06d" % (  # noqa: UP031 - takes half as long as isoformat
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond,
    )  # fmt: skip


def json_text(values: Sequence[str] | Mapping[str, str | int]) -> str:
    """Many values as one parameter of a statement: PostgreSQL in SQL_ASCII does not know what an escape means."""
    try:
        return msgspec.json.encode(values).decode()
    except UnicodeEncodeError:  # half an emoji
        return json.dumps(values)


def among(connection: Connection, column: SQLColumnExpression[str], keys: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds one of many keys, which travel as one JSON text, however many they are.

    Args:
        connection: The open transaction; its database decides how JSON is read.
        column: A text column.
        keys: As many as there are; NUL characters, which PostgreSQL cannot keep, are left out.
    """
    asked = list(keys)
    text = json_text(asked)
    if "\\u0000" in text:
        text = json_text([key.replace("\x00", "") for key in asked])
    listed = bindparam(None, text, type_=String)
    if connection.dialect.name == "postgresql":
        values = func.json_array_elements_text(cast(listed, JSON)).table_valued("value")
    else:
        values = func.json_each(listed).table_valued("value")
    return column.in_(select(values.c.value))

"""Insert-or-update of many rows at once, as fast as each database can: the one hot path into SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

STAGING = "mfn_staging"


def merge(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    update: Sequence[str] | None = None,
    guard: str | None = None,
) -> None:
    """Insert rows, and where the primary key is there already, update that row instead.

    SQLite takes the rows through one prepared statement; PostgreSQL takes them by COPY into a temporary table and merges
    that in one statement. Values go to the driver as they are: texts, numbers, bytes, None; times as texts
    `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, JSON as text.

    Args:
        connection: An open transaction.
        table: The target; its primary key decides what "already there" means.
        columns: The columns that each row fills, in order.
        rows: One tuple a row; no primary key may stand twice.
        update: The columns to overwrite in a row that is there: None for all but the key, empty to leave it as it is.
        guard: A SQL condition over the old row under which it may be overwritten, e.g. `wms_order.status = 'new'`;
            a row that does not meet it stays as it is.
    """
    if not rows:
        return
    names = [_quoted(connection, name) for name in columns]
    target = connection.dialect.identifier_preparer.format_table(table)
    key = ", ".join(_quoted(connection, column.name) for column in table.primary_key)
    changed = [name for name in columns if name not in table.primary_key] if update is None else list(update)
    sets = ", ".join(f"{_quoted(connection, name)} = excluded.{_quoted(connection, name)}" for name in changed)
    action = f"UPDATE SET {sets}" + (f" WHERE {guard}" if guard else "") if changed else "NOTHING"
    conflict = f"ON CONFLICT ({key}) DO {action}"
    listed = ", ".join(names)
    if connection.dialect.name == "postgresql":
        copy_to_staging(connection, target, listed, rows)
        connection.exec_driver_sql(f"INSERT INTO {target} ({listed}) SELECT {listed} FROM {STAGING} {conflict}")
    else:
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {target} ({listed}) VALUES ({marks}) {conflict}", list(rows))


def copy_to_staging(connection: Connection, target: str, listed: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy rows into the temporary table `mfn_staging`, made anew with the target's own column types (PostgreSQL).

    Args:
        connection: An open transaction on PostgreSQL.
        target: The quoted name of the table whose columns are meant.
        listed: The quoted column names, comma separated, in the order of each row.
        rows: One tuple a row.
    """
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS pg_temp.{STAGING}")
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {STAGING} ON COMMIT DROP AS SELECT {listed} FROM {target} WITH NO DATA"
    )
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {STAGING} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)

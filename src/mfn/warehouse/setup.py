"""The warehouse's tables: created if they are missing, otherwise compared with what is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Engine, String, Table, inspect, text
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import NoSuchTableError

from mfn.database.engines import reading, writing
from mfn.errors import FatalError
from mfn.warehouse.tables import MAY_BE_MISSING, metadata, wms_order, wms_order_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine.interfaces import ReflectedIndex

CREATION_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mfn: tables of the warehouse'))"

WRITTEN = {wms_order: ("INSERT", "UPDATE"), wms_order_line: ("INSERT", "UPDATE", "DELETE")}
"""What this project does with its tables; on PostgreSQL the login needs these rights."""

INSTEAD_OF = re.compile(r"\bINSTEAD\s+OF\s+(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)

TAKEN_BITS = {"UPDATE": 4, "INSERT": 8, "DELETE": 16}
"""Values of PostgreSQL's pg_relation_is_updatable."""


def ensure_tables(engine: Engine, *, what: str) -> None:
    """Create the missing tables, and check that the existing ones have every column that is needed.

    Raises:
        FatalError: A table lacks columns or its key (all of them are named), or a missing one may not be created.
        RetriableError: The warehouse cannot be reached.
    """
    with reading(engine, what=what) as connection:
        missing, faults = look(connection)
    if faults:
        raise FatalError(
            f"{what} has tables that cannot be used: {'; '.join(faults)}.",
            remedy="Add what is missing as docs/warehouse.md lists it, or rename the table so that it is created "
            "again; then run the command again.",
        )
    if not missing:
        return
    try:
        with writing(engine, what=what) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(CREATION_LOCK))  # CREATE TABLE IF NOT EXISTS alone fails if two run at once
            metadata.create_all(connection)
    except FatalError as error:
        raise FatalError(
            f"{what} has no {_listed(missing)}, and this login cannot create them: {error.message}",
            remedy="Create these tables as docs/warehouse.md lists them, or allow the login to create tables; "
            "then run the command again.",
        ) from None


def look(connection: Connection) -> tuple[list[Table], list[str]]:
    """The tables of the contract that the warehouse lacks (views count as tables), and what the existing ones lack.

    Returns:
        The missing tables; and the missing columns, or the key that keeps a second row out, for people, all at once.
    """
    there = _columns(connection)
    return [table for table in metadata.sorted_tables if table.name not in there], _faults(connection, there)


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The column names of each table or view that the warehouse has."""
    written = _written(connection)
    if not written:  # no names are no filter
        return {}
    found = inspect(connection).get_multi_columns(kind=ObjectKind.ANY, filter_names=list(written))
    return {
        written[name]: {_as_we_write(connection, column["name"]) for column in columns}
        for (_, name), columns in found.items()
        if columns
    }


def _written(connection: Connection) -> dict[str, str]:
    """Our tables under the names that the warehouse gave them."""
    if connection.dialect.name != "sqlite":
        return {name: name for name in metadata.tables}
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").scalars()
    return {name: name.lower() for name in names if name.lower() in metadata.tables}


def _name(connection: Connection, table: Table) -> str:
    """The warehouse's name of an existing table."""
    return next(written for written, ours in _written(connection).items() if ours == table.name)


def _as_we_write(connection: Connection, name: str) -> str:
    """A column's name in the form for statements: SQLite ignores its case."""
    return name.lower() if connection.dialect.name == "sqlite" else name


def required_columns(connection: Connection, table: str) -> dict[str, bool]:
    """The columns that take no NULL in this warehouse's own table, and whether they hold texts there.

    None are returned for a table that has just been dropped.
    """
    try:
        found = inspect(connection).get_columns(table)
    except NoSuchTableError:
        return {}
    return {
        _as_we_write(connection, column["name"]): isinstance(column["type"], String)
        for column in found
        if not column["nullable"]
    }


def _faults(connection: Connection, there: dict[str, set[str]]) -> list[str]:
    missing = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if table.name in there and column.name not in there[table.name] and column.info != MAY_BE_MISSING
    ]
    faults = [f"missing {', '.join(missing)}"] if missing else []
    written = [
        table
        for table in WRITTEN
        if there.get(table.name, set()).issuperset(column.name for column in table.primary_key)
    ]
    return faults + [fault for table in written if (fault := _unwritable(connection, table))]


def _unwritable(connection: Connection, table: Table) -> str:
    """Why orders cannot be written into a table or a view, for people; empty if they can."""
    taken = _taken_by_view(connection, _name(connection, table))
    if taken is None:
        without = (
            f"{table.name} has neither a primary key nor a unique constraint on exactly {_listed(table.primary_key)}"
        )
        return "" if _has_key(connection, table) else without
    lacking = [deed for deed in WRITTEN[table] if deed not in taken]
    return f"{table.name} is a view that does not accept {', '.join(lacking)}" if lacking else ""


def _taken_by_view(connection: Connection, name: str) -> set[str] | None:
    """The statements that a view accepts, by triggers or because it is a simple one; None for what is not a view."""
    if connection.dialect.name == "sqlite":
        made = text("SELECT sql FROM sqlite_master WHERE lower(tbl_name) = lower(:name) AND type = :type")
        if not connection.execute(made, {"name": name, "type": "view"}).all():
            return None
        triggers = connection.execute(made, {"name": name, "type": "trigger"}).scalars()
        return {deed.upper() for trigger in triggers for deed in INSTEAD_OF.findall(trigger)}
    bits = "SELECT pg_relation_is_updatable(oid, true) FROM pg_class WHERE oid = to_regclass(:name) AND relkind = 'v'"
    taken = connection.scalar(text(bits), {"name": name})
    return None if taken is None else {deed for deed, bit in TAKEN_BITS.items() if taken & bit}


def _has_key(connection: Connection, table: Table) -> bool:
    """Whether the database prevents a second row with the same key, which the upsert relies on."""
    inspector = inspect(connection)
    name = _name(connection, table)
    key = {column.name for column in table.primary_key}

    def unique() -> Iterator[Sequence[Any]]:
        yield inspector.get_pk_constraint(name)["constrained_columns"]  # nearly always enough, and the others cost more
        # These include those of constraints; the inspection of SQLite's constraints misses UNIQUE after VARCHAR(20).
        indexes = inspector.get_indexes(name, include_auto_indexes=True)
        yield from (index["column_names"] for index in indexes if _binds_all(index))

    # An index may also have an expression, which has no name.
    return any({_as_we_write(connection, name or "") for name in columns} == key for columns in unique())


def _binds_all(index: ReflectedIndex) -> bool:
    """Whether an index prevents a second row in the whole table, not only among the rows of its condition."""
    return index["unique"] and not any(option.endswith("_where") for option in index.get("dialect_options", {}))


def _listed(parts: Iterable[Table | Column[Any]]) -> str:
    return ", ".join(part.name for part in parts)

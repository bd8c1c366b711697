"""Parts of SQL statements that the warehouse's modules share; any number of keys or rows is passed as one JSON text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from mfn.database.bulk import json_text
from mfn.database.columns import columns
from mfn.warehouse.order_states import NEW
from mfn.warehouse.values import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection


NUMBER = "CAST(wms_order.order_number AS VARCHAR)"
"""The order number as a text, without the padding of a CHAR column."""

STATUS = "lower(trim(coalesce(CAST(wms_order.status AS VARCHAR), '')))"
"""The status in lower case, also where the warehouse made it an enumeration, left it NULL or writes it in capitals."""

IS_NEW = f"{STATUS} = '{NEW}'"
"""The guard: the condition under which this project may change an order."""


def asked(connection: Connection) -> str:
    """A table expression `asked(key, value)` over the parameter `:asked`, as `as_asked` returns it."""
    if connection.dialect.name == "postgresql":
        return "json_each_text(CAST(:asked AS json)) AS asked(key, value)"
    return "json_each(:asked) AS asked"


def as_asked(texts: Mapping[str, str]) -> str:
    """The parameter for `asked`: a text for each order number, without NUL, which PostgreSQL cannot store."""
    listed = json_text(texts)
    if "\\u0000" in listed:
        listed = json_text({number: value.replace("\x00", "") for number, value in texts.items()})
    return listed


def as_keys(order_numbers: Iterable[str]) -> dict[str, str]:
    """The parameters of a statement that reads only the keys of `asked`."""
    return {"asked": as_asked(dict.fromkeys(order_numbers, ""))}


def asked_orders(connection: Connection) -> str:
    """The end of a query from its FROM on: the orders of `asked` that the warehouse has."""
    return f"FROM {asked(connection)} JOIN wms_order ON {same(connection, 'wms_order.order_number', 'asked.key')}"


def read_orders(connection: Connection, order_numbers: Iterable[str], *names: str) -> dict[str, list[Any]]:
    """`order_number`, `status` and other columns, as texts, of those of some orders that the warehouse has."""
    others = {name: as_text(connection, f"wms_order.{name}") for name in names}
    expressions = {"order_number": "asked.key", "status": STATUS, **others}
    return columns(connection, expressions, asked_orders(connection), as_keys(order_numbers))


def has_column(connection: Connection, table: str, column: str) -> bool:
    """Whether a table has a column (its name in lower case); the warehouse's own tables may lack some."""
    names = connection.exec_driver_sql(f"SELECT * FROM {table} WHERE 1 = 0").keys()
    return column in {name.lower() for name in names}


def same(connection: Connection, one: str, other: str) -> str:
    """A condition that two texts are equal to the letter; an index on the first is used if possible."""
    if connection.dialect.name == "postgresql":
        return f"CAST({one} AS VARCHAR) = CAST({other} AS VARCHAR)"
    return f"{one} = {other} COLLATE BINARY"


def states(connection: Connection, order_numbers: Iterable[str], *, lock: str = "") -> dict[str, str]:
    """The status of each order that the warehouse knows, in lower case.

    `lock` says how PostgreSQL is to lock their rows, if at all; see `mfn.warehouse.locking`.
    """
    rows = connection.execute(
        # In a fixed order, so that two transactions that lock many orders queue up instead of waiting for each other.
        text(
            f"SELECT asked.key AS known_as, {STATUS} AS status FROM wms_order JOIN {asked(connection)}"
            f" ON wms_order.order_number = asked.key ORDER BY wms_order.order_number {lock}"
        ),
        as_keys(order_numbers),
    )
    return {row.known_as: row.status for row in rows}

"""Loading orders and their lines into the warehouse: one transaction, under the guard, counted before the commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, text

from mfn.database.bulk import insert_new, insert_staged, json_text, quoted, stage
from mfn.errors import DataError
from mfn.plain_text import listed
from mfn.warehouse.locking import locked
from mfn.warehouse.order_states import NEW
from mfn.warehouse.setup import required_columns
from mfn.warehouse.sql_parts import IS_NEW, STATUS, as_keys, asked
from mfn.warehouse.tables import LINE_COLUMNS, ORDER_COLUMNS, wms_order, wms_order_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from mfn.database.bulk import Part

OrderRow = tuple[Any, ...]
"""One order, values in the order of `ORDER_COLUMNS`; times as `mfn.database.bulk.utc_text` has them, flags 0 or 1."""

LineRow = tuple[Any, ...]
"""One line, values in the order of `LINE_COLUMNS`; amounts as decimal texts, flags 0 or 1."""

ORDERS, LINES = "mfn_orders", "mfn_lines"
SAME_LINE = "wms_order_line.order_number = given.order_number AND wms_order_line.line_number = given.line_number"
OF_NEW = f"EXISTS (SELECT 1 FROM wms_order WHERE wms_order.order_number = given.order_number AND {IS_NEW})"
BOOKKEEPING = {"batch_id", "loaded_at", "updated_at"}
LINE_VALUES = [name for name in LINE_COLUMNS if name not in wms_order_line.primary_key]


@dataclass(frozen=True)
class LoadResult:
    """The outcome of one `load`; each order is either written or refused.

    Attributes:
        written: Order numbers that are now in the warehouse as given: inserted, updated, or the same already.
        refused: Order numbers that the warehouse has begun (or cancelled), kept as they were, with their status.
        foreign: Those of them that it has from elsewhere: no batch ever wrote them.
    """

    written: frozenset[str]
    refused: Mapping[str, str]
    foreign: frozenset[str] = frozenset()


def load(connection: Connection, orders: Sequence[OrderRow], lines: Sequence[LineRow], *, what: str) -> LoadResult:
    """Insert or update orders that are still `new`, and replace all their lines.

    On PostgreSQL every existing order is locked until the transaction ends, on SQLite there is one writer at a time:
    what the guard saw stays true for the lines. A new order gets its lines even if a trigger of the warehouse begins it
    at once.

    Args:
        connection: An open transaction.
        orders: The orders, without a repeated order number.
        lines: The lines of these orders and of no others.
        what: How a person knows this warehouse.

    Raises:
        LockedError: Another program does not release some of them.
        DataError: The counts do not add up; the caller's transaction must not commit, and others may be taken.
    """
    numbers = [order[0] for order in orders]
    line_counts = Counter(map(itemgetter(0), lines))
    known = locked(connection, numbers)
    required = required_columns(connection, wms_order.name)
    first = {"status": NEW} | ({"cancel_reason": ""} if "cancel_reason" in required else {})  # nobody has asked yet
    first |= {"cancel_requested_at": ""} if required.get("cancel_requested_at") else {}
    orders = _as_taken(wms_order, ORDER_COLUMNS, orders, required)
    lines = _as_taken(wms_order_line, LINE_COLUMNS, lines, required_columns(connection, wms_order_line.name))
    fresh, fresh_lines = _of(orders, known, known=False), _of(lines, known, known=False)
    if connection.dialect.name == "sqlite":
        _delete_stray_lines(connection, fresh)
    if fresh and not insert_new(connection, *_parts(first, fresh, fresh_lines)):
        known = locked(connection, numbers)  # somebody may have written one of them just now
        fresh, fresh_lines = _of(orders, known, known=False), _of(lines, known, known=False)
        _delete_stray_lines(connection, fresh)
        insert_staged(connection, *_parts(first, fresh, fresh_lines))
    if known:
        _change_under_guard(connection, _of(orders, known, known=True), _of(lines, known, known=True))
    return _counted(connection, numbers, line_counts, what)


def _parts(first: Mapping[str, str], orders: Sequence[OrderRow], lines: Sequence[LineRow]) -> tuple[Part, Part]:
    values = tuple(first.values())
    return (
        (wms_order, (*ORDER_COLUMNS, *first), [row + values for row in orders]),
        (wms_order_line, LINE_COLUMNS, lines),
    )


def _as_taken(
    table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]], required: Mapping[str, bool]
) -> Sequence[tuple[Any, ...]]:
    """The rows with an empty text in place of NULL, for text columns of the warehouse's own that take no NULL."""
    texts = {name for name in required.keys() & set(names) if required[name] or isinstance(table.c[name].type, String)}
    places = {at for at, name in enumerate(names) if name in texts - set(table.primary_key.columns.keys())}
    if not places:
        return rows
    return [tuple("" if value is None and at in places else value for at, value in enumerate(row)) for row in rows]


def _of(rows: Sequence[tuple[Any, ...]], there: Collection[str], *, known: bool) -> Sequence[tuple[Any, ...]]:
    """The rows of the existing orders, or of the new ones; mostly all are new."""
    if not there:
        return [] if known else rows
    return [row for row in rows if (row[0] in there) == known]


def _delete_stray_lines(connection: Connection, orders: Sequence[OrderRow]) -> None:
    """Delete lines of orders that do not exist: somebody deleted an order and left its lines."""
    connection.execute(
        text(f"DELETE FROM wms_order_line WHERE order_number IN (SELECT asked.key FROM {asked(connection)})"),
        as_keys(order[0] for order in orders),
    )


def _change_under_guard(connection: Connection, orders: Sequence[OrderRow], lines: Sequence[LineRow]) -> None:
    """Change existing, locked orders: without an insert, none can be doubled, whatever keys the tables have."""
    stage(connection, ORDERS, wms_order, ORDER_COLUMNS, orders)
    stage(connection, LINES, wms_order_line, LINE_COLUMNS, lines)
    _change_orders(connection)
    _delete_removed_lines(connection)
    _change_lines(connection)
    _insert_added_lines(connection)
    if connection.dialect.name == "sqlite":
        for name in (ORDERS, LINES):
            connection.exec_driver_sql(f"DROP TABLE temp.{name}")


def _change_orders(connection: Connection) -> None:
    """Change what differs; where only lines do, what says so: a warehouse may look for orders by `updated_at`."""
    update = [name for name in ORDER_COLUMNS if name not in {"order_number", "loaded_at"}]
    compared = [name for name in update if name not in BOOKKEEPING]
    connection.exec_driver_sql(
        f"UPDATE wms_order SET {_set(connection, update)} FROM {ORDERS} AS given"
        f" WHERE wms_order.order_number = given.order_number AND {IS_NEW}"
        f" AND ({_differs(connection, wms_order, compared)}"
        f" OR wms_order.order_number IN ({_of_changed_lines(connection)}))"
    )


def _of_changed_lines(connection: Connection) -> str:
    """A query for the numbers of the orders that get a line changed, added or removed."""
    return (
        f"SELECT given.order_number FROM {LINES} AS given LEFT JOIN wms_order_line ON {SAME_LINE}"
        f" WHERE wms_order_line.line_number IS NULL OR {_line_differs(connection)}"
        f" UNION ALL SELECT wms_order_line.order_number FROM {ORDERS} AS changed"
        " JOIN wms_order_line ON wms_order_line.order_number = changed.order_number"
        f" LEFT JOIN {LINES} AS given ON {SAME_LINE} WHERE given.line_number IS NULL"
    )


def _delete_removed_lines(connection: Connection) -> None:
    connection.exec_driver_sql(
        "DELETE FROM wms_order_line WHERE (order_number, line_number) IN ("
        f" SELECT line.order_number, line.line_number FROM {ORDERS} AS given"
        f" JOIN wms_order ON wms_order.order_number = given.order_number AND {IS_NEW}"
        " JOIN wms_order_line AS line ON line.order_number = wms_order.order_number"
        f" EXCEPT SELECT order_number, line_number FROM {LINES})"
    )


def _change_lines(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"UPDATE wms_order_line SET {_set(connection, LINE_VALUES)} FROM {LINES} AS given"
        f" WHERE {SAME_LINE} AND {OF_NEW} AND {_line_differs(connection)}"
    )


def _insert_added_lines(connection: Connection) -> None:
    names = quoted(connection, *LINE_COLUMNS)
    connection.exec_driver_sql(
        f"INSERT INTO wms_order_line ({names}) SELECT {names} FROM {LINES} AS given"
        f" WHERE {OF_NEW} AND NOT EXISTS (SELECT 1 FROM wms_order_line WHERE {SAME_LINE})"
    )


def _set(connection: Connection, columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = given.{name}" for name in (quoted(connection, name) for name in columns))


def _line_differs(connection: Connection) -> str:
    return _differs(connection, wms_order_line, LINE_VALUES)


def _differs(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    """A condition that an old row differs from the new one: what is the same already is not written again."""
    names = [quoted(connection, name) for name in columns]
    old, new = (", ".join(f"{row}.{name}" for name in names) for row in (table.name, "given"))
    # The standard's IS DISTINCT FROM came to SQLite in 3.39; its own IS NOT means the same.
    return f"({old}) {'IS NOT' if connection.dialect.name == 'sqlite' else 'IS DISTINCT FROM'} ({new})"


def _counted(connection: Connection, numbers: Sequence[str], lines: Counter[str], what: str) -> LoadResult:
    """What became of the orders; the database compares, so that only rows of orders not written as given are read."""
    others: Any = connection.execute(
        text(
            f"SELECT * FROM (SELECT asked.key AS order_number, {STATUS} AS status,"
            " wms_order.order_number IS NULL AS is_missing, wms_order.batch_id IS NULL AS is_foreign,"
            " (SELECT count(*) FROM wms_order_line AS line WHERE line.order_number = asked.key)"
            " <> CAST(asked.value AS INTEGER) AS has_other_lines"
            f" FROM {asked(connection)} LEFT JOIN wms_order ON wms_order.order_number = asked.key) AS found"
            f" WHERE is_missing OR status <> '{NEW}' OR has_other_lines"
        ),
        {"asked": json_text({number: lines[number] for number in numbers})},
    ).all()
    refused = {row.order_number: row.status for row in others if not row.is_missing and row.status != NEW}
    wrong = {row.order_number for row in others}.difference(refused) | lines.keys() - set(numbers)
    if wrong:
        raise DataError(
            f"{what} did not keep what was written: {len(wrong)} of {len(numbers)} orders or their lines are missing"
            f" or different, so nothing of this chunk was kept ({listed(sorted(wrong))}).",
            remedy="Look for a trigger or rule on wms_order or wms_order_line that drops or adds rows; the next run"
            " tries again.",
        )
    foreign = frozenset(row.order_number for row in others if row.is_foreign)
    return LoadResult(written=frozenset(numbers).difference(refused), refused=refused, foreign=foreign)

"""Orders that notifications named: recorded until their new version has landed, each to be read by getOrder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, delete, exists, func, or_, select, update

from mfn.amazon.orders import CANCELLED, PENDING
from mfn.database.bulk import among, merge, utc_text
from mfn.ledger.schema import LandedOrder, NamedOrder, same_order, table
from mfn.moments import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from mfn.ledger.opening import Ledger


ASK_AGAIN_AFTER = timedelta(minutes=1)
"""How long an order is not requested after Amazon still showed an older version of it."""

MOST_ASKED = 5
"""How many times a named order is requested; then it is left to the search, which finds every change."""

COLUMNS = ("connection", "order_id", "changed_at", "named_at", "status", "asked_at", "times_asked")


class OrderName(NamedTuple):
    """An order that changed, as a notification names it.

    Attributes:
        order_id: Amazon's order id.
        changed_at: Amazon's time of the change, aware.
        status: Its new status, as the Orders API spells it: `UNSHIPPED`.
    """

    order_id: str
    changed_at: datetime
    status: str


class Waiting(NamedTuple):
    """The names of a connection that have not landed yet.

    Attributes:
        orders: How many.
        oldest_changed_at: Amazon's time of the oldest of these changes, aware; None if there are none.
    """

    orders: int
    oldest_changed_at: datetime | None


def note_named(database: Connection, connection: str, names: Iterable[OrderName]) -> int:
    """Record orders that changed, unless that version or a newer one has landed or been recorded already.

    Fractions of a second are left out: Amazon states an order's last change in whole ones (examples of
    orders_2026-01-01.json, 2026-07-29), a notification in thousandths (OrderChangeNotification.json, 2026-05-27).

    Returns:
        How many orders had not been recorded with this change or a newer one.
    """
    newest: dict[str, OrderName] = {}
    for name in names:
        whole = name._replace(changed_at=name.changed_at.replace(microsecond=0))
        known = newest.get(whole.order_id)
        if known is None or whole.changed_at > known.changed_at:
            newest[whole.order_id] = whole
    if not newest:
        return 0
    seen = _seen(database, connection, newest)
    news = [name for order_id, name in sorted(newest.items()) if not (seen.get(order_id, LONG_AGO) >= name.changed_at)]
    now = utc_text(datetime.now(UTC))
    rows = [(connection, name.order_id, utc_text(name.changed_at), now, name.status, None, 0) for name in news]
    merge(database, table(NamedOrder), COLUMNS, rows, guard="excluded.changed_at > named_order.changed_at")
    return len(news)


def _seen(database: Connection, connection: str, order_ids: Iterable[str]) -> dict[str, datetime]:
    """The newest change of each order that has landed or been recorded."""
    ids = list(order_ids)
    landed = select(LandedOrder.order_id, LandedOrder.last_updated_at).where(
        LandedOrder.connection == connection, among(database, LandedOrder.order_id, ids)
    )
    named = select(NamedOrder.order_id, NamedOrder.changed_at).where(
        NamedOrder.connection == connection, among(database, NamedOrder.order_id, ids)
    )
    seen: dict[str, datetime] = {}
    for order_id, at in [*database.execute(landed), *database.execute(named)]:
        if at is not None:
            seen[order_id] = max(at, seen.get(order_id, LONG_AGO))
    return seen


def named_orders(ledger: Ledger, connection: str, limit: int) -> Sequence[Row[Any]]:
    """The named orders to ask for now: every column of `named_order`.

    The oldest change comes first. Those whose parcel nobody waits for come last: orders that wait for their payment,
    which are mostly named again before their turn, and cancelled ones of which nothing has ever landed.
    """
    statement = (
        select(NamedOrder)
        .where(
            NamedOrder.connection == connection,
            or_(NamedOrder.asked_at.is_(None), NamedOrder.asked_at <= datetime.now(UTC) - ASK_AGAIN_AFTER),
        )
        .order_by(_is_waited_for().desc(), NamedOrder.changed_at, NamedOrder.order_id)
        .limit(limit)
    )
    return ledger.rows(statement)


def _is_waited_for() -> ColumnElement[int]:
    has_landed = exists().where(same_order(LandedOrder, NamedOrder))
    is_idle = or_(NamedOrder.status.in_(PENDING), and_(NamedOrder.status == CANCELLED, ~has_landed))
    return case((is_idle, 0), else_=1)


def waiting_names(ledger: Ledger, connection: str) -> Waiting:
    """How many named orders of a connection have not landed yet, including those just requested."""
    statement = select(func.count(), func.min(NamedOrder.changed_at)).where(NamedOrder.connection == connection)
    with ledger.reading() as database:
        orders, oldest = database.execute(statement).one()
        return Waiting(orders, oldest)


def note_asked(database: Connection, connection: str, order_ids: Collection[str], *, was_answered: bool = True) -> None:
    """Record that named orders were requested by getOrder; they are not requested again for `ASK_AGAIN_AFTER`.

    Args:
        database: The open transaction on the ledger.
        connection: The connection's name.
        order_ids: The orders; those that were not named are ignored.
        was_answered: Whether Amazon answered, whatever it showed; only that counts towards `MOST_ASKED`.
    """
    mine = (NamedOrder.connection == connection) & among(database, NamedOrder.order_id, order_ids)
    asked = {"asked_at": datetime.now(UTC), "times_asked": NamedOrder.times_asked + int(was_answered)}
    database.execute(update(NamedOrder).where(mine).values(asked))


def forget_named(database: Connection, connection: str) -> int:
    """Remove the names that are no longer needed: the new versions of their orders have landed, by whatever call.

    An order without a readable time of its last change counts as landed if that happened after it was named. A name
    that was requested `MOST_ASKED` times without success is removed too.

    Args:
        database: The open transaction on the ledger, every landed page taken in (`landing.index_pages`).
        connection: The connection's name.

    Returns:
        How many names were removed.
    """
    mine = NamedOrder.connection == connection
    gone = or_(_landed_since(), NamedOrder.times_asked >= MOST_ASKED)
    return database.execute(delete(NamedOrder).where(mine, gone)).rowcount


def _landed_since() -> ColumnElement[bool]:
    unreadable = and_(LandedOrder.last_updated_at.is_(None), LandedOrder.landed_at >= NamedOrder.named_at)
    is_newer = LandedOrder.last_updated_at >= NamedOrder.changed_at
    return exists().where(same_order(LandedOrder, NamedOrder), or_(is_newer, unreadable))

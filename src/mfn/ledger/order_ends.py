"""The ends of orders: when they were shipped, delivered or cancelled, and when their buyers' data was removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, or_, select

from mfn.database.bulk import among, upsert
from mfn.ledger.orders import LEFT
from mfn.ledger.parcels import SETTLED
from mfn.ledger.schema import LandedOrder, OrderEnd, Parcel, TrackedOrder, Utc, same_order, table
from mfn.models import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from mfn.ledger.opening import Ledger

KEY = ("connection", "order_id")
MOMENTS = ("shipped_at", "delivered_at", "cancelled_at")

BELIEVED = timedelta(days=730)
"""How long ago an order may have left: Amazon shows none older than that (orders_2026-01-01.json, 2026-07-29)."""

_PRESENT: ColumnElement[datetime] = bindparam("present", type_=Utc())
_OLDEST: ColumnElement[datetime] = bindparam("oldest", type_=Utc())


class End(NamedTuple):
    """What was seen of an order's end; times in UTC, None if not seen.

    Attributes:
        order_id: Amazon's order id.
        shipped_at: When the last of its parcels left.
        delivered_at: When every parcel was seen to be delivered.
        cancelled_at: When it was cancelled.
    """

    order_id: str
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None


def note_ends(database: Connection, connection: str, ends: Iterable[End]) -> None:
    """Record how orders ended; of each time, the earliest one recorded stays.

    A retention that has begun never starts again, and none starts in the future: a future time counts as the present.

    An order may occur several times.
    """
    now = datetime.now(UTC)
    rows = [
        {"connection": connection, "order_id": end.order_id}
        | {name: moment and min(moment, now) for name, moment in zip(MOMENTS, end[1:], strict=True)}
        for end in ends
    ]
    if not rows:
        return
    statement = _insert_rows(database, MOMENTS)
    earliest = {name: _earlier(table(OrderEnd).c[name], statement.excluded[name]) for name in MOMENTS}
    database.execute(statement.on_conflict_do_update(index_elements=KEY, set_=earliest), rows)


def _earlier(one: Any, other: Any) -> ColumnElement[Any]:
    return case((or_(one.is_(None), other < one), func.coalesce(other, one)), else_=one)


def _insert_rows(database: Connection, names: Sequence[str]) -> Any:
    """An INSERT with ON CONFLICT, for rows with the key and these columns."""
    columns = table(OrderEnd).c
    return upsert(database.dialect, OrderEnd).values(
        {name: bindparam(name, type_=columns[name].type) for name in (*KEY, *names)}
    )


def note_known_ends(database: Connection, connection: str, now: datetime) -> None:
    """Record for every order with a text, once, when it left or was cancelled, from what the ledger knows.

    It left when the last of its parcels did; if no parcel is known, because another system shipped it, when Amazon last
    changed it. A time in the future counts as the present; for one more than two years ago the year must be wrong, and
    the time at which the warehouse got the order counts instead.
    """
    left = func.coalesce(Parcel.shipped_at, Parcel.sent_at, Parcel.updated_at)
    parcels = (
        select(Parcel.order_number, func.max(left, type_=Utc()).label("at"))
        .where(Parcel.connection == connection, or_(Parcel.status.in_(SETTLED), Parcel.items_sent.is_not(None)))
        .group_by(Parcel.order_number)
        .subquery()
    )
    changed = func.coalesce(LandedOrder.last_updated_at, LandedOrder.landed_at, type_=Utc())
    shipped = func.coalesce(parcels.c.at, changed, type_=Utc())
    for name, statuses, at in (("shipped_at", LEFT, shipped), ("cancelled_at", (OrderStatus.CANCELLED,), changed)):
        noted = getattr(OrderEnd, name)
        chosen = (
            select(TrackedOrder.connection, TrackedOrder.order_id, _believed(at))
            .join(LandedOrder, same_order(LandedOrder, TrackedOrder))
            .outerjoin(OrderEnd, same_order(OrderEnd, TrackedOrder))
            .outerjoin(parcels, parcels.c.order_number == TrackedOrder.order_id)
            .where(TrackedOrder.connection == connection, TrackedOrder.status.in_(statuses), noted.is_(None))
        )
        statement = upsert(database.dialect, table(OrderEnd)).from_select([*KEY, name], chosen)
        change = {name: statement.excluded[name]}
        statement = statement.on_conflict_do_update(index_elements=KEY, set_=change)
        database.execute(statement, {"present": now, "oldest": now - BELIEVED})


def _believed(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """A plausible time: not in the future, and not years before the warehouse got the order."""
    first = TrackedOrder.first_loaded_at
    return case((at > _PRESENT, _PRESENT), (and_(first.is_not(None), at < _OLDEST), first), else_=at)


def ends_of(ledger: Ledger, order_ids: Sequence[str], *, connection: str | None = None) -> Sequence[Row[Any]]:
    """How orders ended, and when their buyers' data was removed: every column of `order_end`."""
    statement = select(OrderEnd).order_by(OrderEnd.connection, OrderEnd.order_id)
    if connection is not None:
        statement = statement.where(OrderEnd.connection == connection)
    with ledger.reading() as database:
        return database.execute(statement.where(among(database, OrderEnd.order_id, order_ids))).all()


def removal_in_words(row: Row[Any]) -> str:
    """Why and when the buyer's data of an order was removed, as a sentence for people.

    Args:
        row: A row of `order_end` with `purged_at` or `erased_at`.
    """
    at = row.erased_at or row.purged_at
    why = f"erased by {row.erased_by}" if row.erased_at else "retention period over"
    return f"{why}, {at:%Y-%m-%d %H:%M} UTC"


def note_removed(database: Connection, connection: str, order_ids: Iterable[str], at: datetime) -> None:
    """Record that the buyers' data of orders was removed; if it was removed before, the later time counts."""
    rows = [{"connection": connection, "order_id": order_id, "purged_at": at} for order_id in order_ids]
    if rows:
        statement = _insert_rows(database, ["purged_at"])
        later = {"purged_at": statement.excluded.purged_at}
        database.execute(statement.on_conflict_do_update(index_elements=KEY, set_=later), rows)


def note_erased(database: Connection, connection: str, order_id: str, *, at: datetime, by: str) -> None:
    """Record that a person has the buyer's data of an order removed; the first one stays recorded."""
    statement = upsert(database.dialect, OrderEnd).values(
        connection=connection, order_id=order_id, erased_at=at, erased_by=by
    )
    change = {"erased_at": at, "erased_by": by}
    database.execute(
        statement.on_conflict_do_update(index_elements=KEY, set_=change, where=OrderEnd.erased_at.is_(None))
    )

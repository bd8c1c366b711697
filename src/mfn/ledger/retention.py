"""Whose buyers' data is due for removal, by when their orders ended; one rule, one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, case, exists, func, or_, select

from mfn.database.bulk import among
from mfn.ledger.arrivals import MADE_UP
from mfn.ledger.orders import GIVEN
from mfn.ledger.schema import LandedOrder, OrderEnd, TrackedOrder, Utc, same_order
from mfn.models import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection

LEFT_ALONE = (OrderStatus.IGNORED, OrderStatus.DISMISSED)
"""Orders that nobody here ships: their retention begins when they last landed."""


def due_orders(database: Connection, connection: str, *, now: datetime, retention: timedelta) -> Sequence[str]:
    """The orders with a text whose buyers' data may be kept no longer, sorted.

    Retention begins with the delivery; where none is known, when the order left; else when it was cancelled. That of
    ignored and dismissed orders, of those that no run has judged and of texts without an id begins when they last
    landed, or with one of these moments where that was earlier. Open orders have none, unless they are known to have
    ended at Amazon. What a person had erased is due at once.
    """
    joined = (
        select(LandedOrder.order_id)
        .outerjoin(TrackedOrder, same_order(TrackedOrder, LandedOrder))
        .outerjoin(OrderEnd, same_order(OrderEnd, LandedOrder))
        .where(LandedOrder.connection == connection)
    )
    due = or_(OrderEnd.erased_at.is_not(None), _begins() <= now - retention)
    return database.execute(joined.where(due).order_by(LandedOrder.order_id)).scalars().all()


def _begins() -> ColumnElement[datetime]:
    """When the retention of an order begins; NULL: it has not begun."""
    ended = func.coalesce(OrderEnd.delivered_at, OrderEnd.shipped_at, OrderEnd.cancelled_at, type_=Utc())
    landed = LandedOrder.landed_at
    is_left_alone = or_(
        TrackedOrder.status.is_(None),
        TrackedOrder.status.in_(LEFT_ALONE),
        LandedOrder.order_id.startswith(MADE_UP, autoescape=True),
    )
    return case((and_(is_left_alone, or_(ended.is_(None), landed < ended)), landed), else_=ended)


def count_texts(database: Connection, connection: str) -> int:
    """How many orders of a connection have a text."""
    return database.execute(select(func.count()).where(LandedOrder.connection == connection)).scalar_one()


def not_seen_to_leave(database: Connection, connection: str) -> dict[str, datetime | None]:
    """Orders with a text that the warehouse was given, and of which nobody knows yet that they have left.

    Returns:
        When the warehouse was first given each, by order id.
    """
    statement = (
        select(LandedOrder.order_id, TrackedOrder.first_loaded_at)
        .join(TrackedOrder, same_order(TrackedOrder, LandedOrder))
        .outerjoin(OrderEnd, same_order(OrderEnd, LandedOrder))
        .where(LandedOrder.connection == connection, TrackedOrder.status.in_(GIVEN), OrderEnd.shipped_at.is_(None))
    )
    return {row.order_id: row.first_loaded_at for row in database.execute(statement)}


def without_data(
    database: Connection, connection: str, order_ids: Iterable[str], *, erased_only: bool = False
) -> Sequence[str]:
    """Those of some orders whose buyers' data was removed and has not landed again, sorted."""
    is_erased = OrderEnd.erased_at.is_not(None)
    is_removed = is_erased if erased_only else or_(is_erased, OrderEnd.purged_at.is_not(None))
    landed = exists().where(same_order(LandedOrder, OrderEnd))
    wanted = (OrderEnd.connection == connection) & among(database, OrderEnd.order_id, order_ids)
    statement = select(OrderEnd.order_id).where(wanted, is_removed, ~landed).order_by(OrderEnd.order_id)
    return database.execute(statement).scalars().all()


def any_erased(database: Connection, connection: str) -> bool:
    """Whether a person ever had the buyer's data of an order of a connection erased."""
    erased = exists().where(OrderEnd.connection == connection, OrderEnd.erased_at.is_not(None))
    return bool(database.execute(select(erased)).scalar())

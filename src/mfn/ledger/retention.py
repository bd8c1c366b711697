"""Whose buyers' data is due for removal, by when their orders ended; one rule, one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select

from mfn.ledger.schema import LandedOrder, OrderEnd, TrackedOrder, Utc
from mfn.models import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection

LEFT_ALONE = (OrderStatus.IGNORED, OrderStatus.DISMISSED)
"""Orders that nobody here ships: their retention begins when they last landed."""

UNREADABLE = "unreadable-%"
"""Ids that landing made up for texts without one."""


def due_orders(database: Connection, connection: str, *, now: datetime, retention: timedelta) -> Sequence[str]:
    """The orders with a text whose buyers' data may be kept no longer, sorted.

    Retention begins with the delivery; where none is known, when the order left; else when it was cancelled. That of
    ignored and dismissed orders, of those that no run has judged and of texts without an id begins when they last
    landed, or with one of these moments where that was earlier. Open orders have none, unless they are known to have
    ended at Amazon. What a person had erased is due at once.

    Args:
        database: An open transaction on the ledger, the ends that it knows noted (`order_ends.note_known_ends`).
        connection: The connection's name.
        now: The present moment, aware.
        retention: How long buyers' data is kept.
    """
    joined = (
        select(LandedOrder.order_id)
        .outerjoin(TrackedOrder, _same_order(TrackedOrder))
        .outerjoin(OrderEnd, _same_order(OrderEnd))
        .where(LandedOrder.connection == connection)
    )
    due = or_(OrderEnd.erased_at.is_not(None), _begins() <= now - retention)
    return database.execute(joined.where(due).order_by(LandedOrder.order_id)).scalars().all()


def _begins() -> ColumnElement[datetime]:
    """When the retention of an order begins; NULL: it has not begun."""
    ended = func.coalesce(OrderEnd.delivered_at, OrderEnd.shipped_at, OrderEnd.cancelled_at, type_=Utc())
    landed = LandedOrder.landed_at
    is_left_alone = or_(
        TrackedOrder.status.is_(None), TrackedOrder.status.in_(LEFT_ALONE), LandedOrder.order_id.like(UNREADABLE)
    )
    return case((and_(is_left_alone, or_(ended.is_(None), landed < ended)), landed), else_=ended)


def _same_order(other: Any) -> ColumnElement[bool]:
    return and_(other.connection == LandedOrder.connection, other.order_id == LandedOrder.order_id)


def count_texts(database: Connection, connection: str) -> int:
    """How many orders of a connection have a text.

    Args:
        database: An open transaction on the ledger.
        connection: The connection's name.
    """
    return database.execute(select(func.count()).where(LandedOrder.connection == connection)).scalar_one()


def not_seen_to_leave(database: Connection, connection: str) -> Sequence[str]:
    """Orders with a text that the warehouse was given, and of which nobody knows yet that they have left, sorted.

    Args:
        database: An open transaction on the ledger.
        connection: The connection's name.
    """
    given = (OrderStatus.LOADED, OrderStatus.PARTIALLY_SHIPPED)
    statement = (
        select(LandedOrder.order_id)
        .join(TrackedOrder, _same_order(TrackedOrder))
        .outerjoin(OrderEnd, _same_order(OrderEnd))
        .where(LandedOrder.connection == connection, TrackedOrder.status.in_(given), OrderEnd.shipped_at.is_(None))
        .order_by(LandedOrder.order_id)
    )
    return database.execute(statement).scalars().all()

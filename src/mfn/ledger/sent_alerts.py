"""What people have been notified of, and the waiting orders of which they may have to be notified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from mfn.alerts.news import LastAlert, WaitingOrder
from mfn.database.bulk import among, merge, utc_text
from mfn.ledger.orders import GIVEN, UNFINISHED, read_reasons
from mfn.ledger.schema import SentAlert, TrackedOrder, table
from mfn.models import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger

HELD = "held"
DUE_SOON = "due_soon"
OVERDUE = "overdue"
SECRET = "secret"  # noqa: S105 - a kind of news
COUNTED = ""
"""Stands for the order id of news that is a count, or that is about no order."""


def count_held(ledger: Ledger, connection: str) -> int:
    """How many orders of a connection are held."""
    statement = select(func.count()).where(
        TrackedOrder.connection == connection, TrackedOrder.status == OrderStatus.HELD
    )
    with ledger.reading() as database:
        return database.execute(statement).scalar_one()


def held_orders(ledger: Ledger, connection: str) -> list[WaitingOrder]:
    """Every held order of a connection, the most urgent first."""
    return _waiting(ledger, connection, (OrderStatus.HELD,))


def orders_to_ship_by(ledger: Ledger, connection: str, limit: datetime) -> list[WaitingOrder]:
    """Orders that are held or not loaded yet and have to leave by then, the most urgent first."""
    return _waiting(ledger, connection, UNFINISHED, TrackedOrder.ship_by <= limit)


def overdue_orders(ledger: Ledger, connection: str, since: datetime, limit: datetime) -> list[WaitingOrder]:
    """Orders that the warehouse has and that should have left it in a span of time, the most urgent first."""
    return _waiting(ledger, connection, GIVEN, TrackedOrder.ship_by.between(since, limit))


def _waiting(ledger: Ledger, connection: str, statuses: Collection[str], *conditions: Any) -> list[WaitingOrder]:
    statement = (
        select(TrackedOrder.order_id, TrackedOrder.reasons, TrackedOrder.ship_by)
        .where(TrackedOrder.connection == connection, TrackedOrder.status.in_(statuses), *conditions)
        .order_by(TrackedOrder.ship_by.nulls_last(), TrackedOrder.order_id)
    )
    with ledger.reading() as database:
        return [
            WaitingOrder(row.order_id, tuple(reason.code for reason in read_reasons(row.reasons)), row.ship_by)
            for row in database.execute(statement)
        ]


def last_alerts(ledger: Ledger, connection: str, kind: str) -> dict[str, LastAlert]:
    """What people were notified of for a connection and is still so, by order id.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: `HELD` and `SECRET`, by the order id `COUNTED`, or `DUE_SOON` and `OVERDUE`.
    """
    statement = select(SentAlert.order_id, SentAlert.orders, SentAlert.told_at).where(
        SentAlert.connection == connection, SentAlert.kind == kind
    )
    with ledger.reading() as database:
        return {row.order_id: LastAlert(row.orders, row.told_at) for row in database.execute(statement)}


def note_sent(database: Connection, connection: str, kind: str, sent: Mapping[str, LastAlert]) -> None:
    """Record what people are notified of, by order id."""
    rows = [(connection, kind, order_id, entry.orders, utc_text(entry.at)) for order_id, entry in sent.items()]
    merge(database, table(SentAlert), ("connection", "kind", "order_id", "orders", "told_at"), rows)


def forget_sent(database: Connection, connection: str, kind: str, order_ids: Collection[str]) -> None:
    """Forget what is no longer so: when it comes back, it is news."""
    mine = (SentAlert.connection == connection) & (SentAlert.kind == kind)
    database.execute(delete(SentAlert).where(mine & among(database, SentAlert.order_id, order_ids)))

"""Orders for people: a list with their status, and what each batch did with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mfn.ledger.known_connections import of_order
from mfn.ledger.orders import GIVEN, WAITING
from mfn.ledger.schema import Batch, BatchOrder, Offer, Parcel, TrackedOrder
from mfn.models import OfferStatus, OrderStatus, ParcelStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import InstrumentedAttribute

    from mfn.ledger.opening import Ledger

AWAITING_IMPORT = "awaiting_import"
"""The reason of held stock that nobody needs to check: it is released once an import has succeeded."""

OPEN = (*WAITING, *GIVEN)
"""Statuses of orders that have not left yet."""


LISTED: tuple[InstrumentedAttribute[Any], ...] = (
    TrackedOrder.order_id, TrackedOrder.connection, TrackedOrder.status, TrackedOrder.reasons, TrackedOrder.is_sfp,
    TrackedOrder.ship_by, TrackedOrder.marketplace_id, TrackedOrder.batch_id,
)  # fmt: skip
"""The columns of a list of orders; few, because the list may have all orders of the ledger."""


URGENCY = (TrackedOrder.status.not_in(OPEN), TrackedOrder.ship_by.nulls_last(), TrackedOrder.order_id)
"""The most urgent first, those that have left or need not leave after all others."""


def list_orders(
    ledger: Ledger, *, status: str | None = None, connection: str | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    """Orders, the most urgent first, those that have left or need not leave after the others: `LISTED`."""
    statement = select(*LISTED).order_by(*URGENCY).limit(limit)
    if status is not None:
        statement = statement.where(TrackedOrder.status == status)
    if connection is not None:
        statement = statement.where(TrackedOrder.connection == connection)
    return ledger.rows(statement)


def orders_with_id(ledger: Ledger, order_id: str, *, connection: str | None = None) -> Sequence[Row[Any]]:
    """An order in each connection that has it, by their names: every column of `tracked_order`."""
    statement = of_order(TrackedOrder, order_id, connection).order_by(TrackedOrder.connection)
    return ledger.rows(statement)


def find_orders(
    ledger: Ledger,
    *,
    connections: Sequence[str],
    statuses: Sequence[str] | None = None,
    reason: str | None = None,
    sfp: bool = False,
    text: str | None = None,
    limit: int,
    offset: int = 0,
) -> Sequence[Row[Any]]:
    """Orders, the most urgent first, those that have left or need not leave after the others.

    Args:
        ledger: The open ledger.
        connections: Only those of these connections.
        statuses: Only those with one of these; None for any.
        reason: Only those with this reason code.
        sfp: Only Seller Fulfilled Prime.
        text: Only those whose id has this part.
        limit: At most so many.
        offset: How many to leave out first.
    """
    statement = select(TrackedOrder).where(TrackedOrder.connection.in_(connections)).order_by(*URGENCY)
    if statuses is not None:
        statement = statement.where(TrackedOrder.status.in_(statuses))
    if reason is not None:
        statement = statement.where(TrackedOrder.reasons.contains(f'"code":"{reason}"', autoescape=True))
    if sfp:
        statement = statement.where(TrackedOrder.is_sfp)
    if text is not None:
        statement = statement.where(TrackedOrder.order_id.icontains(text, autoescape=True))
    return ledger.rows(statement.limit(limit).offset(offset))


def count_troubles(ledger: Ledger) -> dict[str, dict[str, int]]:
    """How much needs attention, by connection: held `order`s, and held or refused `parcel`s and `SKU`s.

    A SKU that waits for nothing but the next import is not counted.
    """
    waiting: dict[str, dict[str, int]] = {}
    with ledger.reading() as database:
        for noun, table, statuses in (
            ("order", TrackedOrder, (OrderStatus.HELD,)),
            ("parcel", Parcel, (ParcelStatus.HELD, ParcelStatus.FAILED)),
            ("SKU", Offer, (OfferStatus.HELD, OfferStatus.FAILED)),
        ):
            meant = select(table.connection, func.count()).where(table.status.in_(statuses)).group_by(table.connection)
            if table is Offer:
                meant = meant.where(Offer.reasons.is_(None) | Offer.reasons.not_like(f'[{{"code":"{AWAITING_IMPORT}"%'))
            for connection, count in database.execute(meant):
                waiting.setdefault(connection, {})[noun] = count
    return waiting


def count_overdue(ledger: Ledger, connections: Sequence[str], limit: datetime) -> dict[str, int]:
    """How many orders should have left the warehouse by some time and have not, or only in part, by connection."""
    statement = (
        select(TrackedOrder.connection, func.count())
        .where(TrackedOrder.connection.in_(connections), TrackedOrder.status.in_(GIVEN))
        .where(TrackedOrder.ship_by <= limit)
        .group_by(TrackedOrder.connection)
    )
    with ledger.reading() as database:
        return dict(database.execute(statement).all())


def last_loaded_at(ledger: Ledger, connection: str) -> datetime | None:
    """When the warehouse last got a new order of a connection; None if it never did."""
    statement = select(func.max(TrackedOrder.first_loaded_at)).where(TrackedOrder.connection == connection)
    with ledger.reading() as database:
        return database.execute(statement).scalar_one()


def order_timeline(ledger: Ledger, order_id: str) -> Sequence[Row[Any]]:
    """What each batch did with an order, oldest first: at, batch_id, origin, outcome, reasons, warnings, and more.

    `conflicts` are those of the whole batch, or None.
    """
    statement = (
        select(
            BatchOrder.at,
            BatchOrder.batch_id,
            BatchOrder.connection,
            Batch.kind,
            BatchOrder.origin,
            BatchOrder.outcome,
            BatchOrder.reasons,
            BatchOrder.warnings,
            Batch.parameters,
            Batch.findings["conflicts"].label("conflicts"),
        )
        .join(Batch, Batch.batch_id == BatchOrder.batch_id)
        .where(BatchOrder.order_id == order_id)
        .order_by(BatchOrder.at)
    )
    return ledger.rows(statement)


def conflicts_of(ledger: Ledger, connection: str, order_id: str) -> Sequence[Row[Any]]:
    """Confirm runs that reported a conflict of an order: started_at, batch_id, connection, the run's `conflicts`."""
    conflicts = Batch.findings["conflicts"]
    mine = (BatchOrder.connection == connection) & (BatchOrder.order_id == order_id)
    first = select(func.min(BatchOrder.at)).where(mine).scalar_subquery()
    statement = (
        select(Batch.started_at, Batch.batch_id, Batch.connection, conflicts.label("conflicts"))
        .where(Batch.connection == connection, Batch.kind == "confirm", Batch.started_at >= first)
        .where(conflicts.as_string().contains(order_id, autoescape=True))
        .order_by(Batch.started_at)
    )
    return ledger.rows(statement)

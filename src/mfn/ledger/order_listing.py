"""Orders as people look at them: a list of where they stand, and what each batch did with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.database.engines import reading
from mfn.ledger.schema import Batch, BatchOrder, TrackedOrder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger


def list_orders(
    ledger: Ledger, *, status: str | None = None, connection: str | None = None, order_id: str | None = None
) -> Sequence[Row[Any]]:
    """Orders, the most urgent first: every column of `tracked_order`.

    Args:
        ledger: The open ledger.
        status: Only those with this status.
        connection: Only those of this connection.
        order_id: Only the one with this id.
    """
    statement = select(TrackedOrder).order_by(TrackedOrder.ship_by.nulls_last(), TrackedOrder.order_id)
    if status is not None:
        statement = statement.where(TrackedOrder.status == status)
    if connection is not None:
        statement = statement.where(TrackedOrder.connection == connection)
    if order_id is not None:
        statement = statement.where(TrackedOrder.order_id == order_id)
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(statement).all()


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
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(statement).all()

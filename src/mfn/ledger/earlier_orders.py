"""Orders that earlier runs left unfinished: every import examines them again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, insert, literal, select, text
from sqlalchemy.orm import aliased

from mfn.ledger.landing import EARLIER
from mfn.ledger.leases import assert_held
from mfn.ledger.orders import GIVEN, WAITING
from mfn.ledger.schema import DOUBTED, Batch, BatchOrder, TrackedOrder, same_order
from mfn.models import STAGES, OrderStatus

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from mfn.models import BatchRef


def take_in_earlier_orders(database: Connection, batch: BatchRef) -> None:
    """Make every order that earlier runs left unfinished part of this batch.

    These are orders that are held; that were ready and never loaded; that are not paid for, whose promised units follow
    the present mappings and items; whose newest version the warehouse lacks; and that an interrupted batch landed and
    no other has judged since. An order that the batch has already stays as it was.
    """
    assert_held(database, batch.lease)
    unfinished = select(TrackedOrder.order_id).where(
        TrackedOrder.connection == batch.connection, TrackedOrder.status.in_(WAITING)
    )
    since = aliased(BatchOrder)
    judged_since = exists().where(
        same_order(since, BatchOrder),
        since.at > BatchOrder.at,
        since.outcome.is_not(None) & (since.outcome != OrderStatus.READY),
    )
    unjudged = (
        select(BatchOrder.order_id)
        .join(Batch, Batch.batch_id == BatchOrder.batch_id)
        .where(
            Batch.connection == batch.connection,
            Batch.kind == batch.kind,
            Batch.status == "failed",
            Batch.stage != STAGES[batch.kind][-1],  # else only the quality gate closed, and every order is judged
            Batch.parameters["dry_run"].as_boolean().is_(False),
            BatchOrder.outcome.is_(None) | (BatchOrder.outcome == OrderStatus.READY),
            ~judged_since,
        )
    )
    earlier = unfinished.union(left_behind_orders(batch.connection), unjudged).subquery()
    known = aliased(BatchOrder)
    is_known = exists().where(known.batch_id == batch.batch_id, known.order_id == earlier.c.order_id)
    now = literal(datetime.now(UTC), BatchOrder.at.type)
    texts = (literal(text) for text in (batch.batch_id, batch.connection, EARLIER))
    rows = select(*texts, earlier.c.order_id, now).where(~is_known)
    database.execute(insert(BatchOrder).from_select(["batch_id", "connection", "origin", "order_id", "at"], rows))


def left_behind_orders(connection: str) -> Select[str]:
    """The ids of orders that the warehouse has, but perhaps not in their newest version."""
    # With a plain condition on the status, SQLite would use the other index and go through all that was ever loaded.
    may_change = func.coalesce(TrackedOrder.status, "").in_(GIVEN)
    return select(TrackedOrder.order_id).where(TrackedOrder.connection == connection, text(DOUBTED), may_change)

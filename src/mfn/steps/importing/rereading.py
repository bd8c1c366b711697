"""Held orders read from Amazon again, one by one, within the rate budget of getOrder."""

from __future__ import annotations

import logging
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import select

from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.database.bulk import among
from mfn.ledger.arrivals import MADE_UP, read_arrival
from mfn.ledger.kept_out import kept_out_versions
from mfn.ledger.landing import EARLIER, WINDOW, index_pages, land
from mfn.ledger.met_orders import ROWS_AT_ONCE
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import BatchOrder, TrackedOrder
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.models import OrderStatus
from mfn.steps.single_orders import get_orders, remember
from mfn.steps.workplace import writing_under_lease

if TYPE_CHECKING:
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

log = logging.getLogger(__name__)

FIXABLE_AT_AMAZON = {"invalid_payload", "address_missing", "address_incomplete", "no_quantity", "duplicate_line"}
"""Reasons that a later answer from Amazon may remove without anyone acting."""

REREAD_WAIT_SECONDS = 600.0
"""How long a run waits in all for the budget of getOrder; the next run reads the rest."""


def read_fixable_again(
    place: Workplace, batch: BatchRef, *, wait_seconds: float | None = None, leaving: int = 0
) -> None:
    """Read orders from Amazon again that are held, or kept out, for a reason that it may have removed meanwhile.

    Args:
        place: The workplace.
        batch: The batch at work.
        wait_seconds: How long to wait in all for the budget of getOrder; None: `REREAD_WAIT_SECONDS`.
        leaving: How many calls have to stay in it for others.

    Raises:
        RetriableError: The ledger could not be reached.
    """
    held = (
        select(TrackedOrder.order_id, TrackedOrder.reasons)
        .where(TrackedOrder.connection == batch.connection, TrackedOrder.status == OrderStatus.HELD)
        .order_by(TrackedOrder.ship_by.nulls_last(), TrackedOrder.order_id)
    )
    kept_out = kept_out_versions(place.ledger, batch.connection)
    with place.ledger.reading() as database:
        rows = database.execute(held, execution_options={"yield_per": ROWS_AT_ONCE})
        fixable = [
            order_id
            for order_id, reasons in chain(rows, ((row.order_id, row.reasons) for row in kept_out.values()))
            if FIXABLE_AT_AMAZON & {reason.code for reason in read_reasons(reasons)}
            and not order_id.startswith(MADE_UP)
        ]
    read_again(place, batch, fixable, wait_seconds=wait_seconds, leaving=leaving)


def read_again(
    place: Workplace,
    batch: BatchRef,
    order_ids: list[str],
    *,
    wait_seconds: float | None = None,
    leaving: int = 0,
) -> set[str]:
    """Read orders from Amazon one by one, within the budget of getOrder, and land them.

    Args:
        place: The workplace.
        batch: The batch at work.
        order_ids: Orders, the most urgent first; those that Amazon left without an answer come after the others.
        wait_seconds: As in `read_fixable_again`.
        leaving: As in `read_fixable_again`.

    Returns:
        The orders that were read; those that Amazon does not know or does not answer for, and those that the budget
        leaves no call for, stay what they were. A warning tells where it does not answer, or denies the call: what is
        new is loaded all the same.

    Raises:
        RetriableError: The ledger could not be reached.
    """
    read: set[str] = set()
    if not order_ids:
        return read
    of_window = select(BatchOrder.order_id).where(BatchOrder.batch_id == batch.batch_id, BatchOrder.origin == WINDOW)
    with place.ledger.reading() as database:
        wanted = among(database, BatchOrder.order_id, order_ids)
        fresh = set(database.execute(of_window.where(wanted)).scalars())
    stale = [order_id for order_id in order_ids if order_id not in fresh]
    stale.sort(key=when_unanswered(place.ledger, batch.connection))
    patience = REREAD_WAIT_SECONDS if wait_seconds is None else wait_seconds
    unanswered = Unanswered()
    try:
        for order_id, raw in get_orders(place.amazon, stale, unanswered, wait_seconds=patience, leaving=leaving):
            if raw is None:
                continue
            with writing_under_lease(place.ledger, batch.lease) as database:
                land(place.ledger, database, batch, [read_arrival(raw)], origin=EARLIER)
            read.add(order_id)
        unanswered.raise_first()
    except NO_ANSWER as error:
        log.warning("%s: held orders could not be read again: %s %s", batch.batch_id, error.message, error.remedy)
    remember(place, batch, unanswered)
    index_pages(place.ledger, batch)
    return read

"""What an import fetches besides its own window: orders that notifications named, and periods that were left out."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from mfn.amazon.failures import BudgetExhaustedError, CallRefusedError, PageTokenRefusedError
from mfn.amazon.order_pages import SearchWindow
from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.connections import load_connections
from mfn.errors import FatalError
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.named_orders import forget_named, named_orders, note_asked
from mfn.ledger.search_gaps import close_gap, move_gap, search_gaps
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.models import Parameters
from mfn.rules.next_call import KEPT_FOR_LATE
from mfn.steps.single_orders import remember
from mfn.steps.workplace import writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

log = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(hours=23, minutes=30)
"""A page token lasts 24 hours (orders_2026-01-01.json, 2026-07-29)."""

MOST_NAMES = 100
"""How many named orders one run fetches; while it loads them, as many calls are refilled."""

KEPT_FOR_NAMES = 20
"""Calls of getOrder that are reserved for named orders when held orders are read again."""

MOST_AS_OLD = 5
"""Up to this many names of one second are fetched together or not at all."""

PAGES_OF_GAPS = 4
KEPT_FOR_LIVE = 10
"""Calls of searchOrders that gaps leave to ordinary imports, reconciliations and people: half a bucket."""


def usable_token(token: str | None, landed_at: datetime | None) -> str | None:
    """The page token, which came at `landed_at`, if Amazon still knows it, else None."""
    return token if token and landed_at and datetime.now(UTC) - landed_at < TOKEN_LIFE else None


def read_queue(place: Workplace) -> int | None:
    """Read what notifications have named.

    Returns:
        How many notifications of changed orders there were; None: the connection has no queue.

    Raises:
        MfnError: The queue or the ledger cannot be read; the messages stay, and the search finds the orders.
    """
    if place.connection.notifications.queue_url is None:
        return None
    from mfn.notifications.reading import read_notifications  # noqa: PLC0415 - only where there is a queue

    listed = load_connections(place.settings).values()
    read = read_notifications(place.ledger, place.connection, listed)
    return read.named + read.unneeded


def land_named(place: Workplace, batch: BatchRef) -> None:
    """Fetch the orders that notifications named, in the order of `named_orders`, without waiting for the rate budget.

    Those that Amazon left without an answer before come last.
    Each is committed before the next one is requested. Names whose orders have landed in the meantime are dropped.
    One that Amazon does not answer for is skipped for a minute each time: the search may bring it.
    One that it denies does not stop the others; it counts as answered, so that it is not requested again forever.

    Raises:
        RetriableError: Amazon does not answer for several orders in a row, or the ledger could not be reached.
        FatalError: Amazon denies several in a row, or the only ones that were named, or refuses the credentials; the
            other names are requested by the next run.
    """
    forget_landed_names(place, batch)
    unanswered = Unanswered()
    try:
        _land_each(place, batch, unanswered)
    finally:
        remember(place, batch, unanswered)
    forget_landed_names(place, batch)
    if isinstance(unanswered.first, CallRefusedError) and not unanswered.is_answered:
        raise unanswered.first


def _land_each(place: Workplace, batch: BatchRef, unanswered: Unanswered) -> None:
    unanswered_at = when_unanswered(place.ledger, batch.connection)
    names = named_orders(place.ledger, batch.connection, MOST_NAMES)
    names = sorted(names, key=lambda row: unanswered_at(row.order_id))
    for number, name in enumerate(names):
        leaving = KEPT_FOR_LATE + _as_old(names, number)
        try:
            raw = place.amazon.get_order(name.order_id, max_wait_seconds=0.0, leaving=leaving)
        except BudgetExhaustedError:
            break
        except NO_ANSWER as error:
            _note_asked(place, batch, name, was_answered=isinstance(error, CallRefusedError))
            log.warning("%s: named order %s: %s %s", batch.batch_id, name.order_id, error.message, error.remedy)
            unanswered.add(name.order_id, error)
            continue
        except FatalError:
            _note_asked(place, batch, name)
            raise
        unanswered.answered()
        with writing_under_lease(place.ledger, batch.lease) as database:
            if raw is not None:
                land(place.ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
            note_asked(database, batch.connection, [name.order_id])


def _as_old(names: Sequence[Row[Any]], number: int) -> int:
    """How many of the next names changed in the same second: a search from there would bring all of them again."""
    following = names[number + 1 : number + 1 + MOST_AS_OLD]
    return sum(1 for _ in takewhile(lambda name: name.changed_at == names[number].changed_at, following))


def _note_asked(place: Workplace, batch: BatchRef, name: Row[Any], *, was_answered: bool = True) -> None:
    with writing_under_lease(place.ledger, batch.lease) as database:
        note_asked(database, batch.connection, [name.order_id], was_answered=was_answered)


def forget_landed_names(place: Workplace, batch: BatchRef) -> None:
    """Drop the names whose orders have landed in the meantime, by whatever call."""
    index_pages(place.ledger, batch)
    with writing_under_lease(place.ledger, batch.lease) as database:
        forget_named(database, batch.connection)


def work_gaps(place: Workplace, batch: BatchRef, *, pages: int, leaving: int = 0) -> None:
    """Search some pages of the periods that were left out, without waiting for the rate budget.

    How far a period has been searched is committed with each page; the watermark is not touched.

    Args:
        place: The workplace.
        batch: The batch at work.
        pages: How many at most.
        leaving: How many calls of searchOrders have to stay in the budget.

    Raises:
        RetriableError: Amazon or the ledger could not be reached; what has landed stays.
    """
    for _ in range(pages):
        gap = next(iter(search_gaps(place.ledger, batch.connection)), None)
        if gap is None:
            break
        try:
            _work_gap(place, batch, gap, leaving)
        except BudgetExhaustedError:
            break
    index_pages(place.ledger, batch)


def _work_gap(place: Workplace, batch: BatchRef, gap: Row[Any], leaving: int) -> None:
    token = usable_token(gap.page_token, gap.page_token_at)
    window = SearchWindow(gap.after, gap.before)
    try:
        page = place.amazon.search_page(window, page_token=token, max_wait_seconds=0.0, leaving=leaving)
    except PageTokenRefusedError:
        if token is None:
            raise
        with writing_under_lease(place.ledger, batch.lease) as database:
            move_gap(database, gap, None)
        return
    row = get_batch(place.ledger, batch.batch_id)
    with writing_under_lease(place.ledger, batch.lease) as database:
        land(place.ledger, database, batch, [read_arrival(raw) for raw in page.orders], origin=WINDOW)
        if page.next_token is None:
            close_gap(database, gap)
        else:
            move_gap(database, gap, page.next_token)
        if Parameters.of(row.parameters).gap:
            first, last = row.window_after or gap.after, row.window_before or gap.before
            update_batch(database, batch, window_after=min(first, gap.after), window_before=max(last, gap.before))

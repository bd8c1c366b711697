"""Search: the state at Amazon of the orders of a period, and those that its search should have returned but did not."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from mfn.amazon.failures import PageTokenRefusedError
from mfn.amazon.order_pages import SETTLED_AFTER, SearchWindow
from mfn.amazon.placed_orders import placed_orders
from mfn.amazon.shown_orders import SHOWN_DATA, ShownOrder, read_shown
from mfn.amazon.unanswered import Unanswered
from mfn.errors import MfnError
from mfn.ledger.arrivals import MADE_UP, is_order_id, read_arrival
from mfn.ledger.batches import add_findings, get_batch, update_batch
from mfn.ledger.buyers_data import read_plain_chunk
from mfn.ledger.chunks import chunk_numbers, drop_chunks, write_chunk
from mfn.ledger.known_orders import known_orders, open_orders
from mfn.ledger.orders import GIVEN
from mfn.models import Parameters
from mfn.steps.single_orders import Patience, get_orders
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Row

    from mfn.amazon.order_pages import Page
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

log = logging.getLogger(__name__)

PERIOD = timedelta(days=3)
"""How far back a reconciliation looks by default."""

FRESH_FOR = timedelta(hours=3)
"""A search that was interrupted longer ago starts again: what it found is out of date."""

SEARCH_PATIENCE_SECONDS = FRESH_FOR.total_seconds()
"""How long a run waits in all for calls of searchOrders that the imports can spare."""

ASK_PATIENCE_SECONDS = 600.0
"""The same for getOrder; the next run asks for the rest."""

LEFT_FOR_OTHERS = 10
"""Calls of getOrder that are reserved for imports and confirmations."""

NOTED_AT_ONCE = 20
"""How many answers about single orders are committed together."""


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What Amazon answered about one order.

    Attributes:
        order_id: Amazon's order id.
        at: When it answered; UTC.
        shown: The order's state at Amazon; None if Amazon knows no such order.
    """

    order_id: str
    at: datetime
    shown: ShownOrder | None


class AskedChunk(msgspec.Struct, frozen=True, array_like=True):
    """A page of such answers, or several about single orders.

    Attributes:
        orders: One for each order.
    """

    orders: list[Asked]


def search(batch: BatchRef, settings: Settings) -> BatchRef:
    """Ask Amazon for the orders placed in the period, and for those that it should have returned.

    Each page is committed before the next one is requested. A search that was interrupted resumes at its page token, or
    starts again if that was too long ago. Calls are left for the imports: a run waits for those that they do not need.

    Args:
        batch: The batch, just opened or run again.
        settings: The settings in force.

    Returns:
        The batch with `asked`, the number of orders that Amazon has answered for, and `not_asked`, those that the
        budget left no call for: the next run asks for them.

    Raises:
        RetriableError: Amazon, the ledger or the warehouse could not be reached, or the budget had no call in time;
            what was answered stays.
        FatalError: Amazon refuses; names the missing role or the wrong credential.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    try:
        _search_pages(place, batch)
        not_asked = _ask_for_the_others(place, batch)
    finally:
        keep_calls(place, batch)
    counts = {"asked": len(answers(place.ledger, batch)), "not_asked": not_asked}
    with place.ledger.writing() as database:
        update_batch(database, batch, counts=counts)
    return replace(batch, counts=counts)


def answers(ledger: Ledger, batch: BatchRef) -> dict[str, Asked]:
    """Amazon's answers by order id, the last one for each."""
    numbers = chunk_numbers(ledger, batch.batch_id, search.__name__)
    chunks = (read_plain_chunk(ledger, batch, search.__name__, number, AskedChunk) for number in numbers)
    return {asked.order_id: asked for chunk in chunks for asked in chunk.orders}


def _search_pages(place: Workplace, batch: BatchRef) -> None:
    row = get_batch(place.ledger, batch.batch_id)
    searched = row.findings.get("searched") or {}
    now = datetime.now(UTC)
    if "read_at" in searched and now - datetime.fromisoformat(searched["read_at"]) < FRESH_FOR:
        return
    token, window = row.page_token, SearchWindow(row.search_after, row.search_before)
    if not (token and row.page_token_at and now - row.page_token_at < FRESH_FOR):
        token, window = None, _new_window(Parameters.of(row.parameters).since, now)
        _begin(place, batch, window)
    patience = Patience(SEARCH_PATIENCE_SECONDS)
    while True:
        try:
            page = placed_orders(place.session, window, page_token=token, max_wait_seconds=patience.left())
        except PageTokenRefusedError:
            if token is None:
                raise
            token = None
            _begin(place, batch, window)
            continue
        _note_page(place, batch, page)
        token = page.next_token
        if token is None:
            return


def _note_page(place: Workplace, batch: BatchRef, page: Page) -> None:
    """Keep what a page says of its orders, and where the next one is; the last page ends the search."""
    at = datetime.now(UTC)
    arrivals = [read_arrival(raw) for raw in page.orders]
    # An order under a made-up id cannot be found again: the import holds it and reports it.
    named = [one for one in arrivals if not one.order_id.startswith(MADE_UP)]
    chunk = AskedChunk([Asked(one.order_id, at, read_shown(one.order_id, one.raw)) for one in named])
    number = len(chunk_numbers(place.ledger, batch.batch_id, search.__name__))
    with place.ledger.writing() as database:
        write_chunk(place.ledger, database, batch, chunk, stage=search.__name__, number=number)
        update_batch(database, batch, page_token=page.next_token, page_token_at=at if page.next_token else None)
        if page.next_token is None:
            update_batch(database, batch, search_after=None, search_before=None)
            add_findings(database, batch, searched={"read_at": at.isoformat()})


def _new_window(since: datetime | None, now: datetime) -> SearchWindow:
    before = (now - SETTLED_AFTER).replace(microsecond=0)
    return SearchWindow(min(since or before - PERIOD, before), before)


def _begin(place: Workplace, batch: BatchRef, window: SearchWindow) -> None:
    """Start a search; what an earlier one had found is dropped."""
    with place.ledger.writing() as database:
        drop_chunks(database, batch)
        add_findings(database, batch, searched={}, differences=[])
        update_batch(
            database,
            batch,
            counts={},
            window_after=window.after,
            window_before=window.before,
            search_after=window.after,
            search_before=window.before,
            page_token=None,
            page_token_at=None,
        )


def _ask_for_the_others(place: Workplace, batch: BatchRef) -> int:
    """Ask for orders that the search did not return and that are still to be shipped; returns how many remain."""
    answered = answers(place.ledger, batch)
    wanted = [order_id for order_id in _others(place, batch) if order_id not in answered]
    number = len(chunk_numbers(place.ledger, batch.batch_id, search.__name__))
    done = 0
    for found in _batched(_asked_one_by_one(place, wanted)):
        with writing_under_lease(place.ledger, batch.lease) as database:
            write_chunk(place.ledger, database, batch, AskedChunk(found), stage=search.__name__, number=number)
        number += 1
        done += len(found)
    if done < len(wanted):
        log.warning(
            "%s: %d orders were not requested from Amazon; the next run requests them",
            batch.batch_id,
            len(wanted) - done,
        )
    return len(wanted) - done


def _others(place: Workplace, batch: BatchRef) -> list[str]:
    """The orders that the search may have left out, those of the period first.

    These are all waiting orders; orders given to the warehouse that it lost, that belong to the period, or that are
    overdue; and orders in the warehouse that the ledger does not know. If the budget has too few calls for all of them,
    every run starts with different ones.
    """
    row = get_batch(place.ledger, batch.batch_id)
    there = place.warehouse.orders_of(batch.connection)
    old = set(there["order_number"][there["ordered_at"] < row.window_after])
    recent = set(there["order_number"][~(there["loaded_at"] < row.window_after)])
    recent -= known_orders(place.ledger, batch.connection, recent).keys()
    return _to_ask_for(open_orders(place.ledger, batch.connection), recent, old, batch_id=batch.batch_id)


def _to_ask_for(
    waiting: Iterable[Row[str, str, datetime | None]], unknown: Collection[str], old: Collection[str], *, batch_id: str
) -> list[str]:
    """The order ids to ask for, in their turn: of the orders that wait and of those that the ledger does not know."""
    now = datetime.now(UTC)
    found = set(unknown)
    for order in waiting:
        is_overdue = order.ship_by is None or order.ship_by <= now
        if order.status not in GIVEN or order.order_id not in old or is_overdue:
            found.add(order.order_id)
    real = [order_id for order_id in found if order_id and not order_id.startswith(MADE_UP)]
    return sorted(real, key=lambda order_id: (order_id in old, _lot(batch_id, order_id)))


def _lot(batch_id: str, order_id: str) -> bytes:
    return hashlib.sha256(f"{batch_id} {order_id}".encode()).digest()


def _asked_one_by_one(place: Workplace, order_ids: Sequence[str]) -> Iterator[Asked]:
    amazons = [order_id for order_id in order_ids if is_order_id(order_id)]
    for order_id in order_ids:
        if not is_order_id(order_id):  # what the warehouse made up itself is not one of Amazon's ids
            yield Asked(order_id, datetime.now(UTC), None)
    unanswered = Unanswered()
    for order_id, raw in get_orders(
        place.amazon,
        amazons,
        unanswered,
        wait_seconds=ASK_PATIENCE_SECONDS,
        leaving=LEFT_FOR_OTHERS,
        included_data=SHOWN_DATA,
    ):
        yield Asked(order_id, datetime.now(UTC), None if raw is None else read_shown(order_id, raw))
    unanswered.raise_first()


def _batched(asked: Iterator[Asked]) -> Iterator[list[Asked]]:
    """Several answers at a time; those before a failure are yielded too, before it is raised."""
    waiting: list[Asked] = []
    try:
        for one in asked:
            waiting.append(one)
            if len(waiting) == NOTED_AT_ONCE:
                yield waiting
                waiting = []
    except MfnError:
        if waiting:
            yield waiting
        raise
    if waiting:
        yield waiting

"""Extract: what changed at Amazon, landed page by page; then held orders whose cause Amazon may have fixed."""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mfn.amazon.client import STATUSES
from mfn.amazon.failures import AmazonUnavailableError, PageTokenRefusedError
from mfn.amazon.order_pages import SETTLED_AFTER, OpenWindow, SearchWindow
from mfn.amazon.orders import DUE
from mfn.errors import FatalError, MfnError
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.schema import BatchOrder
from mfn.ledger.search_gaps import note_gap
from mfn.ledger.watermarks import get_watermark, move_watermark
from mfn.models import Parameters
from mfn.rules.search_pages import page_end
from mfn.steps.importing.lane_calls import (
    KEPT_FOR_LIVE,
    KEPT_FOR_NAMES,
    PAGES_OF_GAPS,
    forget_landed_names,
    land_named,
    read_queue,
    usable_token,
    work_gaps,
)
from mfn.steps.importing.rereading import read_fixable_again
from mfn.steps.importing.seen_pages import SeenPages, goes_round, missing_role
from mfn.steps.workplace import add_counts, keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from mfn.amazon.order_pages import Page
    from mfn.ledger.arrivals import Arrival
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

    Window = SearchWindow | OpenWindow

log = logging.getLogger(__name__)

CHUNK_PAGES = 100
"""How many pages are read between two garbage collections: each call leaves some 10 kB of cyclic garbage behind."""


def extract(batch: BatchRef, settings: Settings) -> BatchRef:
    """Land everything that changed at Amazon within the batch's window.

    Each page is committed before the next one is requested; the watermark moves with the last page of a search, to the
    end bound that Amazon echoed. A search that was interrupted resumes at its page token, or starts again once that
    has expired.

    Args:
        batch: The batch, just opened or run again.
        settings: The settings in force.

    Returns:
        The batch with `fetched`: the distinct orders that Amazon returned for the window.

    Raises:
        RetriableError: Amazon or the ledger could not be reached; what has landed stays.
        FatalError: Amazon refuses; names the missing role or the wrong credential.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    try:
        _fetch(place, batch)
    except MfnError:
        with suppress(MfnError):
            _note_landed(place, batch)
        raise
    finally:
        keep_calls(place, batch)
    return replace(batch, counts={**batch.counts, **_note_landed(place, batch)})


def _note_landed(place: Workplace, batch: BatchRef) -> dict[str, int]:
    """Record in the batch how many orders have landed; those of an interrupted search wait for its next run."""
    index_pages(place.ledger, batch)
    counts = {"fetched": _fetched(place, batch)}
    with place.ledger.writing() as database:
        add_counts(database, place.ledger, batch, counts)
    return counts


def _fetch(place: Workplace, batch: BatchRef) -> None:
    row = get_batch(place.ledger, batch.batch_id)
    asked = Parameters.of(row.parameters)
    if asked.reprocess:  # its orders are in the ledger already
        return
    if asked.order_id:
        _land_one(place, batch, asked.order_id)
        return
    if asked.named:
        land_named(place, batch)
        return
    if asked.gap and row.search_before is None:
        work_gaps(place, batch, pages=1)
        return
    token = usable_token(row.page_token, row.page_token_at)
    # If the search of an open window cannot be resumed, one search covers it, from its start to the present.
    if row.search_after is not None and (token is not None or not row.is_window_open):
        before = row.search_before
        _search(place, batch, SearchWindow(row.search_after, before) if before else OpenWindow(row.search_after), token)
    if row.is_window_open and not asked.gap:
        _search(place, batch, _new_window(place, batch), None)
    index_pages(place.ledger, batch)
    if asked.pages:
        forget_landed_names(place, batch)
        read_fixable_again(place, batch, wait_seconds=0.0, leaving=KEPT_FOR_NAMES)
        return
    if not asked.dry_run and not asked.since:
        _ask_besides(place, batch)
    read_fixable_again(place, batch)


def _ask_besides(place: Workplace, batch: BatchRef) -> None:
    """Fetch named orders and left-out periods; if Amazon does not answer or refuses, what is new is still loaded."""
    with _only_warned(f"{batch.connection}: its notifications were not read", MfnError):
        read_queue(place)
    without_answer = (AmazonUnavailableError, FatalError)
    with _only_warned(f"{batch.batch_id}: named orders wait for the next run", *without_answer):
        land_named(place, batch)
    with _only_warned(f"{batch.batch_id}: left-out periods wait for the next run", *without_answer):
        work_gaps(place, batch, pages=PAGES_OF_GAPS, leaving=KEPT_FOR_LIVE)
    index_pages(place.ledger, batch)  # of what had landed before the failure


@contextmanager
def _only_warned(what: str, *errors: type[MfnError]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        log.warning("%s: %s %s", what, error.message, error.remedy)


def _new_window(place: Workplace, batch: BatchRef) -> OpenWindow:
    orders = place.connection.orders
    before = (datetime.now(UTC) - SETTLED_AFTER).replace(microsecond=0)
    row = get_batch(place.ledger, batch.batch_id)
    watermark = get_watermark(place.ledger, batch.connection)
    overlap = timedelta(minutes=orders.overlap_minutes)
    if row.search_after is not None:  # a search was interrupted, and starts again
        after = row.search_after
    elif row.window_before is not None:  # the batch continues from the end of its own window
        after = row.window_before - overlap
    elif (since := Parameters.of(row.parameters).since) is not None:
        after = since
    elif watermark is None:
        after = before - timedelta(days=orders.initial_lookback_days)
    else:
        after = watermark - overlap
    return OpenWindow(min(after, before))


def _search(place: Workplace, batch: BatchRef, window: Window, token: str | None) -> None:
    row = get_batch(place.ledger, batch.batch_id)
    _note_begun(place, batch, row, window, token)
    seen, pages, watermark = SeenPages(), 0, get_watermark(place.ledger, batch.connection)
    has_begun_again, asked = False, Parameters.of(row.parameters)
    statuses = DUE if asked.due_only else STATUSES
    while True:
        try:
            page = place.amazon.search_page(window, statuses=statuses, page_token=token)
        except PageTokenRefusedError:
            if token is None or has_begun_again:
                raise
            token, seen, has_begun_again = None, SeenPages(), True
            continue
        seen.look_at(page)
        pages += 1
        arrivals = [read_arrival(raw) for raw in page.orders]
        token, end = page.next_token, None if page.next_token else page.before
        if token and asked.pages and pages >= asked.pages:
            end = _early_end(page, arrivals, window, watermark, asked)
        if end is not None:
            if seen.lacks_recipients():
                _forget_token(place, batch)
                raise missing_role(batch.connection, seen.due)
            _land_last_page(place, batch, window, arrivals, end, is_whole=token is None and not asked.due_only)
            return
        with place.ledger.writing() as database:
            land(place.ledger, database, batch, arrivals, origin=WINDOW)
            update_batch(database, batch, page_token=token, page_token_at=datetime.now(UTC))
        if seen.go_round():
            _forget_token(place, batch)
            raise goes_round(batch.connection, pages)
        if pages % CHUNK_PAGES == 0:
            gc.collect()


def _note_begun(place: Workplace, batch: BatchRef, row: Row[Any], window: Window, token: str | None) -> None:
    """Record what a search looks for, and that it begins at its first page if it has no token."""
    with place.ledger.writing() as database:
        update_batch(
            database,
            batch,
            window_after=window.after if row.window_after is None else min(window.after, row.window_after),
            search_after=window.after,
            search_before=window.before,
            page_token=token,
            page_token_at=row.page_token_at if token else None,
        )


def _early_end(
    page: Page, arrivals: Sequence[Arrival], window: Window, watermark: datetime | None, asked: Parameters
) -> datetime | None:
    """Where a search that may read no further page ends; None if this page is no place to end.

    One that brought only what had landed before is none: the next search would bring it again. A search for named
    orders may end there: the next one begins at the oldest that is left.
    """
    end = page_end([arrival.last_updated_at for arrival in arrivals], window.after, page.before)
    is_news = end is not None and (asked.due_only or watermark is None or end > watermark)
    return end if is_news else None


def _land_last_page(
    place: Workplace,
    batch: BatchRef,
    window: Window,
    arrivals: Sequence[Arrival],
    end: datetime,
    *,
    is_whole: bool,
) -> None:
    """Land a search's last page, and with it the time up to which all landed.

    A search that ends before its window does leaves a gap, because Amazon does not promise any order of its pages. So
    does one that leaves out orders that are not due.
    """
    ledger = place.ledger
    row = get_batch(ledger, batch.batch_id)
    watermark = get_watermark(ledger, batch.connection)
    with ledger.writing() as database:
        land(ledger, database, batch, arrivals, origin=WINDOW)
        update_batch(
            database,
            batch,
            page_token=None,
            page_token_at=None,
            search_after=None,
            search_before=None,
            window_before=end,
        )
        if not Parameters.of(row.parameters).dry_run and _joins(place, window, watermark):
            move_watermark(database, batch, end)
            begun = max(window.after, watermark or window.after)
            if not is_whole and begun < end:
                note_gap(database, batch.connection, "passed", begun, end)


def _joins(place: Workplace, window: Window, watermark: datetime | None) -> bool:
    """Whether a window leaves no gap before it, so that the watermark may move to its end."""
    if watermark is not None:
        return window.after <= watermark
    first = datetime.now(UTC) - timedelta(days=place.connection.orders.initial_lookback_days)
    return window.after <= first + timedelta(minutes=1)


def _forget_token(place: Workplace, batch: BatchRef) -> None:
    """Make the next run search from the start, since what was missing may be there by then."""
    with place.ledger.writing() as database:
        update_batch(database, batch, page_token=None, page_token_at=None)


def _land_one(place: Workplace, batch: BatchRef, order_id: str) -> None:
    raw = place.amazon.get_order(order_id)
    if raw is None:
        raise FatalError(
            f"Amazon has no order {order_id} for connection {batch.connection}.",
            remedy="Check the order id and the connection; Amazon does not return orders older than two years.",
        )
    with writing_under_lease(place.ledger, batch.lease) as database:
        land(place.ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
    index_pages(place.ledger, batch)


def _fetched(place: Workplace, batch: BatchRef) -> int:
    statement = select(func.count()).where(BatchOrder.batch_id == batch.batch_id, BatchOrder.origin == WINDOW)
    with place.ledger.reading() as database:
        return database.execute(statement).scalar_one()

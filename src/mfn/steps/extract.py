"""Extract: what changed at Amazon, landed page by page; then what is held for something that Amazon may have mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.client import SearchWindow
from mfn.amazon.failures import PageTokenRefusedError
from mfn.database.engines import reading, writing
from mfn.errors import FatalError
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.landing import WINDOW, get_watermark, index_pages, land, move_watermark, read_arrival
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import BatchOrder
from mfn.steps.rereading import read_mendable_again
from mfn.steps.workplace import keep_calls, open_workplace

if TYPE_CHECKING:
    from mfn.amazon.client import Page
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

SETTLED_AFTER = timedelta(minutes=2, seconds=10)
"""Amazon refuses an end bound younger than two minutes (orders_2026-01-01.json, 2026-07-29); the rest is for clocks."""

TOKEN_LIFE = timedelta(hours=23, minutes=30)
"""A page token lasts 24 hours (the same model)."""

ROLE_ALARM_ORDERS = 3
"""So many due orders, none with a recipient: a missing role, not that many bad addresses."""


class _Glance(msgspec.Struct, frozen=True, rename="camel"):
    fulfillment: dict[str, msgspec.Raw] | None = None
    recipient: dict[str, msgspec.Raw] | None = None


_GLANCE = msgspec.json.Decoder(_Glance)
DUE = {b'"UNSHIPPED"', b'"PARTIALLY_SHIPPED"'}


def extract(batch: BatchRef, settings: Settings) -> BatchRef:
    """Land everything that changed at Amazon within the batch's window.

    Each page is committed before the next one is asked for; the watermark moves with the last page of a search, to the
    end bound that Amazon echoed. A search that was broken off goes on at its page token, or from its start once that
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
    row = get_batch(place.ledger, batch.batch_id)
    try:
        _fetch(place, batch)
    finally:
        keep_calls(place, batch)
    counts = {"fetched": _fetched(place, batch)}
    with writing(place.ledger.engine, what="the ledger") as database:
        update_batch(database, batch, counts={**row.counts, **counts})
    return replace(batch, counts={**batch.counts, **counts})


def _fetch(place: Workplace, batch: BatchRef) -> None:
    row = get_batch(place.ledger, batch.batch_id)
    if row.parameters.get("order_id"):
        _land_one(place, batch, row.parameters["order_id"])
        return
    token = _token(row.page_token, row.page_token_at)
    # An open window whose search cannot go on where it was is asked for once, from its start to the present.
    if row.search_before is not None and (token is not None or not row.is_window_open):
        _search(place, batch, SearchWindow(row.search_after, row.search_before), token)
    if row.is_window_open:
        _search(place, batch, _new_window(place, batch), None)
    index_pages(place.ledger, batch)
    read_mendable_again(place, batch)


def _token(token: str | None, landed_at: datetime | None) -> str | None:
    return token if token and landed_at and datetime.now(UTC) - landed_at < TOKEN_LIFE else None


def _new_window(place: Workplace, batch: BatchRef) -> SearchWindow:
    orders = place.connection.orders
    before = (datetime.now(UTC) - SETTLED_AFTER).replace(microsecond=0)
    row = get_batch(place.ledger, batch.batch_id)
    watermark = get_watermark(place.ledger, batch.connection)
    overlap = timedelta(minutes=orders.overlap_minutes)
    if row.search_after is not None:  # a search was broken off, and begins anew
        after = row.search_after
    elif row.window_before is not None:  # the batch goes on where its own window ended
        after = row.window_before - overlap
    elif row.parameters.get("since"):
        after = datetime.fromisoformat(row.parameters["since"])
    elif watermark is None:
        after = before - timedelta(days=orders.initial_lookback_days)
    else:
        after = watermark - overlap
    return SearchWindow(min(after, before), before)


def _search(place: Workplace, batch: BatchRef, window: SearchWindow, token: str | None) -> None:
    row = get_batch(place.ledger, batch.batch_id)
    with writing(place.ledger.engine, what="the ledger") as database:
        start = window.after if row.window_after is None else min(window.after, row.window_after)
        update_batch(
            database,
            batch,
            window_after=start,
            search_after=window.after,
            search_before=window.before,
            page_token=token,
            page_token_at=row.page_token_at if token else None,
        )
    seen = _Seen()
    while True:
        try:
            page = place.amazon.search_page(window, page_token=token)
        except PageTokenRefusedError:
            if token is None:
                raise
            token, seen = None, _Seen()
            continue
        seen.look_at(page)
        if page.next_token is None and seen.lacks_recipients():
            _forget_token(place, batch)
            raise _missing_role(place, seen.due)
        _land_page(place, batch, window, page)
        token = page.next_token
        if token is None:
            return


def _land_page(place: Workplace, batch: BatchRef, window: SearchWindow, page: Page) -> None:
    ledger = place.ledger
    arrivals = [read_arrival(raw) for raw in page.orders]
    if page.next_token is not None:
        with writing(ledger.engine, what="the ledger") as database:
            land(ledger, database, batch, arrivals, origin=WINDOW)
            update_batch(database, batch, page_token=page.next_token, page_token_at=datetime.now(UTC))
        return
    row = get_batch(ledger, batch.batch_id)
    watermark = get_watermark(ledger, batch.connection)
    end = page.before or window.before
    with writing(ledger.engine, what="the ledger") as database:
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
        if not row.parameters.get("dry_run") and _joins(place, window, watermark):
            move_watermark(database, batch, end)


def _joins(place: Workplace, window: SearchWindow, watermark: datetime | None) -> bool:
    """Whether a window leaves no gap behind it, so that the watermark may move to its end."""
    if watermark is not None:
        return window.after <= watermark
    first = datetime.now(UTC) - timedelta(days=place.connection.orders.initial_lookback_days)
    return window.after <= first + timedelta(minutes=1)


class _Seen:
    """How many due orders of a search came with and without a recipient."""

    def __init__(self) -> None:
        self.due = 0
        self.without_recipient = 0

    def look_at(self, page: Page) -> None:
        """Count the due orders of a page."""
        for raw in page.orders:
            try:
                glance = _GLANCE.decode(raw)
            except UNREADABLE:
                continue
            if glance.fulfillment and bytes(glance.fulfillment.get("fulfillmentStatus", b"")) in DUE:
                self.due += 1
                self.without_recipient += not (glance.recipient and glance.recipient.get("deliveryAddress"))

    def lacks_recipients(self) -> bool:
        """Whether no due order came with a recipient: one set-up fault, not a thousand bad addresses."""
        return self.due >= ROLE_ALARM_ORDERS and self.without_recipient == self.due


def _forget_token(place: Workplace, batch: BatchRef) -> None:
    """Make the next run search from the start: what was missing may then be there."""
    with writing(place.ledger.engine, what="the ledger") as database:
        update_batch(database, batch, page_token=None, page_token_at=None)


def _missing_role(place: Workplace, due: int) -> FatalError:
    return FatalError(
        f"none of the {due} orders that are due came with a recipient: the application of connection"
        f" {place.connection.name} lacks the role Direct-to-Consumer Delivery (Restricted).",
        remedy="Add the role to the application in Seller Central (Apps and Services > Develop Apps), authorise it"
        " again, put the new refresh token in place and import again: the same window is asked for once more.",
    )


def _land_one(place: Workplace, batch: BatchRef, order_id: str) -> None:
    raw = place.amazon.get_order(order_id)
    if raw is None:
        raise FatalError(
            f"Amazon knows no order {order_id} for connection {batch.connection}.",
            remedy="Check the order id and the connection; orders older than two years are not returned.",
        )
    with writing(place.ledger.engine, what="the ledger") as database:
        assert_held(database, batch.lease)
        land(place.ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
    index_pages(place.ledger, batch)


def _fetched(place: Workplace, batch: BatchRef) -> int:
    statement = select(func.count()).where(BatchOrder.batch_id == batch.batch_id, BatchOrder.origin == WINDOW)
    with reading(place.ledger.engine, what="the ledger") as database:
        return database.execute(statement).scalar_one()

"""Landing: what Amazon answered is stored, encrypted, and committed before anything else happens."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select

from mfn.database.bulk import among, merge, utc_text
from mfn.database.forgetting import overwrite_freed
from mfn.ledger.keys import assert_current
from mfn.ledger.landed_pages import seal_page
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import ArrivedPage, BatchOrder, LandedOrder, LandedPage, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from mfn.ledger.arrivals import Arrival
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NEWER = (
    "excluded.last_updated_at IS NULL OR landed_order.last_updated_at IS NULL"
    " OR excluded.last_updated_at >= landed_order.last_updated_at"
)
WINDOW = "window"
EARLIER = "earlier"
PAGES_AT_ONCE = 1_000
"""How many pages are indexed at a time, sorted by order id: the more, the more rows are adjacent in the B-trees."""

LANDED_COLUMNS = ("connection", "order_id", "page", "position", "last_updated_at", "batch_id", "landed_at")
BATCH_COLUMNS = ("batch_id", "order_id", "connection", "origin", "at")
# One key after the other: sorting texts is twice as fast as sorting tuples.
_ORDER_OF, _BATCH_OF = itemgetter(1), itemgetter(0)

# Built once: these run for every page.
_LAST_PAGE = select(func.max(LandedPage.page)).where(LandedPage.connection == bindparam("of"))
_ADD_PAGE = insert(LandedPage)
_ADD_ARRIVED = insert(ArrivedPage)


def land(ledger: Ledger, database: Connection, batch: BatchRef, arrivals: Iterable[Arrival], *, origin: str) -> None:
    """Store what Amazon answered, as one page after all others; `index_pages` indexes its orders later.

    Args:
        ledger: The open ledger.
        database: The open transaction.
        batch: The batch that fetched them; it holds the lease, so that nobody else lands for its connection.
        arrivals: Orders, possibly the same one twice.
        origin: `window` for what Amazon returned for the batch's window, `earlier` for orders read again.

    Raises:
        RetriableError: The encryption keys were changed meanwhile; nothing of this transaction may stay.
    """
    texts, headers = [], []
    for arrival in arrivals:
        texts.append(arrival.raw)
        headers.append((arrival.order_id, arrival.last_updated_at and utc_text(arrival.last_updated_at)))
    if not texts:
        return
    assert_current(database, ledger.cipher)
    page = (database.execute(_LAST_PAGE, {"of": batch.connection}).scalar() or 0) + 1
    payload = seal_page(ledger, batch.connection, page, texts)
    place = {"connection": batch.connection, "page": page}
    database.execute(_ADD_PAGE, {**place, "payload": payload, "texts": len(texts)})
    arrived = {"batch_id": batch.batch_id, "origin": origin, "orders": headers, "landed_at": datetime.now(UTC)}
    database.execute(_ADD_ARRIVED, {**place, **arrived})


def index_pages(ledger: Ledger, batch: BatchRef) -> None:
    """Index the orders of every landed page: where their newest text is, and which batch met them.

    This includes pages that an interrupted run of the connection left behind. A page of which every order has landed
    again since is removed.
    """
    while _index_some(ledger, batch) == PAGES_AT_ONCE:
        gc.collect()  # what statements over so many rows leave behind refers to itself, and piles up


def _index_some(ledger: Ledger, batch: BatchRef) -> int:
    arrived = (
        select(ArrivedPage)
        .where(ArrivedPage.connection == batch.connection)
        .order_by(ArrivedPage.page)
        .limit(PAGES_AT_ONCE)
    )
    with ledger.reading() as database:
        if database.execute(arrived.with_only_columns(ArrivedPage.page).limit(1)).first() is None:
            return 0
    with ledger.writing() as database:
        assert_held(database, batch.lease)
        pages = database.execute(arrived).all()
        connection = batch.connection
        newest: dict[str, tuple[Any, ...]] = {}
        met: dict[str, dict[tuple[str, str], tuple[Any, ...]]] = {WINDOW: {}, EARLIER: {}}
        for row in pages:
            page, of_batch, origin, landed_at = row.page, row.batch_id, row.origin, utc_text(row.landed_at)
            so_far, is_window = met[origin], origin == WINDOW
            for position, (order_id, updated_at) in enumerate(row.orders):
                known = newest.get(order_id)
                if known is None or not (updated_at and known[4] and updated_at < known[4]):
                    newest[order_id] = (connection, order_id, page, position, updated_at, of_batch, landed_at)
                key = (of_batch, order_id)
                if not is_window or key not in so_far:
                    so_far[key] = (of_batch, order_id, connection, origin, landed_at)
        for key in met[WINDOW].keys() & met[EARLIER].keys():
            del met[EARLIER][key]
        before = _pages_of(database, connection, newest)
        landed = sorted(newest.values(), key=_ORDER_OF)
        merge(database, table(LandedOrder), LANDED_COLUMNS, landed, guard=NEWER, mostly_new=not before)
        for origin, update in ((WINDOW, ("origin",)), (EARLIER, ())):
            rows = sorted(sorted(met[origin].values(), key=_ORDER_OF), key=_BATCH_OF)
            merge(database, table(BatchOrder), BATCH_COLUMNS, rows, update=update, mostly_new=not before)
        _remove_outdated(database, connection, before | {row.page for row in pages})
        done = delete(ArrivedPage).where(ArrivedPage.connection == connection, ArrivedPage.page <= pages[-1].page)
        database.execute(done)
    return len(pages)


def _pages_of(database: Connection, connection: str, order_ids: Iterable[str]) -> set[int]:
    wanted = among(database, LandedOrder.order_id, order_ids)
    statement = select(LandedOrder.page).where(LandedOrder.connection == connection, wanted)
    return set(database.execute(statement.distinct()).scalars())


def _remove_outdated(database: Connection, connection: str, pages: set[int]) -> None:
    """Remove those of some pages that no longer have any order's newest text."""
    for start in range(0, len(pages), PAGES_AT_ONCE):
        some = sorted(pages)[start : start + PAGES_AT_ONCE]
        of_connection = (LandedOrder.connection == connection) & LandedOrder.page.in_(some)
        needed = set(database.execute(select(LandedOrder.page).where(of_connection).distinct()).scalars())
        outdated = [page for page in some if page not in needed]
        if outdated:
            overwrite_freed(database)
            database.execute(
                delete(LandedPage).where(LandedPage.connection == connection, LandedPage.page.in_(outdated))
            )

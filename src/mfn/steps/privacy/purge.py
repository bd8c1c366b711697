"""Purge: removes buyers' data past its retention from the ledger; what else is known of the orders stays."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from mfn.database.forgetting import empty_log
from mfn.errors import MfnError
from mfn.ledger.batches import get_batch, parameters_of, update_batch
from mfn.ledger.buyers_data import CHUNK_ORDERS
from mfn.ledger.data_access import ACCESS_KEPT_DAYS
from mfn.ledger.imported_units import outlived_promises
from mfn.ledger.landing import index_pages
from mfn.ledger.order_ends import BELIEVED, End, note_ends, note_known_ends
from mfn.ledger.orders import reasons_text
from mfn.ledger.removal import Removing
from mfn.ledger.retention import count_texts, due_orders, not_seen_to_leave
from mfn.ledger.schema import DataAccess
from mfn.ledger.staging import release
from mfn.models import OrderStatus
from mfn.rules.settling import settlement_reason
from mfn.steps.parts import in_parts
from mfn.steps.waiting import imports_at_rest
from mfn.steps.workplace import open_workplace, refuse_lost_warehouse, writing_under_lease
from mfn.warehouse.looking import lost_order_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace
    from mfn.warehouse.sql import SqlWarehouse

log = logging.getLogger(__name__)

CHUNKS_KEPT = timedelta(days=1)
"""How long the data between two stages of an interrupted run is kept for a rerun."""


WHY_SETTLED = {
    OrderStatus.SHIPPED: reasons_text([settlement_reason("already_shipped")]),
    OrderStatus.IGNORED: reasons_text([settlement_reason("data_removed")]),
}
"""The reason of an order that was still waiting when its text was removed."""


def purge(batch: BatchRef, settings: Settings) -> BatchRef:
    """Remove the texts of orders whose retention is over, and every text that a newer version has made stale.

    Batches, orders, decisions and parcels stay, and so do reports and timelines; reservations of orders that have
    shipped or were cancelled go with their texts. This waits while an import of the connection is at work; then none
    starts before it is done.

    Args:
        batch: The batch, just opened or run again.
        settings: The settings in force.

    Returns:
        The batch with `orders`, `purged` and `kept`: the orders that had a text, including those purged before it was
        interrupted.

    Raises:
        RetriableError: An import is at work, the ledger could not be reached, or the warehouse could not say which
            orders have shipped; everything else has been purged.
        FatalError: Pages cannot be decrypted; everything else has been purged.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    if parameters_of(place.ledger, batch).dry_run:
        return _rehearsed(place, batch)
    with imports_at_rest(place.ledger, batch.connection) as token:
        index_pages(place.ledger, replace(batch, lease=token))
        seen, fault = _seen_to_leave(place)
        now = datetime.now(UTC)
        tally = _Tally(place, batch)
        with writing_under_lease(place.ledger, token) as database:
            due = _note_due(database, place, seen, now)
            tally.begin(database)
        removing = Removing(place.ledger, batch.connection, token, now, WHY_SETTLED, purge.__name__, batch.batch_id)
        removing.remove(due, tally.note)
        removing.drop_old_chunks(now - CHUNKS_KEPT)
        _forget_promises(place, replace(batch, lease=token))
    with place.ledger.writing() as database:  # also accesses to data of connections that are gone
        database.execute(delete(DataAccess).where(DataAccess.at < now - timedelta(days=ACCESS_KEPT_DAYS)))
    empty_log(place.ledger.engine)
    if fault is not None:
        raise fault
    return replace(batch, counts={**batch.counts, **tally.counts})


def _forget_promises(place: Workplace, batch: BatchRef) -> None:
    for part in in_parts(outlived_promises(place.ledger, batch.connection), CHUNK_ORDERS):
        with writing_under_lease(place.ledger, batch.lease) as database:
            release(database, batch, part)


class _Tally:
    """The figures of a purge, which add up at any moment, even if it is interrupted."""

    def __init__(self, place: Workplace, batch: BatchRef) -> None:
        self._place, self._batch = place, batch
        self.counts: dict[str, int] = {}

    def begin(self, database: Connection) -> None:
        """Start counting, from what this batch had purged before it was interrupted."""
        purged = get_batch(self._place.ledger, self._batch.batch_id).counts.get("purged", 0)
        kept = count_texts(database, self._batch.connection)
        self.counts = {"orders": purged + kept, "purged": purged, "kept": kept}
        self.note(database, 0)

    def note(self, database: Connection, removed: int) -> None:
        """Count orders that were purged in this transaction."""
        counts = self.counts
        self.counts = {**counts, "purged": counts["purged"] + removed, "kept": counts["kept"] - removed}
        update_batch(database, self._batch, counts=self.counts)


def _note_due(database: Connection, place: Workplace, seen: Sequence[End], now: datetime) -> Sequence[str]:
    """Record how orders ended, and return those that are due."""
    name = place.connection.name
    note_ends(database, name, seen)
    note_known_ends(database, name, now)
    retention = timedelta(days=place.connection.privacy.retention_days)
    return due_orders(database, name, now=now, retention=retention)


def _seen_to_leave(place: Workplace) -> tuple[Sequence[End], MfnError | None]:
    """The orders that the warehouse has shipped and that another system confirms to Amazon.

    Returns:
        The orders; and the error if the warehouse could not be reached, which does not keep other orders.
    """
    with place.ledger.reading() as database:
        waiting = not_seen_to_leave(database, place.connection.name)
    if not waiting:
        return (), None
    try:
        warehouse = warehouse_of(place)
        shipped = warehouse.left(waiting) if warehouse else {}
    except MfnError as error:
        log.warning("it is not known which orders of %s have shipped: %s", place.connection.name, error.message)
        return (), error
    now = datetime.now(UTC)
    # If the year is wrong, it left after the warehouse got it, at the earliest.
    believed = {order_id: at or now for order_id, at in shipped.items()}
    return [
        End(order_id, at if at >= now - BELIEVED else waiting[order_id] or now) for order_id, at in believed.items()
    ], None


def warehouse_of(place: Workplace) -> SqlWarehouse | None:
    """The warehouse of a connection; None if it does not exist yet, and nothing was ever loaded into it.

    Raises:
        RetriableError: It cannot be reached.
        FatalError: It is gone, or its tables are not as agreed.
    """
    refuse_lost_warehouse(place)
    lost = lost_order_tables(place.connection.warehouse.url, what=place.warehouse_name)
    return None if lost else place.warehouse


def _rehearsed(place: Workplace, batch: BatchRef) -> BatchRef:
    """Count what would be purged; nothing but the batch is written."""
    due = rehearsed_due(place)
    with place.ledger.writing() as database:
        orders = count_texts(database, batch.connection)
        counts = {"orders": orders, "purged": len(due), "kept": orders - len(due)}
        update_batch(database, batch, counts=counts)
    return replace(batch, counts={**batch.counts, **counts})


def rehearsed_due(place: Workplace) -> Sequence[str]:
    """The orders that are due, without a change: what is recorded on the way is rolled back.

    Raises:
        MfnError: The warehouse could not say which orders have shipped.
    """
    seen, fault = _seen_to_leave(place)
    if fault is not None:
        raise fault
    with place.ledger.writing() as database:
        noted = database.begin_nested()
        due = _note_due(database, place, seen, datetime.now(UTC))
        noted.rollback()
    return due

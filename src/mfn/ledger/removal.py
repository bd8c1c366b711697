"""Buyers' data out of the ledger: only the newest texts of orders that may be kept stay; what else is known stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, true

from mfn.database.bulk import among
from mfn.database.forgetting import overwrite_freed
from mfn.errors import FatalError
from mfn.ledger.buyers_data import keep_texts
from mfn.ledger.data_access import note_access
from mfn.ledger.decisions import move_decided
from mfn.ledger.leases import assert_held
from mfn.ledger.order_ends import note_removed
from mfn.ledger.orders import WAITING
from mfn.ledger.schema import (
    Batch,
    BatchChunk,
    BatchOrder,
    LandedOrder,
    LandedPage,
    NamedOrder,
    OrderEnd,
    TrackedOrder,
    same_order,
)
from mfn.models import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger


PAGES_AT_ONCE = 50
"""Pages that are rewritten in one transaction: others wait for it."""


@dataclass(frozen=True)
class Removing:
    """What stays the same while buyers' data of a connection is removed.

    Attributes:
        ledger: The open ledger.
        connection: The connection's name.
        lease: The token of the lease of its imports: nothing lands or is judged meanwhile.
        at: The present moment, aware.
        reasons: Why an order that still waited is now `shipped`, or `ignored` since its data is gone, as the ledger
            keeps reasons.
        purpose: What for, as the audit trail records it.
        batch_id: The batch that does it; None: a command without one.
    """

    ledger: Ledger
    connection: str
    lease: str
    at: datetime
    reasons: Mapping[OrderStatus, str | None]
    purpose: str
    batch_id: str | None = None

    @property
    def _mine(self) -> Any:
        return LandedPage.connection == self.connection

    def remove(self, order_ids: Collection[str], note: Callable[[Connection, int], None] | None = None) -> int:
        """Remove the texts of orders, and every text that a newer version of its order has made stale.

        Some pages a transaction: their texts, where the orders' newest texts are, when they were removed, what a run
        had made ready of them; whatever interrupts it in between, the next call continues with the rest.

        Args:
            order_ids: The orders, as many as there are.
            note: Called in every transaction with it and the number of orders whose text was removed in it; None:
                nobody counts them.

        Returns:
            How many orders had their text removed.

        Raises:
            RetriableError: The ledger could not be reached, or a lease was lost.
            FatalError: Pages cannot be decrypted; all others were written.
        """
        chosen = frozenset(order_ids)
        pages = self._pages(chosen)
        if not pages:
            return 0
        removed, faults = 0, []
        for start in range(0, len(pages), PAGES_AT_ONCE):
            some = pages[start : start + PAGES_AT_ONCE]
            try:
                removed += self._remove_from(some, chosen, note)
            except FatalError:
                for page in some:  # one that cannot be decrypted keeps no other one
                    try:
                        removed += self._remove_from([page], chosen, note)
                    except FatalError as error:
                        faults.append(error)
        if faults:
            raise faults[0]
        return removed

    def _pages(self, chosen: frozenset[str]) -> list[int]:
        """The pages that hold more than they should, or that nobody has counted yet."""
        needed = (
            select(LandedOrder.page, func.count().label("orders"))
            .where(LandedOrder.connection == self.connection)
            .group_by(LandedOrder.page)
            .subquery()
        )
        surplus = (
            select(LandedPage.page)
            .outerjoin(needed, needed.c.page == LandedPage.page)
            .where(self._mine, or_(LandedPage.texts.is_(None), LandedPage.texts > func.coalesce(needed.c.orders, 0)))
        )
        with self.ledger.reading() as database:
            pages = set(database.execute(surplus).scalars())
            if chosen:
                wanted = among(database, LandedOrder.order_id, chosen)
                standing = select(LandedOrder.page).where(LandedOrder.connection == self.connection, wanted)
                pages.update(database.execute(standing.distinct()).scalars())
        return sorted(pages)

    def _remove_from(
        self, pages: Sequence[int], chosen: frozenset[str], note: Callable[[Connection, int], None] | None
    ) -> int:
        on_pages = select(LandedOrder.page, LandedOrder.position, LandedOrder.order_id).where(
            LandedOrder.connection == self.connection, LandedOrder.page.in_(pages)
        )
        with self.ledger.reading() as database:
            rows = database.execute(on_pages).all()
        keep: dict[int, set[int]] = {page: set() for page in pages}
        gone = []
        for page, position, order_id in rows:
            if order_id in chosen:
                gone.append(order_id)
            else:
                keep[page].add(position)
        kept = {page: positions for page, positions in keep.items() if positions}
        access = None
        if kept:
            orders = sum(map(len, kept.values()))
            access = note_access(
                self.ledger, self.purpose, connection=self.connection, orders=orders, batch_id=self.batch_id
            )
        with self.ledger.writing() as database:
            assert_held(database, self.lease)
            overwrite_freed(database)
            empty = [page for page in pages if page not in kept]
            database.execute(delete(LandedPage).where(self._mine, LandedPage.page.in_(empty)))
            if access is not None:
                keep_texts(self.ledger, database, access, self.connection, kept)
            if gone:
                self._forget(database, gone)
            if note is not None:
                note(database, len(gone))
        return len(gone)

    def _forget(self, database: Connection, order_ids: Sequence[str]) -> None:
        """Everything that leads to the text of orders, and what was made of it."""
        mine = LandedOrder.connection == self.connection
        database.execute(delete(LandedOrder).where(mine, among(database, LandedOrder.order_id, order_ids)))
        named = NamedOrder.connection == self.connection
        database.execute(delete(NamedOrder).where(named, among(database, NamedOrder.order_id, order_ids)))
        note_removed(database, self.connection, order_ids, self.at)
        met = select(BatchOrder.batch_id).where(
            BatchOrder.connection == self.connection, among(database, BatchOrder.order_id, order_ids)
        )
        database.execute(delete(BatchChunk).where(BatchChunk.batch_id.in_(met)))
        self._settle(database, order_ids)

    def _settle(self, database: Connection, order_ids: Sequence[str]) -> None:
        """Settle orders that still waited: without their text no run can examine them any more."""
        of = (TrackedOrder.connection == self.connection) & among(database, TrackedOrder.order_id, order_ids)
        left = or_(OrderEnd.shipped_at.is_not(None), OrderEnd.delivered_at.is_not(None))
        waiting = select(TrackedOrder.order_id).join(OrderEnd, same_order(OrderEnd, TrackedOrder))
        waiting = waiting.where(of, TrackedOrder.status.in_(WAITING))
        for which, status in (
            (left, OrderStatus.SHIPPED),
            (OrderEnd.cancelled_at.is_not(None), OrderStatus.CANCELLED),
            (true(), OrderStatus.IGNORED),
        ):
            found = database.execute(waiting.where(which)).scalars().all()
            move_decided(database, self.connection, status, dict.fromkeys(found, self.reasons.get(status)))

    def drop_old_chunks(self, before: datetime) -> None:
        """Remove what runs that ended before a moment had left for their next stage; they create it again.

        An import that still says that it runs has died: this one holds its lease.

        Args:
            before: The moment, aware.
        """
        ended = or_(
            Batch.finished_at < before,
            (Batch.kind == "import") & (func.coalesce(Batch.taken_up_at, Batch.started_at) < before),
        )
        old = select(Batch.batch_id).where(Batch.connection == self.connection, ended)
        with self.ledger.writing() as database:
            assert_held(database, self.lease)
            overwrite_freed(database)
            database.execute(delete(BatchChunk).where(BatchChunk.batch_id.in_(old)))

"""Load: staged orders into the warehouse, cancellations passed on, promises written as reservations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mfn.database.bulk import utc_text
from mfn.database.engines import writing
from mfn.ledger.batches import add_findings, get_batch, update_batch
from mfn.ledger.landing import CHUNK_ORDERS, EARLIER, WINDOW
from mfn.ledger.leases import assert_held
from mfn.ledger.orders import (
    IN_WAREHOUSE,
    batch_orders,
    count_outcomes,
    move_outcomes,
    tracked_orders,
    write_cancelled,
    write_loaded,
    write_reloaded,
)
from mfn.ledger.staging import drop_staged, release, reserve, staged_ids, staged_orders
from mfn.models import Outcome
from mfn.steps.judging import READY
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from mfn.ledger.staging import Staged
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

CANCELLED_AT_AMAZON = "cancelled at Amazon"
BUYER_ASKED = "the buyer asked for it"
MOST_CONFLICTS = 1_000
"""Conflicts that a report lists; the count is exact whatever it is."""


@dataclass
class _Found:
    """What the load found, for the report."""

    conflicts: list[dict[str, str]] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def conflict(self, order_id: str, what: str, status: str) -> None:
        """Note an order that the warehouse had begun before Amazon changed it."""
        self.figures["conflicts"] += 1
        if len(self.conflicts) < MOST_CONFLICTS:
            self.conflicts.append({"order_id": order_id, "what": what, "status": status})


def load(batch: BatchRef, settings: Settings) -> BatchRef:
    """Write the batch's staged orders into the warehouse, and what was accepted as reservations into the ledger.

    A chunk is one transaction in the warehouse and then one in the ledger; killed in between, the next run writes the
    same rows again, which changes nothing. What the warehouse has begun is never overwritten: what Amazon changed of
    it is reported.

    Args:
        batch: The batch, transformed.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract; `loaded` is what would be loaded in a dry run.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached; chunks that were written stay.
        FatalError: The warehouse refuses what is written.
    """
    place = open_workplace(settings, batch.connection)
    is_dry_run = bool(get_batch(place.ledger, batch.batch_id).parameters.get("dry_run"))
    found = _Found()
    origins = {row.order_id: row.origin for row in batch_orders(place.ledger, batch.batch_id)}
    order_ids = staged_ids(place.ledger, batch)
    for start in range(0, len(order_ids), CHUNK_ORDERS):
        chunk = staged_orders(place.ledger, batch, order_ids[start : start + CHUNK_ORDERS])
        tracked = tracked_orders(place.ledger, batch.connection, [order_id for order_id, _, _ in chunk])
        if is_dry_run:
            _rehearse(place, batch, chunk, tracked, origins)
        else:
            _load_chunk(place, batch, chunk, tracked, origins, found)
    if not is_dry_run:
        _pass_on_cancellations(place, batch, found)
    counts = _counts(place, batch)
    with writing(place.ledger.engine, what="the ledger") as database:
        drop_staged(database, batch)
        update_batch(database, batch, counts={**get_batch(place.ledger, batch.batch_id).counts, **counts})
        add_findings(database, batch, conflicts=found.conflicts, load=dict(found.figures))
    return replace(batch, counts={**batch.counts, **counts})


Chunk = list[tuple[str, str, "Staged"]]


def _is_same(known: Row[Any] | None, digest: str) -> bool:
    return known is not None and known.status in IN_WAREHOUSE and known.loaded_digest == digest


def _rehearse(
    place: Workplace, batch: BatchRef, chunk: Chunk, tracked: Mapping[str, Row[Any]], origins: Mapping[str, str]
) -> None:
    ready = [(order_id, digest) for order_id, digest, staged in chunk if staged.order is not None]
    with writing(place.ledger.engine, what="the ledger") as database:
        assert_held(database, batch.lease)
        move_outcomes(
            database,
            batch,
            [
                (order_id, origins[order_id], _outcome(same=_is_same(tracked.get(order_id), digest)))
                for order_id, digest in ready
            ],
        )


def _outcome(*, same: bool) -> str:
    return (Outcome.UNCHANGED if same else Outcome.LOADED).value


def _load_chunk(
    place: Workplace,
    batch: BatchRef,
    chunk: Chunk,
    tracked: Mapping[str, Row[Any]],
    origins: Mapping[str, str],
    found: _Found,
) -> None:
    ready = [(order_id, digest, staged) for order_id, digest, staged in chunk if staged.order is not None]
    to_write = [entry for entry in ready if not _is_same(tracked.get(entry[0]), entry[1])]
    now = utc_text(datetime.now(UTC))
    rows = [(*staged.order, batch.batch_id, now, now) for _, _, staged in to_write if staged.order is not None]
    result = place.warehouse.load(rows, [line for _, _, staged in to_write for line in staged.lines])
    asked = {order_id: BUYER_ASKED for order_id, _, staged in ready if staged.cancel_reason is not None}
    told = place.warehouse.request_cancellation(asked, datetime.now(UTC)) if asked else frozenset()
    found.figures["cancel_requests_passed_on"] += len(told)
    for order_id in sorted(told):
        found.conflict(order_id, "the buyer asks for a cancellation", "passed on as cancel_requested_at")
    refused_anew = set()
    for order_id, _, staged in to_write:
        if order_id in result.refused and staged.is_in_warehouse:
            refused_anew.add(order_id)
            found.conflict(order_id, "its address, dates or quantities changed at Amazon", result.refused[order_id])
    written = {order_id for order_id, _, _ in to_write} - refused_anew | set(told)
    found.figures["sfp"] += sum(staged.is_sfp for order_id, _, staged in ready if order_id in written)
    _note_loaded(
        place, batch, chunk, tracked, [(order_id, origins[order_id], order_id in written) for order_id, _, _ in ready]
    )


def _note_loaded(
    place: Workplace,
    batch: BatchRef,
    chunk: Chunk,
    tracked: Mapping[str, Row[Any]],
    ready: Sequence[tuple[str, str, bool]],
) -> None:
    first, again = [], []
    for order_id, digest, staged in chunk:
        if staged.order is None or _is_same(tracked.get(order_id), digest):
            continue
        if staged.is_in_warehouse:
            again.append((order_id, digest))
        else:
            standing = (staged.is_sfp, staged.ship_by, staged.marketplace_id, staged.service_level, staged.programs)
            first.append((order_id, *standing, digest, staged.fulfilled_before))
    with writing(place.ledger.engine, what="the ledger") as database:
        assert_held(database, batch.lease)
        write_loaded(database, batch, first)
        write_reloaded(database, batch, again)
        reserve(database, batch, place.warehouse.digest, [(order_id, staged.reserved) for order_id, _, staged in chunk])
        move_outcomes(
            database, batch, [(order_id, origin, _outcome(same=not written)) for order_id, origin, written in ready]
        )
        drop_staged(database, batch, [order_id for order_id, _, _ in chunk])


def _pass_on_cancellations(place: Workplace, batch: BatchRef, found: _Found) -> None:
    rows = batch_orders(place.ledger, batch.batch_id, outcomes=(Outcome.CANCELLED.value, Outcome.IGNORED.value))
    cancelled = [row.order_id for row in rows if row.outcome == Outcome.CANCELLED]
    settled = [
        row.order_id
        for row in rows
        if row.outcome == Outcome.IGNORED and '"payment_pending"' not in (row.reasons or "")
    ]
    tracked = tracked_orders(place.ledger, batch.connection, cancelled)
    loaded = [order_id for order_id, row in tracked.items() if row.status in IN_WAREHOUSE]
    if loaded:
        result = place.warehouse.cancel(loaded, CANCELLED_AT_AMAZON, datetime.now(UTC))
        found.figures["cancelled_in_warehouse"] += len(result.cancelled)
        for order_id, status in sorted(result.begun.items()):
            found.conflict(order_id, "cancelled at Amazon after the warehouse had begun it", status)
    with writing(place.ledger.engine, what="the ledger") as database:
        assert_held(database, batch.lease)
        write_cancelled(database, batch, loaded)
        release(database, batch, [*cancelled, *settled])


def _counts(place: Workplace, batch: BatchRef) -> dict[str, int]:
    """The counts of the contract: the window's orders add up to what was fetched, earlier ones stand beside them."""
    found = count_outcomes(place.ledger, batch.batch_id)
    window = {outcome: found.get((WINDOW, outcome.value), 0) for outcome in Outcome}
    window[Outcome.LOADED] += found.get((WINDOW, READY), 0)
    return {
        **{outcome.value: count for outcome, count in window.items()},
        "released": found.get((EARLIER, Outcome.LOADED.value), 0),
        "still_held": found.get((EARLIER, Outcome.HELD.value), 0),
    }

"""Load: staged orders into the warehouse, cancellations passed on, promises written as reservations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mfn.errors import FatalError
from mfn.ledger.batches import add_findings, get_batch
from mfn.ledger.buyers_data import CHUNK_ORDERS, read_chunks
from mfn.ledger.chunks import chunk_numbers, drop_chunks
from mfn.ledger.imported_units import note_reserved
from mfn.ledger.leases import assert_held
from mfn.ledger.met_orders import each_order, has_loaded
from mfn.ledger.orders import (
    IN_WAREHOUSE,
    count_outcomes,
    figures_of,
    tracked_orders,
    write_cancelled,
    write_left_behind,
)
from mfn.ledger.staging import StagedChunk, release
from mfn.models import OrderStatus, Outcome, Parameters
from mfn.steps.conflicts import Conflicts
from mfn.steps.importing.cancellations import pass_on_cancellations
from mfn.steps.importing.chunking import one_by_one
from mfn.steps.importing.judging import is_payment_pending
from mfn.steps.importing.left_behind import pass_on_requests_alone
from mfn.steps.importing.loading import TRANSFORMED, Loading, load_chunk, rehearse_chunk
from mfn.steps.parts import in_parts
from mfn.steps.workplace import add_counts, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from mfn.models import BatchRef
    from mfn.settings import Settings

MAY_BE_THERE = (*IN_WAREHOUSE, OrderStatus.READY)
"""Statuses of orders that the warehouse may have; `ready` ones if a run died between its commit and the ledger's."""


def load(batch: BatchRef, settings: Settings) -> BatchRef:
    """Write the batch's staged orders into the warehouse, and what was accepted as reservations into the ledger.

    A chunk is one transaction in the warehouse and then one in the ledger; killed in between, the next run writes the
    same rows again, which changes nothing. What the warehouse has begun is never overwritten: Amazon's changes to it
    are reported.

    Args:
        batch: The batch, transformed.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract; `loaded` is what would be loaded in a dry run.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached; chunks that were written stay.
        FatalError: The warehouse refuses what is written.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    row = get_batch(place.ledger, batch.batch_id)
    asked = Parameters.of(row.parameters)
    loading = Loading(
        place,
        batch,
        goes_on=has_loaded(place.ledger, batch.batch_id),
        conflicts=Conflicts(row),
        restores=bool(asked.order_id),
    )
    for number in one_by_one(chunk_numbers(place.ledger, batch.batch_id, TRANSFORMED)):
        (staged,) = read_chunks(place.ledger, batch, TRANSFORMED, [number], StagedChunk, purpose=load.__name__)
        chunk = staged.orders
        if asked.dry_run:
            rehearse_chunk(loading, chunk)
        else:
            load_chunk(loading, number, chunk)
        del staged, chunk  # before the garbage collection, which would go through all of it
    if not asked.dry_run:
        pass_on_requests_alone(loading)
        _pass_on_cancellations(loading)
    counts = _counts(loading)
    with place.ledger.writing() as database:
        drop_chunks(database, batch)
        note_reserved(database, batch)
        # What the warehouse refused is held now: the quality gate counts it too.
        add_counts(database, place.ledger, batch, {**counts, "due_held": counts["held"]})
        found = {"written_again": sorted(loading.written_again)} if loading.restores else {}
        add_findings(database, batch, conflicts=loading.conflicts.for_report(), **found)
    return replace(batch, counts={**batch.counts, **counts})


def _pass_on_cancellations(loading: Loading) -> None:
    place, batch = loading.place, loading.batch
    cancelled, settled = [], []
    loaded: dict[str, str | None] = {}
    for row in each_order(place.ledger, batch.batch_id, outcomes=(Outcome.CANCELLED.value, Outcome.IGNORED.value)):
        if row.outcome == Outcome.CANCELLED:
            cancelled.append(row.order_id)
        elif not is_payment_pending(row.reasons):
            settled.append(row.order_id)
    for part in in_parts(cancelled, CHUNK_ORDERS):
        tracked = tracked_orders(place.ledger, batch.connection, part)
        loaded |= {order_id: row.loaded_digest for order_id, row in tracked.items() if row.status in MAY_BE_THERE}
    deaf: set[str] = set()
    if loaded:
        with place.ledger.writing() as database:
            assert_held(database, batch.lease)
        deaf = pass_on_cancellations(loading, list(loaded))
    with writing_under_lease(place.ledger, batch.lease) as database:
        # What could not be passed on stays in the warehouse as it was, and the next import passes it on.
        write_cancelled(database, batch, [order_id for order_id in loaded if order_id not in deaf])
        write_left_behind(database, batch, [(order_id, loaded[order_id]) for order_id in deaf])
        add_findings(database, batch, conflicts=loading.conflicts.for_report())
        release(database, batch, [order_id for order_id in (*cancelled, *settled) if order_id not in deaf])


def _counts(loading: Loading) -> dict[str, int]:
    """The counts of the contract: the window's orders add up to what was fetched; earlier orders are counted apart."""
    found = count_outcomes(loading.place.ledger, loading.batch.batch_id)
    lost = sum(number for (_, outcome), number in found.items() if outcome not in set(Outcome))
    if lost:
        raise FatalError(
            f"{lost} orders of this batch were neither loaded, held nor ignored.",
            remedy="No order is lost: run the batch again from the checks with mfn rerun BATCH --from-stage validate,"
            " and report it if this happens again.",
        )
    return figures_of(found)

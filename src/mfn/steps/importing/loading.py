"""Writing a chunk of staged orders into the warehouse, and recording the outcome of each in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mfn.database.bulk import utc_text
from mfn.ledger.batches import add_findings
from mfn.ledger.chunks import drop_chunks
from mfn.ledger.kept_out import note_taken_up
from mfn.ledger.met_orders import loaded_orders
from mfn.ledger.orders import (
    IN_WAREHOUSE,
    move_outcomes,
    reasons_text,
    tracked_orders,
    write_loaded,
    write_outcomes,
    write_reloaded,
    write_standing,
)
from mfn.ledger.staging import in_doubt, is_same_order, refused_digest, reserve
from mfn.models import OrderStatus, Outcome, Reason
from mfn.steps.halving import each_taken
from mfn.steps.importing.cancellations import pass_on_requests, take_back_requests
from mfn.steps.importing.transform import transform
from mfn.steps.workplace import writing_under_lease
from mfn.warehouse.order_states import CANCELLED, NEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from mfn.errors import DataError
    from mfn.ledger.staging import Staged
    from mfn.models import BatchRef
    from mfn.steps.conflicts import Conflicts
    from mfn.steps.workplace import Workplace

TRANSFORMED = transform.__name__
"""The stage whose chunks are loaded."""

LOADED, UNCHANGED = Outcome.LOADED.value, Outcome.UNCHANGED.value

Entry = tuple[str, str, "Staged"]
"""Order id, digest, staged order."""

Chunk = list[Entry]


@dataclass(frozen=True)
class Loading:
    """What all chunks of a load share.

    Attributes:
        place: The workplace.
        batch: The batch.
        goes_on: Whether this batch had loaded orders before it was interrupted or run again.
        conflicts: Those found so far, also before it was interrupted.
        restores: Whether what the warehouse has not begun is written again although Amazon did not change it: a person
            asked for this order, and somebody may have changed its rows there.
        written_again: The orders for which that was done.
    """

    place: Workplace
    batch: BatchRef
    goes_on: bool
    conflicts: Conflicts
    restores: bool = False
    written_again: set[str] = field(default_factory=set)


def _given(loading: Loading, chunk: Chunk) -> dict[str, Row[Any]]:
    """The ledger's rows of those orders of a chunk that the warehouse was given before."""
    order_ids = [order_id for order_id, _, _ in chunk]
    return tracked_orders(loading.place.ledger, loading.batch.connection, order_ids, statuses=IN_WAREHOUSE)


def rehearse_chunk(loading: Loading, chunk: Chunk) -> None:
    """Record what would become of a chunk, in the batch only; nothing reaches the warehouse.

    Args:
        loading: What stays the same over the chunks.
        chunk: Staged orders.
    """
    tracked = _given(loading, chunk)
    with writing_under_lease(loading.place.ledger, loading.batch.lease) as database:
        move_outcomes(
            database,
            loading.batch,
            [
                # A buyer's request that is new would be passed on, which counts as loaded.
                (order_id, _outcome(same=order_id in tracked and tracked[order_id].loaded_digest == digest))
                for order_id, digest, staged in chunk
                if staged.order is not None
            ],
        )


def _outcome(*, same: bool) -> str:
    return UNCHANGED if same else LOADED


def load_chunk(loading: Loading, number: int, chunk: Chunk) -> None:
    """Write a chunk: its promises in the ledger, one transaction in the warehouse, then one in the ledger again.

    Args:
        loading: What stays the same over the chunks.
        number: The chunk's place in the batch.
        chunk: Staged orders.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
        FatalError: The warehouse refuses all that is written.
    """
    place = loading.place
    tracked = _given(loading, chunk)
    ready = [(order_id, digest, staged) for order_id, digest, staged in chunk if staged.order is not None]
    changed = [
        (order_id, digest, staged)
        for order_id, digest, staged in ready
        if order_id not in tracked or not is_same_order(tracked[order_id].loaded_digest, digest)
    ]
    lost = _lost_in_warehouse(loading, changed)
    to_write = [entry for entry in changed if entry[0] not in lost]
    again = [
        (order_id, in_doubt(tracked[order_id].loaded_digest))
        for order_id, _, staged in to_write
        if staged.is_in_warehouse
    ]
    with writing_under_lease(place.ledger, loading.batch.lease) as database:
        # The promises hold even if the load is interrupted.
        reserve(
            database,
            loading.batch,
            place.warehouse.digest,
            [(order_id, staged.reserved) for order_id, _, staged in chunk],
        )
        # Until it is recorded what the warehouse took, nobody may rely on what it had before.
        write_reloaded(database, loading.batch, again)
    written, refusals = _write(loading, to_write)
    if loading.restores:
        _restore(loading, [entry for entry in ready if entry not in changed])
    asked, not_asked = pass_on_requests(loading, ready, tracked)
    freed, not_freed = take_back_requests(loading, ready, tracked)
    chunk = [
        (o, refused_digest(digest) if o in not_asked | not_freed else digest, staged) for o, digest, staged in chunk
    ]
    _note(loading, number, chunk, tracked, written=written | asked | freed, refusals=refusals)


def _restore(loading: Loading, unchanged: Chunk) -> None:
    """Write those orders again that the warehouse has not begun, as they were given to it."""
    states = loading.place.warehouse.states([order_id for order_id, _, _ in unchanged])
    written, refusals = _write(loading, [entry for entry in unchanged if states.get(entry[0]) == NEW])
    loading.written_again.update(written)
    for order_id, refusal in refusals.items():
        loading.conflicts.add(order_id, "it was not written again: the warehouse refused it", refusal.message)


def _lost_in_warehouse(loading: Loading, changed: Chunk) -> set[str]:
    """Orders that the warehouse was given and no longer has: written again, they could be shipped twice."""
    given = [order_id for order_id, _, staged in changed if staged.is_in_warehouse]
    lost = set(given) - set(loading.place.warehouse.states(given)) if given else set()
    for order_id in sorted(lost):
        loading.conflicts.add(order_id, "it changed at Amazon, and the warehouse no longer has it", "deleted")
    return lost


def _write(loading: Loading, entries: Chunk) -> tuple[set[str], dict[str, DataError]]:
    """Write orders; one that the warehouse refuses does not stop the others.

    Returns:
        The orders that the warehouse took or had already, and those that it refused. An order that it had begun and
        whose new version it kept out is reported as a conflict and in neither; one that it had begun before it was
        ever given it is reported as well.
    """
    written, refusals = each_taken(lambda part: _write_part(loading, part), entries, order_id_of=itemgetter(0))
    return set().union(*written), {order_id: error for (order_id, _, _), error in refusals}


def _write_part(loading: Loading, entries: Sequence[Entry]) -> set[str]:
    now = utc_text(datetime.now(UTC))
    written = (loading.batch.batch_id, now, now)
    rows = [staged.order + written for _, _, staged in entries if staged.order is not None]
    result = loading.place.warehouse.load(rows, [line for _, _, staged in entries for line in staged.lines])
    begun = {order_id for order_id, _, staged in entries if staged.is_in_warehouse and order_id in result.refused}
    for order_id in sorted(begun):
        loading.conflicts.add(order_id, "its address, dates or quantities changed at Amazon", result.refused[order_id])
    for order_id in sorted(result.foreign - begun):
        loading.conflicts.add(order_id, "the warehouse already had it from another source", result.refused[order_id])
    stopped = {order_id for order_id, status in result.refused.items() if status == CANCELLED}
    for order_id in sorted(stopped - begun - result.foreign):
        loading.conflicts.add(order_id, "it must be shipped after all, but the warehouse has cancelled it", CANCELLED)
    return {order_id for order_id, _, _ in entries} - begun


def _note(
    loading: Loading,
    number: int,
    chunk: Chunk,
    tracked: Mapping[str, Row[Any]],
    *,
    written: set[str],
    refusals: Mapping[str, DataError],
) -> None:
    """Record the outcome of a chunk, in one transaction."""
    batch = loading.batch
    loaded = (
        loaded_orders(loading.place.ledger, batch.batch_id, [order[0] for order in chunk]) if loading.goes_on else ()
    )
    first, again, moved = [], [], []
    standings, outcomes = [], []
    for order_id, digest, staged in chunk:
        if staged.order is None:
            continue
        refusal = refusals.get(order_id)
        if refusal is not None and not staged.is_in_warehouse:
            reasons = reasons_text([Reason("warehouse_refused", refusal.message, refusal.remedy)])
            standings.append((order_id, OrderStatus.HELD.value, reasons, *staged.standing))
            outcomes.append((order_id, Outcome.HELD.value, reasons, None))
            continue
        if refusal is not None:
            loading.conflicts.add(order_id, "its new version was refused by the warehouse", refusal.message)
        is_loaded = order_id in written or order_id in loaded
        moved.append((order_id, _outcome(same=not is_loaded)))
        if not staged.is_in_warehouse:
            first.append((order_id, digest, staged.fulfilled_before))
        elif tracked[order_id].loaded_digest != digest:
            # What the warehouse has of one that it refused is old: later imports try again.
            again.append((order_id, digest if refusal is None else in_doubt(digest)))
    with writing_under_lease(loading.place.ledger, batch.lease) as database:
        write_loaded(database, batch, first)
        write_reloaded(database, batch, again)
        note_taken_up(database, batch, tracked)
        write_standing(database, batch, standings)
        write_outcomes(database, batch, outcomes)
        move_outcomes(database, batch, moved)
        if not loading.conflicts.is_noted:
            add_findings(database, batch, conflicts=loading.conflicts.for_report())
        drop_chunks(database, batch, stage=TRANSFORMED, number=number)
    loading.conflicts.is_noted = True

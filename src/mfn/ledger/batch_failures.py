"""Failed batches: recording failures, including those of runs that died, and whether work is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from mfn.ledger.batches import OPENED, update_batch
from mfn.ledger.leases import assert_held, is_held
from mfn.ledger.schema import Batch
from mfn.models import STAGES, Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

DIED = {
    "status": "failed",
    "error": "the run died before it ended.",
    "remedy": "The next run resumes it; to resume it now, run mfn rerun --failed.",
}


def record_failure(ledger: Ledger, batch: BatchRef, *, error: str, remedy: str, **counted: int) -> None:
    """Mark a batch as failed, with error and remedy, after the last stage that it is known to have finished.

    The ledger may have recorded the next stage while its answer was lost: then that stage is done again.

    Raises:
        LeaseLostError: Another run has taken over the batch, and will record its end itself.
    """
    with ledger.writing() as database:
        failed = {"status": "failed", "stage": batch.stage, "error": error, "remedy": remedy}
        assert_held(database, batch.lease)  # the batch exists if its lease is held
        before = database.execute(select(Batch.counts).where(Batch.batch_id == batch.batch_id)).scalar_one()
        update_batch(database, batch, **failed, counts={**before, **counted}, finished_at=datetime.now(UTC))


def note_dead_batches(ledger: Ledger) -> None:
    """Mark batches as failed that are still `running` although their holder was killed, or its machine is gone."""
    with ledger.reading() as database:
        if not dead_batches(database):
            return
    with ledger.writing() as database:
        # Asked again, and locked: a run may end, or resume one, between any two statements.
        dead = dead_batches(database, kept=True)
        database.execute(update(Batch).where(Batch.batch_id.in_(dead)).values(DIED))


def dead_batches(database: Connection, *, kept: bool = False) -> list[str]:
    """The batches that are still `running` although their holder is gone.

    Args:
        database: An open transaction on the ledger.
        kept: Whether to lock them until the end of the transaction, which has to be one that writes; a batch that
            somebody is changing is left out.
    """
    running = select(Batch.batch_id, Batch.connection, Batch.kind).where(Batch.status == "running")
    if kept:
        running = running.with_for_update(skip_locked=True, key_share=True)
    return [row.batch_id for row in database.execute(running) if not is_held(database, row.connection, row.kind)]


def failed_at(row: Row[Any]) -> str | None:
    """The stage at which a batch failed; `report` if it got through all of them, None if it did not fail.

    Args:
        row: A batch: `kind`, `status` and `stage`, the last one that was finished.
    """
    if row.status != "failed":
        return None
    names = (*STAGES.get(row.kind, ()), "report")
    return names[names.index(row.stage) + 1 if row.stage in names else 0]


def has_work_left(parameters: Mapping[str, Any], stage: str) -> bool:
    """Whether a batch that failed left something to be done.

    A dry run leaves nothing, nor does an order that a person requested and Amazon does not know.
    """
    asked = Parameters.of(parameters)
    asked_in_vain = asked.order_id is not None and stage == OPENED
    return not asked.dry_run and not asked_in_vain

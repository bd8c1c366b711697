"""Running batches again, without Prefect."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.database.engines import writing
from mfn.errors import ConfigurationError
from mfn.ledger.batches import OPENED, get_batch, list_batches, note_dead_batches, reopen_batch, update_batch
from mfn.ledger.chunks import chunk_numbers
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.steps.runs import check_set_up, run_steps
from mfn.steps.stages import stages
from mfn.steps.summaries import summary_of
from mfn.steps.transform import transform
from mfn.steps.validate import validate
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Row

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings


LEAVES_CHUNKS: dict[BatchKind, tuple[str, ...]] = {
    "import": (validate.__name__, transform.__name__),
    "inventory": tuple(stages("inventory")[:-1]),
}
"""Stages that leave frames for the next one, until they are loaded or sent."""

OLD_AFTER = timedelta(minutes=10)
"""Levels that were computed longer ago are not told to Amazon: a batch that is run again reads everything anew."""


def failed_batches(settings: Settings) -> list[str]:
    """The ids of every batch that failed or died, oldest first, so that newer ones build on them.

    A dry run, and an order that a person asked for and Amazon does not know, left nothing to be done.
    """
    ledger = open_ledger(settings)
    note_dead_batches(ledger)
    return [row.batch_id for row in reversed(list_batches(ledger, failed=True)) if _has_work_left(row)]


def _has_work_left(row: Row[Any]) -> bool:
    asked_in_vain = row.parameters.get("order_id") is not None and row.stage == OPENED
    return not row.parameters.get("dry_run") and not asked_in_vain


def check_batches_exist(settings: Settings, batch_ids: Iterable[str]) -> None:
    """Refuse ids that no batch has, before any other is run.

    Raises:
        ConfigurationError: Names the first of them.
    """
    ledger = open_ledger(settings)
    for batch_id in batch_ids:
        get_batch(ledger, batch_id)


def rerun_batch(settings: Settings, batch_id: str, *, from_stage: str | None = None) -> dict[str, Any]:
    """Run one batch again.

    Args:
        settings: The settings in force.
        batch_id: The batch.
        from_stage: The stage to start with; None: the one at which it failed.

    Returns:
        What the batch's own command prints with --json.

    Raises:
        MfnError: It failed again; its report is written.
    """
    begun = time.monotonic()
    with rerun_of(settings, batch_id, from_stage=from_stage) as batch:
        run_steps(batch, settings)
    return summary_of(settings, batch_id) | {"seconds": round(time.monotonic() - begun, 3)}


@contextmanager
def rerun_of(settings: Settings, batch_id: str, *, from_stage: str | None = None) -> Iterator[BatchRef]:
    """Hold the lease of a batch that exists, and the batch, ready to go on.

    Args:
        settings: The settings in force.
        batch_id: The batch.
        from_stage: The stage to start with; None: the one at which it failed, or, for a batch that is done, its
            second. A batch that others have followed starts with its second stage at the latest. A stock run reads
            everything anew, but where a later stage is named and what it would send is fresh.

    Yields:
        The batch; `stage` is the last stage that counts as finished.

    Raises:
        ConfigurationError: No such batch, or its kind has no such stage.
        LeaseHeldError: Another run of this kind works on the connection.
    """
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch_id)
    names = stages(row.kind)
    if from_stage is not None and from_stage not in names:
        raise ConfigurationError(
            f"a batch of kind {row.kind} has no stage {from_stage!r}; its stages are: {', '.join(names)}.",
            remedy="Name one of these with --from-stage.",
        )
    check_set_up(open_workplace(settings, row.connection))
    with lease(ledger, row.connection, row.kind) as token:
        newest = list_batches(ledger, connection=row.connection, kind=row.kind, limit=1)[0]
        is_newest = newest.batch_id == batch_id
        if row.kind == "inventory":
            finished = _finished_stock(from_stage, row, names, is_newest=is_newest)
        else:
            finished = _finished_before(from_stage, row, names, is_newest=is_newest)
        if finished in LEAVES_CHUNKS.get(row.kind, ()) and not chunk_numbers(ledger, batch_id, finished):
            # What the stage left was loaded or sent and is gone: it is made anew.
            finished = OPENED if row.kind == "inventory" else names[0]
        batch = reopen_batch(ledger, batch_id, lease=token, stage=finished)
        if finished == OPENED and row.kind == "import":
            _ask_for_the_window_again(settings, batch)
        yield batch


def _finished_before(from_stage: str | None, row: Any, names: Sequence[str], *, is_newest: bool) -> str:
    if from_stage is not None:
        finished = [OPENED, *names][names.index(from_stage)]
    else:
        finished = row.stage if row.stage != names[-1] else names[0]
    # What an older batch had made of its orders may be stale: later ones have seen them in newer versions.
    return finished if is_newest or finished == OPENED else names[0]


def _finished_stock(from_stage: str | None, row: Any, names: Sequence[str], *, is_newest: bool) -> str:
    """Stock is read anew, unless a person names a later stage and what was read is fresh and still the newest."""
    read_at = row.findings.get("stock", {}).get("read_at")
    is_fresh = read_at is not None and datetime.now(UTC) - datetime.fromisoformat(read_at) < OLD_AFTER
    if from_stage is None or not is_newest or not is_fresh:
        return OPENED
    return [OPENED, *names][names.index(from_stage)]


def _ask_for_the_window_again(settings: Settings, batch: BatchRef) -> None:
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch.batch_id)
    if row.parameters.get("order_id"):
        return
    with writing(ledger.engine, what="the ledger") as database:
        if row.window_before is None:  # it never got to its end: the window grows to the present
            update_batch(database, batch, is_window_open=True)
        else:
            update_batch(
                database,
                batch,
                search_after=row.window_after,
                search_before=row.window_before,
                page_token=None,
                page_token_at=None,
            )

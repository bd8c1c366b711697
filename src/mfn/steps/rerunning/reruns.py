"""Running batches again, without Prefect."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.errors import ConfigurationError
from mfn.ledger.batch_failures import has_work_left, note_dead_batches
from mfn.ledger.batch_listing import batches_of_flow_run, kinds_of, list_batches
from mfn.ledger.batch_opening import reopen_batch
from mfn.ledger.batches import OPENED, get_batch, update_batch
from mfn.ledger.chunks import chunk_numbers
from mfn.ledger.opening import existing_ledger, ledger_if_any, open_ledger
from mfn.models import STAGES, Parameters
from mfn.steps.confirming.confirm import confirm
from mfn.steps.importing.transform import transform
from mfn.steps.importing.validate import validate
from mfn.steps.runs import carried_out
from mfn.steps.set_up import WITHOUT_AMAZON, check_set_up
from mfn.steps.waiting import run_lease
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings


LEAVES_CHUNKS: dict[BatchKind, tuple[str, ...]] = {
    "import": (validate.__name__, transform.__name__),
    "inventory": STAGES["inventory"][:-1],
    "reconcile": STAGES["reconcile"][:-1],
}
"""Stages that leave frames for the next one, until they are loaded or sent."""

OLD_AFTER = timedelta(minutes=10)
"""Levels computed longer ago are not sent to Amazon, and orders fetched longer ago are not compared: a batch that is
run again then reads everything again."""

READ_AGAIN: frozenset[BatchKind] = frozenset({"inventory", "reconcile"})
"""Kinds of run whose input changes by the minute: they start at their first stage."""


def failed_batches(settings: Settings) -> list[str]:
    """The ids of every batch that failed or died with work left, oldest first, so that newer ones build on them.

    If nothing ever ran, nothing failed, and no ledger is created.
    """
    ledger = ledger_if_any(settings)
    if ledger is None:
        return []
    note_dead_batches(ledger)
    failed = [row for row in list_batches(ledger, failed=True) if has_work_left(row.parameters, row.stage)]
    return [row.batch_id for row in reversed(failed)]


def check_batches(settings: Settings, batch_ids: Sequence[str], *, from_stage: str | None = None) -> None:
    """Refuse what cannot be run again, all of it at once, before anything is run.

    Args:
        settings: The settings in force.
        batch_ids: The batches.
        from_stage: The stage to start with; None for the one at which each failed.

    Raises:
        ConfigurationError: Names every id that no batch has, and every batch that lacks the stage; also for a stage
            that no kind of run has, even without batches, and for batches without a ledger.
    """
    kinds = kinds_of(existing_ledger(settings), batch_ids) if batch_ids else {}
    unknown = [batch_id for batch_id in batch_ids if batch_id not in kinds]
    faults = [f"there is no batch {batch_id!r}." for batch_id in unknown]
    remedies = ["See mfn batches for the ids."] if unknown else []
    lacking = [batch_id for batch_id, kind in kinds.items() if from_stage not in (None, *STAGES[kind])]
    faults += [
        f"{batch_id}: a batch of kind {kinds[batch_id]} has no stage {from_stage!r};"
        f" its stages are: {', '.join(STAGES[kinds[batch_id]])}."
        for batch_id in lacking
    ]
    if lacking:
        remedies.append("Run the batches of each kind separately, with a stage that they have, or without one.")
    known = list(dict.fromkeys(name for names in STAGES.values() for name in names))
    if not batch_ids and from_stage not in (None, *known):
        faults.append(f"no batch has a stage {from_stage!r}; stages are: {', '.join(known)}.")
        remedies.append("Use one of these, or none.")
    if faults:
        raise ConfigurationError("\n".join(faults), remedy=" ".join(remedies))


def rerun_batch(
    settings: Settings, batch_id: str, *, from_stage: str | None = None, flow_run_id: str | None = None
) -> dict[str, Any]:
    """Run one batch again, taken up as by `rerun_of`; returns what the batch's own command prints with --json.

    Raises:
        MfnError: As `rerun_of` and `carried_out`.
    """
    return carried_out(settings, rerun_of(settings, batch_id, from_stage=from_stage, flow_run_id=flow_run_id))


def batch_of(settings: Settings, flow_run_id: str, connection: str, kind: BatchKind) -> str | None:
    """The batch on which an earlier try of Prefect's flow run worked, if no other flow run has resumed it since.

    None if no try got as far as a batch.
    """
    rows = batches_of_flow_run(open_ledger(settings), flow_run_id)
    return next((row.batch_id for row in rows if (row.connection, row.kind) == (connection, kind)), None)


def done_by(settings: Settings, flow_run_id: str) -> set[str]:
    """The batches that earlier tries of Prefect's flow run have finished."""
    return {row.batch_id for row in batches_of_flow_run(open_ledger(settings), flow_run_id) if row.status == "done"}


@contextmanager
def rerun_of(
    settings: Settings, batch_id: str, *, from_stage: str | None = None, flow_run_id: str | None = None
) -> Iterator[BatchRef]:
    """Hold the lease of an existing batch, and yield the batch, ready to go on.

    Args:
        settings: The settings in force.
        batch_id: The batch.
        from_stage: The stage to start with; None for the one at which it failed or, if it is done, its second. A batch
            with newer ones after it starts with its second stage at the latest. A confirm run that has not confirmed
            everything yet reads the warehouse first. A stock run and a reconciliation read everything again,
            unless a later stage is named and what was read is fresh. A purge starts at its first stage, unless another
            is named.
        flow_run_id: The flow run that does so, where Prefect runs it.

    Yields:
        The batch; `stage` is the last stage that counts as finished.

    Raises:
        ConfigurationError: No such batch, its kind has no such stage, or something is set up wrongly.
        LeaseHeldError: Another run of this kind works on the connection.
    """
    check_batches(settings, [batch_id], from_stage=from_stage)
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch_id)
    if row.kind not in WITHOUT_AMAZON:
        check_set_up(open_workplace(settings, row.connection))
    with run_lease(ledger, row.connection, row.kind) as token:
        row = get_batch(ledger, batch_id)  # another run may have resumed it meanwhile
        finished = _last_finished(ledger, row, from_stage)
        batch = reopen_batch(ledger, batch_id, lease=token, stage=finished, flow_run_id=flow_run_id)
        if finished == OPENED and row.kind == "import":
            _ask_for_the_window_again(ledger, batch)
        yield batch


def _last_finished(ledger: Ledger, row: Row[Any], from_stage: str | None) -> str:
    """The last stage that counts as finished when a batch is run again."""
    newest = list_batches(ledger, connection=row.connection, kind=row.kind, limit=1)[0]
    is_newest = newest.batch_id == row.batch_id
    if row.kind in READ_AGAIN:
        finished = _finished_of_fresh(from_stage, row, is_newest=is_newest)
    elif row.kind == "purge":
        finished = OPENED if from_stage is None else _stage_before(from_stage, row)
    else:
        finished = _finished_of_kept(from_stage, row, is_newest=is_newest)
        if row.kind == "confirm" and finished != confirm.__name__:
            finished = OPENED  # what the warehouse has taken back or corrected since is not sent any more
    if finished in LEAVES_CHUNKS.get(row.kind, ()) and not chunk_numbers(ledger, row.batch_id, finished):
        # What the stage left was loaded or sent, and is gone: it has to be made again.
        return OPENED if row.kind in READ_AGAIN else STAGES[row.kind][0]
    return finished


def _stage_before(stage: str, row: Row[Any]) -> str:
    names = STAGES[row.kind]
    return (OPENED, *names)[names.index(stage)]


def _finished_of_kept(from_stage: str | None, row: Row[Any], *, is_newest: bool) -> str:
    """The last stage that counts as finished, for a batch whose input was kept."""
    names = STAGES[row.kind]
    if from_stage is not None:
        finished = _stage_before(from_stage, row)
    else:
        finished = row.stage if row.stage != names[-1] else names[0]
    # An older batch's verdicts may be stale: later batches have seen newer versions of its orders.
    return finished if is_newest or finished == OPENED else names[0]


def _finished_of_fresh(from_stage: str | None, row: Row[Any], *, is_newest: bool) -> str:
    """The same for a batch whose first stage reads the present state.

    Everything is read again, unless a person names a later stage and what was read is fresh and still the newest.
    """
    read_at = row.findings.get("stock", row.findings.get("searched", {})).get("read_at")
    is_fresh = read_at is not None and datetime.now(UTC) - datetime.fromisoformat(read_at) < OLD_AFTER
    if from_stage is None or not is_newest or not is_fresh:
        return OPENED
    return _stage_before(from_stage, row)


def _ask_for_the_window_again(ledger: Ledger, batch: BatchRef) -> None:
    row = get_batch(ledger, batch.batch_id)
    asked = Parameters.of(row.parameters)
    if asked.order_id or asked.reprocess:  # neither has a window, so that nobody takes it for a search for what is new
        return
    with ledger.writing() as database:
        if row.window_before is None:  # it never got to the end of its window, which now reaches up to the present
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

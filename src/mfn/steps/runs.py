"""Runs: a lease, a batch, its steps in order, a report at the end, whatever happened."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.amazon.orders import in_utc
from mfn.connections import find_connection
from mfn.database.engines import writing
from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.batches import OPENED, get_batch, list_batches, open_batch, reopen_batch, update_batch
from mfn.ledger.chunks import chunk_numbers
from mfn.ledger.landing import get_watermark
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.steps.extract import SETTLED_AFTER
from mfn.steps.report import report
from mfn.steps.stages import STEPS, perform, stages
from mfn.steps.summaries import summary_of
from mfn.steps.transform import transform
from mfn.steps.validate import validate
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings

LEAVES_CHUNKS: dict[BatchKind, tuple[str, ...]] = {
    "import": (validate.__name__, transform.__name__),
    "inventory": tuple(stages("inventory")[:-1]),
}
"""Stages that leave frames for the next one, until they are loaded or sent."""

OLD_AFTER = timedelta(minutes=10)
"""Levels that were computed longer ago are not told to Amazon: a batch that is run again reads everything anew."""

log = logging.getLogger(__name__)

MOMENT_AGO = timedelta(seconds=179)
"""A scheduled run leaves a window alone that another one fetched within the time in which searchOrders refills by one
call (0.0056 a second, orders_2026-01-01.json, 2026-07-29)."""


def import_run(
    settings: Settings,
    connection: str,
    *,
    since: datetime | None = None,
    order_id: str | None = None,
    dry_run: bool = False,
) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's imports, and a batch to work on; see `new_run`.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        since: Fetch what changed since then rather than since the last import; without a zone it is UTC.
        order_id: Fetch this order only.
        dry_run: Say what would be loaded, and change nothing.
    """
    if since is not None and order_id is not None:
        raise ConfigurationError("since and an order exclude each other.", remedy="Give one of them.")
    moment = since and in_utc(since).isoformat()
    return new_run(settings, connection, "import", {"since": moment, "order_id": order_id, "dry_run": dry_run})


def confirm_run(settings: Settings, connection: str) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's confirmations, and a batch to work on; see `new_run`.

    Args:
        settings: The settings in force.
        connection: The connection's name.
    """
    return new_run(settings, connection, "confirm", {})


def inventory_run(
    settings: Settings, connection: str, *, full: bool = False, dry_run: bool = False, force: bool = False
) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's stock runs, and a batch to work on; see `new_run`.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        full: Read all listings anew, and send every level, also those that Amazon was told before.
        dry_run: Say what would be sent, and change nothing.
        force: Send also where the warehouse lost more than is believed.
    """
    return new_run(settings, connection, "inventory", {"full": full, "dry_run": dry_run, "force": force})


@contextmanager
def new_run(settings: Settings, connection: str, kind: BatchKind, parameters: Mapping[str, Any]) -> Iterator[BatchRef]:
    """Hold the lease of a connection and kind, and a batch to work on.

    Everything that a person set up wrongly is found here, before anything is started.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        kind: The kind of run.
        parameters: What the run is asked for.

    Yields:
        The batch: a new one, or the one that was broken off and asked for the same.

    Raises:
        ConfigurationError: Settings, connections or mappings are wrong.
        LeaseHeldError: Another run of this kind works on this connection.
    """
    place = open_workplace(settings, connection)
    _check_set_up(place)
    with lease(place.ledger, connection, kind) as token:
        yield open_batch(
            place.ledger, connection, kind, lease=token, parameters=parameters, last_stage=stages(kind)[-1]
        )


def _check_set_up(place: Any) -> None:
    """Raise every fault of the set-up at once, before anything is started."""
    problems: list[ConfigurationError] = []
    for part in ("mappings", "amazon"):
        try:
            getattr(place, part)
        except ConfigurationError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ConfigurationError(
            "\n".join(error.message for error in problems),
            remedy=" ".join(dict.fromkeys(error.remedy for error in problems)),
        )


def was_just_fetched(settings: Settings, connection: str) -> bool:
    """Whether a scheduled import has nothing to do, since another one fetched its window a moment ago.

    Args:
        settings: The settings in force.
        connection: The connection's name.
    """
    find_connection(settings, connection)
    ledger = open_ledger(settings)
    watermark = get_watermark(ledger, connection)
    newest = next(iter(list_batches(ledger, connection=connection, kind="import", limit=1)), None)
    if watermark is None or newest is None or newest.status == "failed":
        return False
    return datetime.now(UTC) - SETTLED_AFTER - watermark < MOMENT_AGO


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
    _check_set_up(open_workplace(settings, row.connection))
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


def run_steps(batch: BatchRef, settings: Settings) -> None:
    """Every step of a batch that is not finished yet, and the report at the end of it, also of a failure.

    Args:
        batch: The batch, its lease held.
        settings: The settings in force.

    Raises:
        MfnError: A step failed, or the quality gate closed; the report is written all the same.
    """
    names = stages(batch.kind)
    first = 0 if batch.stage == OPENED else names.index(batch.stage) + 1
    try:
        for step in STEPS[batch.kind][first:]:
            batch = perform(step, batch, settings)
    except Exception:
        _report_anyway(batch, settings)
        raise
    report(batch, settings)


def _report_anyway(batch: BatchRef, settings: Settings) -> None:
    try:
        report(batch, settings)
    except MfnError as error:
        log.warning("the report of %s could not be written: %s", batch.batch_id, error.message)


def run_import(
    settings: Settings,
    connection: str,
    *,
    since: datetime | None = None,
    order_id: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """One import run without Prefect.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        since: Fetch what changed since then.
        order_id: Fetch this order only.
        dry_run: Change nothing.

    Returns:
        What `mfn import --json` prints.

    Raises:
        ConfigurationError: Something is set up wrongly; nothing was started.
        LeaseHeldError: Another import works on this connection.
        RunFailedError: The run failed; it has what the run did all the same.
    """
    return _carried_out(settings, import_run(settings, connection, since=since, order_id=order_id, dry_run=dry_run))


def run_confirm(settings: Settings, connection: str) -> dict[str, Any]:
    """One confirm run without Prefect.

    Args:
        settings: The settings in force.
        connection: The connection's name.

    Returns:
        What `mfn confirm --json` prints.

    Raises:
        ConfigurationError: Something is set up wrongly; nothing was started.
        LeaseHeldError: Another confirm run works on this connection.
        RunFailedError: The run failed, or Amazon refused parcels; it has what the run did all the same.
    """
    return _carried_out(settings, confirm_run(settings, connection))


def run_inventory(
    settings: Settings, connection: str, *, full: bool = False, dry_run: bool = False, force: bool = False
) -> dict[str, Any]:
    """One stock run without Prefect.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        full: Send every level.
        dry_run: Change nothing.
        force: Believe the warehouse.

    Returns:
        What `mfn inventory --json` prints.

    Raises:
        ConfigurationError: Something is set up wrongly; nothing was started.
        LeaseHeldError: Another stock run works on this connection.
        RunFailedError: The run failed, Amazon refused levels, or the warehouse was not believed; it has what the run
            did all the same.
    """
    return _carried_out(settings, inventory_run(settings, connection, full=full, dry_run=dry_run, force=force))


def _carried_out(settings: Settings, run: AbstractContextManager[BatchRef]) -> dict[str, Any]:
    begun = time.monotonic()
    with run as batch:
        try:
            run_steps(batch, settings)
        except MfnError as error:
            summary = summary_of(settings, batch.batch_id) | {"seconds": round(time.monotonic() - begun, 3)}
            raise RunFailedError(error, summary) from error
    return summary_of(settings, batch.batch_id) | {"seconds": round(time.monotonic() - begun, 3)}

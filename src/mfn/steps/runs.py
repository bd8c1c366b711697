"""Runs: a lease, a batch, its steps in order, a report at the end, whatever happened."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.amazon.orders import in_utc
from mfn.connections import find_connection
from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.batches import OPENED, list_batches, open_batch
from mfn.ledger.landing import get_watermark
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.steps.extract import SETTLED_AFTER
from mfn.steps.report import report
from mfn.steps.stages import STEPS, perform, stages
from mfn.steps.summaries import summary_of
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings

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
    check_set_up(place)
    with lease(place.ledger, connection, kind) as token:
        yield open_batch(
            place.ledger, connection, kind, lease=token, parameters=parameters, last_stage=stages(kind)[-1]
        )


def check_set_up(place: Any) -> None:
    """Raise every fault of the set-up at once, before anything is started.

    Args:
        place: The workplace.

    Raises:
        ConfigurationError: Mappings or credentials are wrong.
    """
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

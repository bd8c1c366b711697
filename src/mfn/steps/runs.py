"""Runs: a lease, a batch, its steps in order, and a report at the end, whatever happened."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.batch_opening import open_batch
from mfn.models import STAGES
from mfn.moments import in_utc
from mfn.steps.report import report
from mfn.steps.secret_age import warn_of_secret_age
from mfn.steps.set_up import WITHOUT_AMAZON, check_set_up, place_of
from mfn.steps.stages import STEPS, is_finished, perform
from mfn.steps.summaries import summary_of
from mfn.steps.waiting import run_lease

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings

log = logging.getLogger(__name__)


def import_parameters(
    *, since: datetime | None = None, order_id: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """The parameters of an import, as they are stored with its batch.

    Args:
        since: Fetch what changed since then rather than since the last import; without a zone it is UTC.
        order_id: Fetch this order only; spaces around it, as pasting adds them, are ignored.
        dry_run: Say what would be loaded, and change nothing.

    Raises:
        ConfigurationError: Both since and an order are given, since is not a time in UTC or is in the future, or the
            order's id is empty.
    """
    if since is not None and order_id is not None:
        raise ConfigurationError("since and order cannot be used together.", remedy="Give only one of them.")
    text, now = moment_text(since), datetime.now(UTC)
    if since is not None and in_utc(since) > now:
        raise ConfigurationError(
            f"since: {since} is in the future: it is now {now:%Y-%m-%d %H:%M} UTC.",
            remedy="Give a time in the past; a time without a zone is UTC.",
        )
    if order_id is not None and not order_id.strip():
        raise ConfigurationError("order is empty.", remedy="Give Amazon's order id, like 123-1234567-1234567.")
    return {"since": text, "order_id": order_id and order_id.strip(), "dry_run": dry_run}


def moment_text(since: datetime | None) -> str | None:
    """The moment from which a run looks, as it is stored with its batch.

    Args:
        since: The moment; without a zone it is UTC.

    Raises:
        ConfigurationError: In UTC it falls outside the calendar.
    """
    try:
        return None if since is None else in_utc(since).isoformat()
    except OverflowError:
        raise ConfigurationError(
            f"since: {since} is not a valid time in UTC.", remedy="Write it as 2026-11-24 or 2026-11-24T08:00:00Z."
        ) from None


def inventory_parameters(*, full: bool = False, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
    """The parameters of a stock run, as they are stored with its batch.

    Args:
        full: Read all listings again, and send every level, including those that Amazon has already.
        dry_run: Say what would be sent, and change nothing.
        force: Send even if the warehouse lost so much stock that it would not be believed.
    """
    return {"full": full, "dry_run": dry_run, "force": force}


@contextmanager
def new_run(
    settings: Settings,
    connection: str,
    kind: BatchKind,
    parameters: Mapping[str, Any],
    *,
    flow_run_id: str | None = None,
) -> Iterator[BatchRef]:
    """Hold the lease of a connection and kind, and a batch to work on.

    Every fault of the set-up is found here, before anything is started.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        kind: The kind of run.
        parameters: The run's parameters.
        flow_run_id: The flow run that it belongs to, if Prefect runs it.

    Yields:
        The batch: a new one, or one with the same parameters that was interrupted.

    Raises:
        ConfigurationError: Settings, connections or mappings are wrong.
        LeaseHeldError: Another run of this kind works on this connection.
    """
    place = place_of(settings, connection, kind)
    if kind not in WITHOUT_AMAZON:
        check_set_up(place)
        warn_of_secret_age(place)
    with run_lease(place.ledger, connection, kind) as token:
        yield open_batch(
            place.ledger,
            connection,
            kind,
            lease=token,
            parameters=parameters,
            last_stage=STAGES[kind][-1],
            flow_run_id=flow_run_id,
        )


def run_steps(batch: BatchRef, settings: Settings) -> None:
    """Carry out the steps of a batch that are not finished yet, then write its report, also when a step fails.

    Args:
        batch: The batch, its lease held.
        settings: The settings in force.

    Raises:
        MfnError: A step failed, or the quality gate closed; the report is written all the same.
    """
    try:
        for step in STEPS[batch.kind]:
            if not is_finished(step, batch):
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


def run_import(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """An import without Prefect, `asked` as `import_parameters` takes it; returns what `mfn import --json` prints.

    Raises:
        MfnError: As `new_run` and `carried_out`.
    """
    return carried_out(settings, new_run(settings, connection, "import", import_parameters(**asked)))


def run_confirm(settings: Settings, connection: str) -> dict[str, Any]:
    """A confirm run without Prefect; returns what `mfn confirm --json` prints.

    Raises:
        MfnError: As `new_run` and `carried_out`; also where Amazon refused parcels.
    """
    return carried_out(settings, new_run(settings, connection, "confirm", {}))


def run_inventory(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """A stock run without Prefect, `asked` as `inventory_parameters` takes it.

    Returns:
        What `mfn inventory --json` prints.

    Raises:
        MfnError: As `new_run` and `carried_out`; also where Amazon refused levels, or the warehouse was not believed.
    """
    return carried_out(settings, new_run(settings, connection, "inventory", inventory_parameters(**asked)))


def carried_out(settings: Settings, run: AbstractContextManager[BatchRef]) -> dict[str, Any]:
    """Carry out a run, from its first step to its report.

    Args:
        settings: The settings in force.
        run: The context manager that holds its lease and yields its batch.

    Returns:
        What its command prints with `--json`.

    Raises:
        MfnError: It was not started.
        RunFailedError: It failed after that.
    """
    begun = time.monotonic()
    with run as batch:
        try:
            run_steps(batch, settings)
        except MfnError as error:
            summary = summary_of(settings, batch.batch_id) | {"seconds": round(time.monotonic() - begun, 3)}
            raise RunFailedError(error, summary) from error
    return summary_of(settings, batch.batch_id) | {"seconds": round(time.monotonic() - begun, 3)}

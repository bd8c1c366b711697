"""What a flow holds while it runs, a lease and a batch, and how it appears in the Prefect UI."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext

from mfn.errors import LeaseHeldError
from mfn.settings import load_settings
from mfn.steps.late_runs import just_ended, why_needless
from mfn.steps.reconciling.runs import reconcile_parameters
from mfn.steps.rerunning.reruns import batch_of, rerun_of
from mfn.steps.runs import import_parameters, inventory_parameters, new_run
from mfn.steps.summaries import report_url, window_of
from tasks.alerts import send_alerts
from tasks.endings import NothingToDoError
from tasks.showing import SHOWN_SECONDS, only_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from prefect.client.schemas.objects import FlowRun

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings
    from tasks.endings import Ending


def import_batch(
    end: Ending, connection: str, *, since: datetime | None, order_id: str | None, dry_run: bool
) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's imports, and a batch to work on; see `held_batch`."""
    parameters = import_parameters(since=since, order_id=order_id, dry_run=dry_run)
    return held_batch(end, connection, "import", parameters)


def confirm_batch(end: Ending, connection: str) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's confirmations, and a batch to work on; see `held_batch`."""
    return held_batch(end, connection, "confirm", {})


def inventory_batch(
    end: Ending, connection: str, *, full: bool, dry_run: bool, force: bool
) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's stock runs, and a batch to work on; see `held_batch`."""
    parameters = inventory_parameters(full=full, dry_run=dry_run, force=force)
    return held_batch(end, connection, "inventory", parameters)


def reconcile_batch(end: Ending, connection: str, *, since: datetime | None) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's reconciliations, and a batch to work on; see `held_batch`."""
    return held_batch(end, connection, "reconcile", reconcile_parameters(load_settings(), connection, since=since))


@contextmanager
def held_batch(end: Ending, connection: str, kind: BatchKind, parameters: Mapping[str, Any]) -> Iterator[BatchRef]:
    """Hold the lease of a connection and kind, and a batch to work on.

    A flow run that Prefect starts again, as Retry does, resumes the batch of its earlier try.

    Args:
        end: How the flow run ends; told the batch.
        connection: The connection's name.
        kind: The kind of run.
        parameters: The run's parameters.

    Raises:
        NothingToDoError: The schedule started it, and another run has done its work, or an import is at work.
        ConfigurationError: Something is set up wrongly; nothing was started.
        LeaseHeldError: Another run of this kind works on the connection.
    """
    settings = load_settings()
    due_at = _due_at()
    if due_at is not None:
        needless = why_needless(settings, connection, kind, parameters, due_at=due_at)
        if needless is not None:
            _send_alerts_of(settings, needless.batch_id)
            raise NothingToDoError(needless.why)
    flow_run_id = this_flow_run_id()
    begun = None if flow_run_id is None else batch_of(settings, flow_run_id, connection, kind)
    run = (
        new_run(settings, connection, kind, parameters, flow_run_id=flow_run_id)
        if begun is None
        else rerun_of(settings, begun, flow_run_id=flow_run_id)
    )
    try:
        with run as batch:
            end.batch_id = batch.batch_id
            yield batch
    except LeaseHeldError as held:
        # People hear of an import that never ends, as mfn.import.done stays away; other kinds have nothing like that.
        if kind != "import" or due_at is None:
            raise
        _send_alerts_of(settings, just_ended(settings, connection))
        raise NothingToDoError(f"{held.message} The next scheduled run fetches what has changed since.") from None


def _due_at() -> datetime | None:
    """When the schedule wanted this flow run to start; None if a person started it, or pressed Retry."""
    flow_run = this_flow_run()
    if flow_run is None or not flow_run.auto_scheduled or flow_run.run_count > 1:
        return None
    return flow_run.expected_start_time


def _send_alerts_of(settings: Settings, batch_id: str | None) -> None:
    """Send the alerts of an import that ran without Prefect, as by `mfn follow`, and therefore alerted nobody."""
    page = None if batch_id is None else report_url(settings, batch_id)
    if batch_id is not None and page is not None:
        send_alerts(batch_id, settings, page)


def this_flow_run() -> FlowRun | None:
    """The flow run that this is called in."""
    context = FlowRunContext.get()
    return None if context is None else context.flow_run


def this_flow_run_id() -> str | None:
    """Its id, as the ledger keeps it."""
    flow_run = this_flow_run()
    return None if flow_run is None else str(flow_run.id)


async def show_window(batch: BatchRef) -> None:
    """Name the flow run after its connection and the window that it fetched."""
    flow_run = this_flow_run()
    if flow_run is not None:
        name = f"{batch.connection} {window_of(load_settings(), batch)}"
        with only_shown("the window of the run"):
            async with asyncio.timeout(SHOWN_SECONDS), get_client() as client:
                await client.update_flow_run(flow_run.id, name=name)

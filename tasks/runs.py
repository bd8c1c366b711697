"""What a flow holds while it runs, the lease and the batch, and how it shows in the Prefect UI."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Completed

from mfn.settings import load_settings
from mfn.steps.runs import confirm_run, import_run, inventory_run, was_just_fetched
from mfn.steps.summaries import window_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prefect import State

    from mfn.models import BatchRef


@contextmanager
def import_batch(connection: str, *, since: datetime | None, order_id: str | None, dry_run: bool) -> Iterator[BatchRef]:
    """Hold the lease of a connection's imports, and a batch to work on; see `mfn.steps.runs.import_run`."""
    with import_run(load_settings(), connection, since=since, order_id=order_id, dry_run=dry_run) as batch:
        yield batch


@contextmanager
def confirm_batch(connection: str) -> Iterator[BatchRef]:
    """Hold the lease of a connection's confirmations, and a batch to work on; see `mfn.steps.runs.confirm_run`."""
    with confirm_run(load_settings(), connection) as batch:
        yield batch


@contextmanager
def inventory_batch(connection: str, *, full: bool, dry_run: bool, force: bool) -> Iterator[BatchRef]:
    """Hold the lease of a connection's stock runs, and a batch to work on; see `mfn.steps.runs.inventory_run`."""
    with inventory_run(load_settings(), connection, full=full, dry_run=dry_run, force=force) as batch:
        yield batch


def is_nothing_to_do(connection: str) -> bool:
    """Whether the schedule started this run, never a person, and another one fetched its window a moment ago."""
    context = FlowRunContext.get()
    by_schedule = context is not None and context.flow_run is not None and context.flow_run.auto_scheduled
    return by_schedule and was_just_fetched(load_settings(), connection)


def skipped(why: str) -> State[Any]:
    """The end of a run that had nothing to do."""
    return Completed(name="Skipped", message=why)


async def show_window(batch: BatchRef) -> None:
    """Name the flow run after its connection and the window that it fetched."""
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None:
        async with get_client() as client:
            await client.update_flow_run(
                context.flow_run.id, name=f"{batch.connection} {window_of(load_settings(), batch)}"
            )

"""The tasks that reprocess orders: one plans the parts and has them done, the other does one part."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger

from mfn.errors import LeaseLostError, MfnError
from mfn.settings import load_settings
from mfn.steps.rerunning.reprocessed import failed_parts, summary_of_parts
from mfn.steps.rerunning.reprocessing import (
    connections_to_reprocess,
    part_run,
    reprocess_parameters,
    reprocessing_of,
)
from mfn.steps.runs import run_steps
from tasks.dispatching import dispatcher_of
from tasks.endings import NothingToDoError
from tasks.reruns import link_report
from tasks.running import named_only
from tasks.runs import this_flow_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.models import BatchRef
    from tasks.endings import Ending


def choose_connections(connections: list[str], **asked: Any) -> tuple[list[str], dict[str, Any]]:
    """The connections to reprocess, and the parameters of the parts.

    Args:
        connections: Their names; all if empty.
        asked: As `reprocess_parameters` takes it.

    Raises:
        ConfigurationError: As `reprocess_parameters` and `connections_to_reprocess`.
    """
    parameters = reprocess_parameters(**asked)
    return connections_to_reprocess(load_settings(), connections), parameters


@task(name="reprocess", task_run_name="reprocess {connection}", cache_policy=NO_CACHE, persist_result=False)
async def reprocess_connection(connection: str, asked: dict[str, Any]) -> str | None:
    """Reprocess orders of a connection, on whatever workers the pool has.

    Args:
        connection: The connection's name.
        asked: What `choose_connections` returned.

    Returns:
        How it failed, or None.
    """
    settings = load_settings()
    try:
        with reprocessing_of(settings, connection, asked) as work:
            async with get_client() as client:
                dispatcher = await dispatcher_of(client, settings, work)
                while not work.is_over:
                    with work.wave() as token:
                        await dispatcher.do_wave(token)
        done = summary_of_parts(settings, connection, work.begun)
        get_run_logger().info("%s", ", ".join(f"{name} {done[name]}" for name in done if isinstance(done[name], int)))
        if dispatcher.failures:
            raise failed_parts(connection, dispatcher.failures, work.begun)
    except MfnError as error:
        get_run_logger().error("%s", error.message)
        return f"{connection}: {error.message}\n{error.remedy}"
    return None


@contextmanager
def part_batch(end: Ending, batch: str, lease: str) -> Iterator[BatchRef]:
    """Hold a part.

    Args:
        end: How the flow run ends; told the batch.
        batch: The batch.
        lease: The token of the wave that it belongs to.

    Raises:
        NothingToDoError: The wave has ended.
        LeaseHeldError: Another process works on this part.
    """
    with ExitStack() as stack:
        try:
            part = stack.enter_context(part_run(load_settings(), batch, lease, flow_run_id=this_flow_run_id()))
        except LeaseLostError as ended:
            raise NothingToDoError(f"{ended.message} {ended.remedy}") from None
        end.batch_id = part.batch_id
        yield part


@task(name="part", task_run_name="part {part.batch_id}", cache_policy=NO_CACHE, persist_result=False)
def do_steps(part: BatchRef) -> None:
    """Carry out every step of a part, including its report, and link to that.

    Args:
        part: The part.

    Raises:
        MfnError: A step failed; see `named_only`.
    """
    settings = load_settings()
    try:
        with named_only("reprocess-part", part):
            run_steps(part, settings)
    finally:
        link_report(settings, part.batch_id)

"""The tasks that run batches again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.settings import load_settings
from mfn.steps.rerunning.reruns import check_batches, done_by, failed_batches, rerun_batch
from mfn.steps.summaries import failure_of, outcome_of, report_url
from tasks.runs import this_flow_run, this_flow_run_id
from tasks.showing import only_shown

if TYPE_CHECKING:
    from mfn.settings import Settings


def choose_batches(batches: list[str], *, failed: bool, from_stage: str | None) -> list[str]:
    """The batches to run again, each once, without those that an earlier try of this flow run has done.

    Args:
        batches: Batch ids.
        failed: Whether to add every batch that failed.
        from_stage: The stage to start with, or None.

    Raises:
        ConfigurationError: Neither batches nor `failed` were given, or some cannot be run again; names them all.
    """
    if not batches and not failed:
        raise ConfigurationError("neither batches nor failed were given.", remedy="Enter batch ids, or tick failed.")
    settings = load_settings()
    chosen = list(dict.fromkeys([*batches, *(failed_batches(settings) if failed else [])]))
    check_batches(settings, chosen, from_stage=from_stage)
    flow_run = this_flow_run()
    done = set() if flow_run is None or flow_run.run_count <= 1 else done_by(settings, str(flow_run.id))
    for batch_id in done.intersection(chosen):
        get_run_logger().info("%s: already done by an earlier attempt", batch_id)
    return [batch_id for batch_id in chosen if batch_id not in done]


@task(name="rerun", task_run_name="rerun {batch_id}", cache_policy=NO_CACHE, persist_result=False)
def rerun_one(batch_id: str, from_stage: str | None) -> str | None:
    """Run one batch again, its report included, and link to the report.

    Returns:
        How it failed again, or None.
    """
    settings = load_settings()
    flow_run_id = this_flow_run_id()
    failure: str | None = None
    try:
        rerun_batch(settings, batch_id, from_stage=from_stage, flow_run_id=flow_run_id)
    except RunFailedError as error:
        failure = failure_of(settings, batch_id, error)
    except MfnError as error:
        failure = f"{batch_id} was not started: {error.message}\n{error.remedy}"
    else:
        get_run_logger().info("%s", outcome_of(settings, batch_id))
    if failure is not None:
        get_run_logger().error("%s", failure)
    link_report(settings, batch_id)
    return failure


def link_report(settings: Settings, batch_id: str) -> None:
    """Link to the page of a batch; one that never got as far as a page has none."""
    url = report_url(settings, batch_id)
    if url is not None:
        with only_shown("the link to the report"):
            create_link_artifact(link=url, link_text=batch_id, description=f"The report of {batch_id}")

"""The tasks that run batches again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from mfn.errors import ConfigurationError, MfnError
from mfn.settings import load_settings
from mfn.steps.reruns import failed_batches, rerun_batch

if TYPE_CHECKING:
    from prefect import State


def choose_batches(batches: list[str], *, failed: bool) -> list[str]:
    """The batches that are meant, each once.

    Raises:
        ConfigurationError: Neither batches nor `failed` were given.
    """
    if not batches and not failed:
        raise ConfigurationError("neither batches nor failed were given.", remedy="Name batches, or tick failed.")
    chosen = [*batches, *(failed_batches(load_settings()) if failed else [])]
    return list(dict.fromkeys(chosen))


@task(name="rerun", task_run_name="rerun {batch_id}", cache_policy=NO_CACHE, persist_result=False)
def rerun_one(batch_id: str, from_stage: str | None) -> str | None:
    """Run one batch again, its report included.

    Returns:
        What failed again, or None.
    """
    try:
        summary = rerun_batch(load_settings(), batch_id, from_stage=from_stage)
    except MfnError as error:
        get_run_logger().error("%s: %s %s", batch_id, error.message, error.remedy)
        return f"{batch_id}: {error.message} {error.remedy}"
    get_run_logger().info("%s: done, report %s", batch_id, summary["report"])
    return None


def verdict(failures: list[str | None]) -> State[Any]:
    """How a rerun of several batches ends: failed if one of them failed again, and which."""
    failed = [failure for failure in failures if failure is not None]
    if failed:
        return Failed(message="\n".join(failed))
    return Completed(message=f"{len(failures)} batches were run again." if failures else "No batch had failed.")

"""What every task does around its step: retries by the error's class, and one line with the counts."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from mfn.errors import FatalError, MfnError, RetriableError
from mfn.settings import load_settings
from mfn.steps.stages import is_finished, perform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prefect import Task
    from prefect.client.schemas.objects import State, TaskRun

    from mfn.models import BatchRef
    from mfn.settings import Settings


def _without_traceback(record: logging.LogRecord) -> bool:
    """Take the traceback off what Prefect logs of a task that raised an error written for people; let it pass."""
    if record.exc_info and isinstance(record.exc_info[1], MfnError):
        record.exc_info = None
    return True


# Prefect logs one for every error, as of a gate that closed: thirty lines of code, and nothing in them that is wrong.
logging.getLogger("prefect.task_runs").addFilter(_without_traceback)


def is_retriable(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is worth another try: the class of its error decides."""
    return isinstance(state.data, RetriableError)


STEP: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retry_condition_fn": is_retriable,
    "retries": 2,
    "retry_delay_seconds": [10, 60],
    "retry_jitter_factor": 0.3,
}
"""The options of a task that carries out a step: temporary failures are retried, anything else fails at once."""


def carry_out(step: Callable[[BatchRef, Settings], BatchRef], batch: BatchRef) -> BatchRef:
    """Carry out one step of a batch and log its counts; one that an earlier try has finished is skipped.

    Args:
        step: A step of `mfn.steps`.
        batch: The batch.

    Raises:
        MfnError: What the step raised, see `named_only`.
    """
    if is_finished(step, batch):
        get_run_logger().info("%s: already done by an earlier attempt", step.__name__)
        return batch
    with named_only(step.__name__, batch):
        done = perform(step, batch, load_settings())
    figures = ", ".join(f"{name} {count}" for name, count in done.counts.items())
    get_run_logger().info("%s: %s", step.__name__, figures or "done")  # what only reads counts nothing
    return done


@contextmanager
def named_only(what: str, batch: BatchRef) -> Iterator[None]:
    """Let only errors that are written for people leave a task.

    Args:
        what: What is carried out.
        batch: The batch.

    Raises:
        MfnError: What was raised, if it is one. Anything unforeseen becomes a FatalError that names its class only:
            Prefect keeps what a task raises, and its text may quote a buyer.
    """
    try:
        yield
    except MfnError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        raise FatalError(
            f"{what} failed unexpectedly: {type(error).__name__}.",
            remedy=f"Run it by hand to see where: mfn rerun {batch.batch_id} --debug.",
        ) from None

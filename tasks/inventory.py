"""The tasks of a stock run, in order: `read`, `compare`, `push`, `verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.stock.compare import compare as compare_step
from mfn.steps.stock.push import push as push_step
from mfn.steps.stock.read import read as read_step
from mfn.steps.stock.verify import verify as verify_step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="read", task_run_name="read {batch.batch_id}", **STEP)
def read(batch: BatchRef) -> BatchRef:
    """Read what the warehouse has, what is promised, and what is listed at Amazon.

    Args:
        batch: The batch, just opened.

    Returns:
        The batch after this step.
    """
    return carry_out(read_step, batch)


@task(name="compare", task_run_name="compare {batch.batch_id}", **STEP)
def compare(batch: BatchRef) -> BatchRef:
    """Compute every level, hold back what cannot be right, and find what has not been sent to Amazon yet.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(compare_step, batch)


@task(name="push", task_run_name="push {batch.batch_id}", **STEP)
def push(batch: BatchRef) -> BatchRef:
    """Send every level that is due to Amazon, in the way that costs less of the rate budget.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(push_step, batch)


@task(name="verify", task_run_name="verify {batch.batch_id}", **STEP)
def verify(batch: BatchRef) -> BatchRef:
    """Follow feeds to their processing report, and check that Amazon shows what was sent.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(verify_step, batch)

"""The tasks of a confirm run, in order: `collect`, `normalize`, `confirm`, `verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.confirming.collect import collect as collect_step
from mfn.steps.confirming.confirm import confirm as confirm_step
from mfn.steps.confirming.normalize import normalize as normalize_step
from mfn.steps.confirming.verify import verify as verify_step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="collect", task_run_name="collect {batch.batch_id}", **STEP)
def collect(batch: BatchRef) -> BatchRef:
    """Record what the warehouse has shipped or changed since the last run.

    Args:
        batch: The batch, just opened.

    Returns:
        The batch after this step.
    """
    return carry_out(collect_step, batch)


@task(name="normalize", task_run_name="normalize {batch.batch_id}", **STEP)
def normalize(batch: BatchRef) -> BatchRef:
    """Decide what is sent to Amazon for each parcel, or why it is not confirmed.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(normalize_step, batch)


@task(name="confirm", task_run_name="confirm {batch.batch_id}", **STEP)
def confirm(batch: BatchRef) -> BatchRef:
    """Confirm each parcel to Amazon, the most urgent first.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(confirm_step, batch)


@task(name="verify", task_run_name="verify {batch.batch_id}", **STEP)
def verify(batch: BatchRef) -> BatchRef:
    """Check that Amazon shows what was confirmed an hour ago or earlier.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(verify_step, batch)

"""The task of the step `transform`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.importing.transform import transform as step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="transform", task_run_name="transform {batch.batch_id}", **STEP)
def transform(batch: BatchRef) -> BatchRef:
    """Turn good orders into the warehouse's rows.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(step, batch)

"""The task of the step `load`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.importing.load import load as step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="load", task_run_name="load {batch.batch_id}", **STEP)
def load(batch: BatchRef) -> BatchRef:
    """Write the staged orders into the warehouse, and the units promised to them as reservations.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(step, batch)

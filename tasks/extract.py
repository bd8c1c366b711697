"""The task of the step `extract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.importing.extract import extract as step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="extract", task_run_name="extract {batch.batch_id}", **STEP)
def extract(batch: BatchRef) -> BatchRef:
    """Land what changed at Amazon within the window of the batch.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(step, batch)

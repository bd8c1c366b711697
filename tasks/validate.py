"""The task of the step `validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.importing.validate import validate as step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="validate", task_run_name="validate {batch.batch_id}", **STEP)
def validate(batch: BatchRef) -> BatchRef:
    """Give every order of the batch its verdict.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(step, batch)

"""The tasks of a reconciliation, in order: `search`, `compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task

from mfn.steps.reconciling.compare import compare as compare_step
from mfn.steps.reconciling.search import search as search_step
from tasks.running import STEP, carry_out

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="search", task_run_name="search {batch.batch_id}", **STEP)
def search(batch: BatchRef) -> BatchRef:
    """Ask Amazon for the orders of the period, and for those that it should have returned but did not.

    Args:
        batch: The batch, just opened.

    Returns:
        The batch after this step.
    """
    return carry_out(search_step, batch)


@task(name="compare", task_run_name="compare {batch.batch_id}", **STEP)
def compare(batch: BatchRef) -> BatchRef:
    """Compare what Amazon answered with the ledger and the warehouse.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(compare_step, batch)

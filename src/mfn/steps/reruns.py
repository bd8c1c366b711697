"""Running batches again, without Prefect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mfn.ledger.batches import list_batches
from mfn.ledger.opening import open_ledger
from mfn.steps.runs import rerun_of, run_steps, summary_of

if TYPE_CHECKING:
    from mfn.settings import Settings


def failed_batches(settings: Settings) -> list[str]:
    """The ids of every batch that failed, oldest first, so that newer ones build on them."""
    return [row.batch_id for row in reversed(list_batches(open_ledger(settings), failed=True))]


def rerun_batch(settings: Settings, batch_id: str, *, from_stage: str | None = None) -> dict[str, Any]:
    """Run one batch again.

    Args:
        settings: The settings in force.
        batch_id: The batch.
        from_stage: The stage to start with; None: the one at which it failed.

    Returns:
        What the batch's own command prints with --json.

    Raises:
        MfnError: It failed again; its report is written.
    """
    begun = time.monotonic()
    with rerun_of(settings, batch_id, from_stage=from_stage) as batch:
        run_steps(batch, settings)
    return summary_of(settings, batch_id) | {"seconds": round(time.monotonic() - begun, 3)}

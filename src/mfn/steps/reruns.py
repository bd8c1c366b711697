"""Running batches again, without Prefect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mfn.ledger.batches import OPENED, get_batch, list_batches, note_dead_batches
from mfn.ledger.opening import open_ledger
from mfn.steps.runs import rerun_of, run_steps
from mfn.steps.summaries import summary_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

    from mfn.settings import Settings


def failed_batches(settings: Settings) -> list[str]:
    """The ids of every batch that failed or died, oldest first, so that newer ones build on them.

    A dry run, and an order that a person asked for and Amazon does not know, left nothing to be done.
    """
    ledger = open_ledger(settings)
    note_dead_batches(ledger)
    return [row.batch_id for row in reversed(list_batches(ledger, failed=True)) if _has_work_left(row)]


def _has_work_left(row: Row[Any]) -> bool:
    asked_in_vain = row.parameters.get("order_id") is not None and row.stage == OPENED
    return not row.parameters.get("dry_run") and not asked_in_vain


def check_batches_exist(settings: Settings, batch_ids: Iterable[str]) -> None:
    """Refuse ids that no batch has, before any other is run.

    Raises:
        ConfigurationError: Names the first of them.
    """
    ledger = open_ledger(settings)
    for batch_id in batch_ids:
        get_batch(ledger, batch_id)


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

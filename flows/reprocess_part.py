"""One part of a reprocessing; `reprocess-orders` starts it, wherever the work pool has a worker."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.endings import ending
from tasks.reprocess import do_steps, part_batch


@flow(name="reprocess-part", flow_run_name="{batch}")
async def reprocess_part(batch: str, lease: str) -> State[Any] | None:
    """Check, transform and load the orders of one batch again.

    Args:
        batch: The batch, as reprocess-orders created it.
        lease: Shows that reprocess-orders still waits for it; without it nothing is started.
    """
    with ending() as end, part_batch(end, batch, lease) as part:
        do_steps(part)
    return end.state

"""Batches that exist, run again from the stage at which they failed, or from a chosen one."""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from tasks.endings import ending, verdict
from tasks.reruns import choose_batches, rerun_one


@flow(name="rerun-batches")
async def rerun_batches(
    batches: list[str] = [],  # noqa: B006 - the form in the Prefect UI shows it; nothing changes it
    failed: bool = False,
    from_stage: Literal[
        "extract",
        "validate",
        "transform",
        "load",
        "collect",
        "normalize",
        "confirm",
        "verify",
        "read",
        "compare",
        "push",
        "search",
        "purge",
        "scrub",
    ]
    | None = None,
) -> State[Any] | None:
    """Run batches again; nothing is done twice, and a batch that fails again does not stop the others.

    Args:
        batches: Batch ids, as `mfn batches` and the reports show them.
        failed: Every batch that failed.
        from_stage: The stage to start with; empty: the one where each failed.
    """
    with ending() as end:
        chosen = choose_batches(batches, failed=failed, from_stage=from_stage)
        failures = [rerun_one(batch_id, from_stage) for batch_id in chosen]
        end.state = verdict(chosen, failures, failed_how="failed again", nothing="Nothing to run again.")
    return end.state

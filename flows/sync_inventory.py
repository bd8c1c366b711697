"""Stock out: from the warehouse to Amazon, for one connection and one batch."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.endings import ending
from tasks.inventory import compare, push, read, verify
from tasks.report import report
from tasks.runs import inventory_batch


@flow(name="sync-inventory", flow_run_name="{connection}")
async def sync_inventory(
    connection: str, full: bool = False, dry_run: bool = False, force: bool = False
) -> State[Any] | None:
    """Tell Amazon what the warehouse has to sell, never more, and see that Amazon shows it.

    Stock that fails a check is held with its reasons, and examined again in every run. Nothing is sent where the
    warehouse lost too much to be believed. The report of the run is among its artifacts.

    Args:
        connection: A connection of connections.yaml.
        full: Read all listings anew, and send every level, also those sent before.
        dry_run: Say what would be sent; nothing changes.
        force: Send also where the warehouse lost more than is believed.
    """
    with ending() as end, inventory_batch(end, connection, full=full, dry_run=dry_run, force=force) as batch:
        try:
            batch = read(batch)  # noqa: PLW2901 - each step hands on the batch as it left it
            batch = compare(batch)  # noqa: PLW2901
            batch = push(batch)  # noqa: PLW2901
            batch = verify(batch)  # noqa: PLW2901
        finally:
            report(batch)
    return end.state

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
    """Send the warehouse's stock levels to Amazon, never more than it has, and check that Amazon shows them.

    Stock that fails a check is held with its reasons, and checked again in every run. Nothing is sent if stock fell so
    far that the brake holds every level. The report of the run is among its artifacts.

    Args:
        connection: A connection of connections.yaml.
        full: Read all listings again, and send every level, including those sent before.
        dry_run: Show what would be sent; nothing changes.
        force: Send even if stock fell so far that the brake would hold every level.
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

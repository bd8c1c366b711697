"""Buyers' data past its retention is removed from the ledger, and from the warehouse where configured."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.endings import ending, verdict
from tasks.purge import every_connection, purge_one


@flow(name="purge-expired")
async def purge_expired(dry_run: bool = False) -> State[Any] | None:
    """Remove buyers' data past its retention, for every connection; the rest of each order stays.

    A connection that fails does not stop the others. The report of each is among the artifacts of the run.

    Args:
        dry_run: Show what would be removed; nothing changes.
    """
    with ending() as end:
        connections = every_connection()
        failures = [purge_one(connection, dry_run=dry_run) for connection in connections]
        end.state = verdict(connections, failures, failed_how="failed", nothing="Nothing to purge.")
    return end.state

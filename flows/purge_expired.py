"""Buyers' data that is past its retention leaves the ledger, and the warehouse where that is wanted."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.endings import ending, verdict
from tasks.purge import every_connection, purge_one


@flow(name="purge-expired")
async def purge_expired(dry_run: bool = False) -> State[Any] | None:
    """Remove buyers' data past its retention, of every connection; what else is known of the orders stays.

    A connection that fails does not stop the others. The report of each is among the artifacts of the run.

    Args:
        dry_run: Say what would be removed, and change nothing.
    """
    with ending() as end:
        connections = every_connection()
        failures = [purge_one(connection, dry_run=dry_run) for connection in connections]
        end.state = verdict(connections, failures, failed_how="failed", nothing="Nothing to purge.")
    return end.state

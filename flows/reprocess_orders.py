"""Orders in the ledger, processed again from the checks on, in parts that any worker of the pool may take."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Prefect reads the types when it runs
from typing import Any

from prefect import State, flow

from tasks.endings import ending, verdict
from tasks.reprocess import choose_connections, reprocess_connection


@flow(name="reprocess-orders")
async def reprocess_orders(
    connections: list[str] = [],  # noqa: B006 - the form in the Prefect UI shows it; nothing changes it
    since: datetime | None = None,
    before: datetime | None = None,
    status: str | None = None,
    dry_run: bool = False,
) -> State[Any] | None:
    """Check, transform and load orders in the ledger again, for example after changing the mappings.

    They are split into batches, each a separate flow run of reprocess-part. An interrupted run is resumed.

    Args:
        connections: Connections of connections.yaml; none: all of them.
        since: Orders that changed at Amazon at this time or later; empty: from the first on.
        before: Orders that changed at Amazon before this time; empty: up to the last.
        status: Orders with this status, e.g. loaded; empty: all but held ones, which every import checks again.
        dry_run: Show what would be loaded again; nothing reaches the warehouse.
    """
    with ending() as end:
        chosen, asked = choose_connections(connections, since=since, before=before, status=status, dry_run=dry_run)
        failures = [await reprocess_connection(connection, asked) for connection in chosen]
        end.state = verdict(chosen, failures, failed_how="failed", nothing="There are no connections.")
    return end.state

"""Drift: Amazon, the ledger and the warehouse compared, for one connection and one batch."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Prefect reads the types when it runs
from typing import Any

from prefect import State, flow

from tasks.endings import ending
from tasks.reconcile import compare, search
from tasks.report import report
from tasks.runs import reconcile_batch


@flow(name="reconcile", flow_run_name="{connection}")
async def reconcile(connection: str, since: datetime | None = None) -> State[Any] | None:
    """Compare Amazon, the ledger and the warehouse, and find the orders that Amazon's searches left out.

    A run that finds differences fails, so that somebody is notified. The report, among its artifacts, has the command
    that fixes each one.

    Args:
        connection: A connection of connections.yaml.
        since: Compare orders placed since this time; empty: those of the last three days.
    """
    with ending() as end, reconcile_batch(end, connection, since=since) as batch:
        try:
            batch = search(batch)  # noqa: PLW2901 - each step hands on the batch as it left it
            batch = compare(batch)  # noqa: PLW2901
        finally:
            report(batch)
    return end.state

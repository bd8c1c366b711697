"""Orders in: from Amazon to the warehouse, for one connection and one batch."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Prefect reads the types when it runs
from typing import Any

from prefect import State, flow

from tasks.endings import ending
from tasks.extract import extract
from tasks.load import load
from tasks.report import report
from tasks.runs import import_batch, show_window
from tasks.transform import transform
from tasks.validate import validate


@flow(name="import-orders", flow_run_name="{connection}")
async def import_orders(
    connection: str, since: datetime | None = None, order: str | None = None, dry_run: bool = False
) -> State[Any] | None:
    """Fetch orders from Amazon, check them, and load the good ones into the warehouse.

    Orders that fail a check are held with their reasons, checked again in every run, and released automatically. The
    report of the run is among its artifacts.

    Args:
        connection: A connection of connections.yaml.
        since: Fetch orders changed at Amazon since this time; empty: since the last import.
        order: Fetch only this order, by Amazon's order id.
        dry_run: Show what would be loaded; nothing reaches the warehouse.
    """
    with ending() as end, import_batch(end, connection, since=since, order_id=order, dry_run=dry_run) as batch:
        try:
            batch = extract(batch)  # noqa: PLW2901 - each step hands on the batch as it left it
            await show_window(batch)
            batch = validate(batch)  # noqa: PLW2901
            batch = transform(batch)  # noqa: PLW2901
            batch = load(batch)  # noqa: PLW2901
        finally:
            report(batch)
    return end.state

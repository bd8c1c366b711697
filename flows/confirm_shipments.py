"""Shipments out: from the warehouse to Amazon, for one connection and one batch."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.confirm import collect, confirm, normalize, verify
from tasks.endings import ending
from tasks.report import report
from tasks.runs import confirm_batch


@flow(name="confirm-shipments", flow_run_name="{connection}")
async def confirm_shipments(connection: str) -> State[Any] | None:
    """Confirm the warehouse's shipments to Amazon, with a carrier that Amazon accepts, and check that Amazon shows it.

    Parcels that fail a check are held with their reasons, checked again in every run, and released automatically. The
    report of the run is among its artifacts.

    Args:
        connection: A connection of connections.yaml.
    """
    with ending() as end, confirm_batch(end, connection) as batch:
        try:
            batch = collect(batch)  # noqa: PLW2901 - each step hands on the batch as it left it
            batch = normalize(batch)  # noqa: PLW2901
            batch = confirm(batch)  # noqa: PLW2901
            batch = verify(batch)  # noqa: PLW2901
        finally:
            report(batch)
    return end.state

"""Orders in without a schedule: as soon as Amazon's rates allow it and notifications name them."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks.endings import ending
from tasks.follow import follow


@flow(name="follow-orders", flow_run_name="{connection}")
async def follow_orders(connection: str) -> State[Any] | None:
    """Import the orders of a connection again and again, until the run is cancelled.

    Each import is a separate batch with its own report; one that fails is retried after a while.

    Args:
        connection: A connection of connections.yaml.
    """
    with ending() as end:
        follow(connection)
    return end.state

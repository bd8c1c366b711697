"""Amazon's two ways to orders, as the simulated day's bounds take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Lane:
    """A way to get orders.

    Attributes:
        rate: Calls a second that come back.
        burst: Calls that a full bucket holds, as at the beginning of the day.
        orders: How many orders a call brings at most.
        delay: How old an order must be, in seconds, until a call can bring it.
    """

    rate: float
    burst: int
    orders: int
    delay: float


SEARCH = Lane(0.0056, 20, 100, 120.0)
"""searchOrders (orders_2026-01-01.json, 2026-07-29): its end bound must be two minutes in the past."""

GET = Lane(0.5, 30, 1, 0.0)
"""getOrder (the same model)."""


class Bound(NamedTuple):
    """What the oldest order's age cannot be below, in seconds.

    Attributes:
        maximum: At its worst.
        mean: On average over the day.
    """

    maximum: float
    mean: float

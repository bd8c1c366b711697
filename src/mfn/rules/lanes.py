"""The present state of the two ways of getting orders from Amazon: the calls left for each, and the rate of orders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MEMORY_SECONDS = 600.0
"""The span over which the rate of orders is averaged."""

A_LITTLE = timedelta(milliseconds=10)
"""Added to each wait, so that the call is there in spite of rounding."""


@dataclass(frozen=True)
class Lane:
    """The present rate budget of an operation.

    Attributes:
        tokens: Calls that may be made at once.
        rate: Calls a second that come back.
        burst: Calls that a full bucket holds.
    """

    tokens: float
    rate: float
    burst: int

    def has(self, calls: float) -> bool:
        """Whether a number of calls may be made now."""
        return self.tokens >= calls

    def until(self, calls: float) -> timedelta:
        """How long until a number of calls may be made."""
        missing = calls - self.tokens
        return timedelta(seconds=missing / self.rate) + A_LITTLE if missing > 0 else timedelta()


@dataclass(frozen=True)
class Flow:
    """The rate at which orders change, judging by the searches so far.

    Attributes:
        per_second: Orders a second.
        searched_at: When the last search was made, or None.
    """

    per_second: float = 0.0
    searched_at: datetime | None = None

    def seen(self, orders: int, span: timedelta, now: datetime) -> Flow:
        """The flow after a search.

        Args:
            orders: How many orders the search found in the span.
            span: The time that it covered.
            now: The present moment.
        """
        seconds = max(span.total_seconds(), 1.0)
        weight = 1 - math.exp(-seconds / MEMORY_SECONDS)
        return Flow(self.per_second + weight * (orders / seconds - self.per_second), now)

"""The two lanes out of Amazon as they stand now: what calls each of them has left, and how many orders come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MEMORY_SECONDS = 600.0
"""Over this span the number of orders an hour is averaged."""

A_LITTLE = timedelta(milliseconds=10)
"""Waited on top, so that the call is there in spite of rounding."""


@dataclass(frozen=True)
class Lane:
    """The rate budget of an operation, as it stands now.

    Attributes:
        tokens: Calls that may be made at once.
        rate: Calls a second that come back.
        burst: Calls that a full bucket holds.
    """

    tokens: float
    rate: float
    burst: int

    def has(self, calls: float) -> bool:
        """Whether so many calls may be made now."""
        return self.tokens >= calls

    def until(self, calls: float) -> timedelta:
        """How long until so many calls may be made."""
        missing = calls - self.tokens
        return timedelta(seconds=missing / self.rate) + A_LITTLE if missing > 0 else timedelta()


@dataclass(frozen=True)
class Flow:
    """How many orders change, as the searches so far have shown it.

    Attributes:
        per_second: Orders a second.
        searched_at: When the last search was made; None: none yet.
    """

    per_second: float = 0.0
    searched_at: datetime | None = None

    def seen(self, orders: int, span: timedelta, now: datetime) -> Flow:
        """The same after a search.

        Args:
            orders: How many orders the search brought for the span.
            span: What it went through.
            now: The present moment.
        """
        seconds = max(span.total_seconds(), 1.0)
        weight = 1 - math.exp(-seconds / MEMORY_SECONDS)
        return Flow(self.per_second + weight * (orders / seconds - self.per_second), now)

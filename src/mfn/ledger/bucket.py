"""A token bucket: how many of an operation's calls remain, and how many are refilled when."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_SKEW_SECONDS = 60
"""By how much the ledger's clock may go back without the same seconds being refilled twice; if it goes back further, as
when the machine of a SQLite ledger restarts, it counts as a new clock."""

ROUNDED = 0.00005
"""By how much a stated rate may exceed the real one: Amazon rounds to four places (0.0056 for 20 an hour)."""

CAUTION, SLOW_CAUTION = 0.99, 0.999
"""The share of a stated rate that is relied on: Amazon counts calls as they arrive, which may be a moment late.
It is larger below a call a second, where that moment is short compared with the time between two calls."""

ROUNDING_SECONDS = 0.001
"""Added to each wait, so that the token is there in spite of rounding."""


@dataclass
class Bucket:
    """The remaining calls of an operation.

    Attributes:
        tokens: Calls that may be made, with the fraction that has come back so far; below zero by those that were
            booked ahead.
        rate: Calls a second that come back, as Amazon states it.
        counted_at: The time of `tokens`, in seconds.
    """

    tokens: float
    rate: float
    counted_at: float

    def refill(self, now: float, burst: int) -> None:
        """Add what has come back since the last count.

        Args:
            now: The present moment, in seconds. One before the last count adds nothing.
            burst: Calls that a full bucket holds.
        """
        counted_at = self.counted_at if self.counted_at <= now + CLOCK_SKEW_SECONDS else now
        self.tokens = min(self.tokens + max(0.0, now - counted_at) * self.refill_rate, burst)
        self.counted_at = max(counted_at, now)

    def take(self, now: float, leaving: int = 0) -> float:
        """Take a token from a bucket that was refilled for `now`.

        Args:
            now: The present moment, in seconds.
            leaving: How many tokens have to stay after it.

        Returns:
            0.0 if a token was taken, else the seconds until there is one.
        """
        seconds = self.wait(now, 1 + leaving)
        if not seconds:
            self.tokens -= 1
        return seconds

    def wait(self, now: float, number: int = 1) -> float:
        """How long a call has to wait in a bucket that was refilled for `now`.

        Args:
            now: The present moment, in seconds.
            number: Which of the calls to come, counted from 1.
        """
        missing = number - self.tokens
        return self.counted_at - now + missing / self.refill_rate + ROUNDING_SECONDS if missing > 0 else 0.0

    @property
    def refill_rate(self) -> float:
        """Calls a second that are relied on."""
        return counted_on(self.rate)


def counted_on(rate: float) -> float:
    """Calls a second that are relied on, for a rate that Amazon states.

    Args:
        rate: Calls a second, above 0.
    """
    # What rounds to one ten-thousandth, or is stated with more places, is at least half of it.
    return min(rate * (SLOW_CAUTION if rate < 1 else CAUTION), max(rate - ROUNDED, rate / 2))

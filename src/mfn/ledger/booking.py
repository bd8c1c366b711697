"""Calls taken out of a bucket ahead of time, each with the time from which it may be made.

One transaction for each call is too expensive if a plan allows hundreds a second. Booked calls are as safe as calls
taken one by one: the bucket no longer has them for others, and those not made in time are dropped before a full bucket
at Amazon would have lost them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mfn.ledger.bucket import Bucket

AHEAD_SECONDS = 1
"""How many seconds of calls are booked at once: others wait for so long, and so much is lost with a process."""

A_TRIFLE = 1e-6
"""The rounding error allowed when fractions of a token or a second are added up."""


def calls_ahead(bucket: Bucket, wanted: int) -> int:
    """How many calls are booked at once: of those wanted as many as there are now or soon, but at least one."""
    soon = int(max(bucket.tokens, 0.0) + bucket.refill_rate * AHEAD_SECONDS)
    return max(1, min(wanted, soon))


class Booking:
    """Some calls of one bucket, taken when this is created.

    Args:
        bucket: Refilled for `now`; its tokens go below zero if the calls have not come back to it yet.
        room: Calls that a full bucket holds, less those that may be on their way to Amazon at any moment.
        now: The present moment, in seconds.
        wanted: How many calls will be made; fewer are booked if they would take too long to come.
    """

    def __init__(self, bucket: Bucket, room: int, now: float, wanted: int) -> None:
        bucket.tokens = min(bucket.tokens, room)
        calls = calls_ahead(bucket, wanted)
        self._due = deque(now + bucket.wait(now, number) for number in range(1, calls + 1))
        bucket.tokens -= calls
        self._tokens = float(calls)
        self._left = bucket.tokens
        self._rate = bucket.refill_rate
        self._room = room
        self._made_at = now

    def take(self, now: float) -> float | None:
        """Use one of the calls.

        Args:
            now: The present moment, in seconds.

        Returns:
            0.0 if one may be made now; else the seconds until the next one may, or None if none is left.
        """
        self._forget_late_ones(now)
        if not self._due or now < self._made_at:  # a clock that was set back would make them wait for too long
            return None
        seconds = self._due[0] - now
        if seconds > A_TRIFLE:
            return seconds
        self._due.popleft()
        self._tokens -= 1
        return 0.0

    def put_back(self, bucket: Bucket, now: float) -> None:
        """Return what was not used; nothing if others took from the bucket meanwhile, because they rely on it.

        Args:
            bucket: Refilled for `now`.
            now: The present moment, in seconds.
        """
        self._forget_late_ones(now)
        if abs(bucket.tokens - self._left_by(now)) < A_TRIFLE:
            bucket.tokens += self._tokens

    def _left_by(self, now: float) -> float:
        """What the bucket holds if nobody else has taken from it; below zero by what has yet to come back."""
        return self._left + max(0.0, now - self._made_at) * self._rate

    def _forget_late_ones(self, now: float) -> None:
        """Drop what Amazon's bucket has lost: with the rest for others, it cannot hold more than a full one.

        A full bucket's calls may be made now, and the rest as they come back: being late costs only that moment and not
        the whole call; otherwise a small bucket would never get near its rate.
        """
        kept = max(0.0, self._room - self._left_by(now))
        if kept < self._tokens:
            self._tokens = kept
            calls = range(1, int(kept + A_TRIFLE) + 1)
            self._due = deque(now + max(0, number - self._room) / self._rate for number in calls)

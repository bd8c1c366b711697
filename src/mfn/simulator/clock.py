"""The one clock of the local Amazon, and the things that happen on it by themselves."""

from __future__ import annotations

import heapq
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """What time it is at the local Amazon; a test moves it by hand instead of waiting.

    Args:
        at: Where it stops until it is moved; None lets it run with the machine's clock.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self._moved = timedelta()

    def now(self) -> datetime:
        """The present moment in UTC."""
        return (self._at or datetime.now(UTC)) + self._moved

    def seconds(self) -> float:
        """Seconds for measuring spans: they run on while the clock is stopped, and move when it is moved."""
        return time.monotonic() + self._moved.total_seconds()

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move it forward.

        Args:
            days: By so many days.
            hours: And hours.
            minutes: And minutes.
            seconds: And seconds.
        """
        self._moved += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class Agenda:
    """What will happen, each at its time, done the next time that anybody looks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._noted = 0

    def at(self, due: datetime, action: Callable[[datetime], None]) -> None:
        """Have something done.

        Args:
            due: When.
            action: What; it gets the moment it was due, which may be a while ago.
        """
        self._noted += 1
        heapq.heappush(self._entries, (due, self._noted, action))

    def catch_up(self) -> None:
        """Do everything that is due by now, in order."""
        while self._entries and self._entries[0][0] <= self._clock.now():
            due, _, action = heapq.heappop(self._entries)
            action(due)


def amazon_time(moment: datetime) -> str:
    """A moment as Amazon writes it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_time(text: str) -> datetime:
    """A moment that somebody wrote in ISO 8601; without a zone it is taken for UTC.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

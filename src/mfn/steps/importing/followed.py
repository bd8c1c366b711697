"""A connection that is followed: what is known of it, and what of it rests since it failed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.rules.lanes import Flow
from mfn.rules.next_call import Fetch, WorkGap

if TYPE_CHECKING:
    from mfn.errors import MfnError
    from mfn.rules.next_call import Search

log = logging.getLogger(__name__)

LONG_AGO = datetime.min.replace(tzinfo=UTC)
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 30.0, 900.0
"""How long what failed rests; twice as long each time."""


@dataclass
class Rest:
    """How long something rests that failed.

    Attributes:
        what: What, for the log.
        until: Until when.
        failures: How often in a row it failed.
    """

    what: str
    until: datetime = LONG_AGO
    failures: int = 0

    def begin(self) -> float:
        """It has failed; returns for how many seconds it rests."""
        seconds = min(FIRST_REST_SECONDS * 2.0 ** min(self.failures, 10), LONGEST_REST_SECONDS)
        self.failures += 1
        self.until = datetime.now(UTC) + timedelta(seconds=seconds)
        return seconds


@dataclass
class Followed:
    """One connection, and what is known of it while it is followed.

    Attributes:
        name: The connection's name.
        flow: How many of its orders change.
        next_at: When it wants its next turn.
        everything: Its own rest.
        names: That of its named orders: whatever becomes of them, the search goes on.
        gaps: That of the periods that were left out, likewise.
        queue: That of its queue, likewise.
        told_at: When the last notification was read.
        told_since: Since when they have been coming.
    """

    name: str
    flow: Flow = field(default_factory=Flow)
    next_at: datetime = LONG_AGO
    everything: Rest = field(default_factory=lambda: Rest("everything"))
    names: Rest = field(default_factory=lambda: Rest("what was named"))
    gaps: Rest = field(default_factory=lambda: Rest("what was left out"))
    queue: Rest = field(default_factory=lambda: Rest("its queue"))
    told_at: datetime = LONG_AGO
    told_since: datetime | None = None

    def rest_after(self, action: Search | Fetch | WorkGap) -> Rest:
        """What rests where an action fails.

        Args:
            action: What the plan said.
        """
        return {Fetch: self.names, WorkGap: self.gaps}.get(type(action), self.everything)

    def let_rest(self, rest: Rest, error: MfnError) -> None:
        """Let something rest, and say so.

        Args:
            rest: What, one of its own.
            error: Why.
        """
        seconds = rest.begin()
        log.warning("%s: %s rests for %.0f s: %s %s", self.name, rest.what, seconds, error.message, error.remedy)

"""The state of a connection that is followed: its plan, and which parts of it are paused after a failure."""

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
"""The first and the longest pause after a failure; it doubles each time."""


@dataclass
class Rest:
    """A pause after failures.

    Attributes:
        what: What is paused, for the log.
        until: Its end.
        failures: How many failures in a row there were.
    """

    what: str
    until: datetime = LONG_AGO
    failures: int = 0

    def begin(self) -> float:
        """Count a failure and start the pause; returns its seconds."""
        seconds = min(FIRST_REST_SECONDS * 2.0 ** min(self.failures, 10), LONGEST_REST_SECONDS)
        self.failures += 1
        self.until = datetime.now(UTC) + timedelta(seconds=seconds)
        return seconds


@dataclass
class Followed:
    """One connection while it is followed.

    Attributes:
        name: The connection's name.
        flow: How fast its orders change.
        next_at: When it wants its next turn.
        everything: The pause of the whole connection.
        names: The pause of its named orders, during which the search goes on.
        gaps: The pause of the periods that were left out.
        queue: The pause of its queue.
        notified_at: When the last notification was read.
        notified_since: Since when they have been coming.
    """

    name: str
    flow: Flow = field(default_factory=Flow)
    next_at: datetime = LONG_AGO
    everything: Rest = field(default_factory=lambda: Rest("everything"))
    names: Rest = field(default_factory=lambda: Rest("named orders"))
    gaps: Rest = field(default_factory=lambda: Rest("left-out periods"))
    queue: Rest = field(default_factory=lambda: Rest("notification queue"))
    notified_at: datetime = LONG_AGO
    notified_since: datetime | None = None

    def rest_after(self, action: Search | Fetch | WorkGap) -> Rest:
        """What is paused when an action fails."""
        return {Fetch: self.names, WorkGap: self.gaps}.get(type(action), self.everything)

    def let_rest(self, rest: Rest, error: MfnError) -> None:
        """Pause one of its parts after a failure, and log why."""
        seconds = rest.begin()
        log.warning("%s: %s paused for %.0f s: %s %s", self.name, rest.what, seconds, error.message, error.remedy)

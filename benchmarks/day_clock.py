"""Time that passes only when somebody waits, for this process and everything in it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from benchmarks.day_orders import START
from mfn.amazon.session import open_session
from mfn.ledger import clock as ledger_clock
from mfn.simulator.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class DayClock(Clock):
    """The local Amazon's clock, which is this process's: it stands still until somebody waits.

    Args:
        traveller: What sets this process's clock.

    Attributes:
        on_move: What happens whenever time has passed.
    """

    def __init__(self, traveller: time_machine.Traveller) -> None:
        super().__init__()
        self._traveller = traveller
        self.on_move: Callable[[], None] = lambda: None

    def seconds(self) -> float:
        """Seconds for measuring spans, which do not run on while the clock stands."""
        return time.time()

    def passed(self) -> float:
        """Seconds since the day began."""
        return time.time() - START.timestamp()

    def sleep(self, seconds: float) -> None:
        """What waiting is here: time passes at once, and what happens meanwhile happens."""
        self._traveller.shift(timedelta(seconds=max(seconds, 0.0)))
        self.on_move()


@contextmanager
def virtual_time() -> Iterator[DayClock]:
    """Let this process live in the simulated day until the block ends: its clock, the ledger's, and its waiting."""
    with time_machine.travel(START, tick=False) as traveller:
        clock = DayClock(traveller)
        waits: dict[str, Any] = open_session.__kwdefaults__ or {}
        since_start = ledger_clock._SINCE_START  # noqa: SLF001
        before = waits["wait"]
        waits["wait"] = clock.sleep
        ledger_clock._SINCE_START = time.CLOCK_REALTIME  # noqa: SLF001 - the one clock that time-machine sets
        try:
            yield clock
        finally:
            waits["wait"] = before
            ledger_clock._SINCE_START = since_start  # noqa: SLF001

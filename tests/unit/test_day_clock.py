"""The clock of the simulated day."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.day_clock import virtual_time
from benchmarks.day_orders import START
from mfn.amazon.session import open_session


def test_whoever_waits_for_amazon_on_the_simulated_day_moves_its_clock() -> None:
    with virtual_time() as clock:
        waits: Any = open_session.__kwdefaults__
        waits["wait"](3600.0)
        assert (clock.passed(), time.time()) == (3600.0, START.timestamp() + 3600.0)
    assert waits["wait"] is time.sleep

"""Time as measurements count it: what passed on the wall, and what this process worked."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Seconds = dict[str, float]


@contextmanager
def timed(into: dict[str, Seconds], name: str) -> Iterator[None]:
    """Note how long a block takes.

    Args:
        into: Gets `name` with `wall`, and `cpu`, the time that this process worked, which other programs on the machine
            disturb least; both in seconds.
        name: What is timed.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}

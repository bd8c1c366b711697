"""The least that a plan with both lanes can do where orders pile up: what they can bring, and what must be brought.

Take any moment, and what became due up to two minutes before it. Whatever is younger can be brought by a search only
after that moment, and by getOrder only since it is due. So of all orders at most so many have been brought at any
later moment: those older ones, all pages that the bucket of searches allows since that moment, and all calls that the
bucket of getOrder allows since two minutes earlier. That holds for any set of orders, counted by themselves. That pages
hold other entries as well does not count: a search may leave them out by their status.

**The age in each second** (`ages_by_capacity`). Take the orders that are not cancelled by then. Those of them that do
not wait have been brought; the oldest one beyond the least of these numbers waits. Orders cancelled in between count
for nothing here, although a plan may have brought them.

**The largest age** (`largest_by_capacity`). A plan that keeps every age within X has brought each order by X after it
became due, also one that is cancelled later, if it is not before that. So of these orders all that are due by X before
any moment have been brought at it. The largest X for which that is more than the lanes can bring is the bound.

Cancellations themselves do not count: that a plan must learn of them is certain, but not until when. Whoever knows
the whole day may put each one off until the warehouse would ship the order.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.day_lanes import GET, SEARCH, Lane
from benchmarks.day_orders import DAY_SECONDS, Moments

if TYPE_CHECKING:
    from collections.abc import Iterator

SINCE_STEP = 60
"""Seconds between the moments from which on capacities are counted."""

LOOK_STEP = 15
"""Seconds between the moments at which it is looked whether an age was kept."""


def ages_by_capacity(
    due: Moments,
    cancelled: Moments | None = None,
    search: Lane = SEARCH,
    get: Lane = GET,
    *,
    until: float = DAY_SECONDS,
) -> Moments:
    """The least age of the oldest order in each second of the day.

    Args:
        due: When the orders became due, rising, in seconds since the day began.
        cancelled: When each was cancelled; infinite: never. None: none was.
        search: What a search may.
        get: What getOrder may.
        until: The end of the day.
    """
    gone = np.full(len(due), np.inf) if cancelled is None else cancelled
    moments = np.arange(0.0, until)
    served = np.full(len(moments), len(due))
    for begin, before, brought in _capacities(due, search, get, moments):
        left = np.sort(gone[:before])
        alive = before - np.searchsorted(left, moments[begin:], side="right")
        served[begin:] = np.minimum(served[begin:], alive + brought)
    least = np.zeros(len(moments))
    for first, last in pairwise([0.0, *np.unique(gone[gone < until]).tolist(), float(until)]):
        span = slice(int(np.ceil(first)), int(np.ceil(last)))
        alive = np.append(due[gone > first] if first else due, np.inf)
        least[span] = moments[span] - alive[np.minimum(served[span], len(alive) - 1)]
    ages: Moments = np.maximum(least, 0.0)
    return ages


def largest_by_capacity(
    due: Moments,
    cancelled: Moments,
    search: Lane = SEARCH,
    get: Lane = GET,
    *,
    until: float = DAY_SECONDS,
    precision: float = 1.0,
) -> float:
    """The largest age that no plan keeps within, to a precision in seconds; as `ages_by_capacity`."""
    moments = np.arange(0.0, until, LOOK_STEP)
    low, high = 0.0, float(until)
    while high - low > precision:
        middle = (low + high) / 2
        lasting = due[cancelled - due >= middle]
        if _is_too_much(middle, lasting, search, get, moments):
            low = middle
        else:
            high = middle
    return low


def _is_too_much(age: float, due: Moments, search: Lane, get: Lane, moments: Moments) -> bool:
    """Whether at some moment more orders have got older than an age than the lanes can have brought."""
    needed = np.searchsorted(due, moments - age, side="right")
    return any(
        bool((needed[first:] > before + brought).any())
        for first, before, brought in _capacities(due, search, get, moments)
    )


def _capacities(due: Moments, search: Lane, get: Lane, moments: Moments) -> Iterator[tuple[int, int, Moments]]:
    """From several moments on: which that is, how many were due two minutes before, how many more can be brought."""
    for begin in np.arange(0.0, moments[-1] + 1, SINCE_STEP):
        first = int(np.searchsorted(moments, begin))
        later = moments[first:] - begin
        pages = np.floor(search.burst + search.rate * later)
        asked = np.floor(get.burst + get.rate * (later + search.delay))
        before = int(np.searchsorted(due, begin - search.delay, side="right"))
        yield first, before, search.orders * pages + get.orders * asked

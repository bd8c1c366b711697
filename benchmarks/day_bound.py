"""The least that any plan can do on a simulated day, whatever it knows: lower bounds of the oldest order's age.

Only orders that are due and never cancelled count here, and a plan is given more than it really has:

- it knows the whole day in advance, and may make a call at any moment at which its bucket has one;
- a page of a search brings any hundred orders that became due two minutes ago or earlier (`Lane.delay`): none that is
  pending or cancelled, none twice, none in between that was fetched before; getOrder brings any order that was named;
- what was fetched is in the warehouse at that moment.

Since a page may bring any orders, one may assume that it brings the oldest: whoever exchanges a younger order for an
older one that waits never makes the oldest one older. So after each call the oldest `served` orders are in the
warehouse and the others are not, and a plan is nothing but the moments of its calls.

A bucket that holds `burst` calls and refills with `rate` a second allows, of any calls one after the other, at most
`burst + rate * seconds between the first and the last`. The bounds go by Amazon's stated rates and whole bursts.

**The largest age by search** (`least_maximum`). Could every age stay within X? Then call n may not come after
(deadline) the oldest order that the calls before it left, plus X; nor so late that the bucket's law is broken by a
later call that may not wait. Both are upper bounds of the moments of calls, and a later call serves as much or more:
so starting with "call n may come whenever it likes" and lowering each moment by both rules until nothing moves,
every moment stays above that of every plan which keeps to X. Where one of them comes to lie before the bucket can
have had that many calls, or orders are left once the calls are used up, there is no such plan. The largest X that is
refuted so is the bound.

**The mean age by search**: `day_prices.py`.

**With names** (`ages_by_capacity`; where nothing piles up also `day_named.py`). Take any moment, and what became due up
to two minutes before it. Whatever is younger can be brought by a search only after that moment, and by getOrder only
since it is due. So at every later moment at most so many orders have been served: those older ones, all pages that
the bucket of searches allows since that moment, and all calls that the bucket of getOrder allows since two minutes
earlier. The oldest order beyond the least of these numbers waits.
"""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

from benchmarks.day_lanes import GET, SEARCH, Bound, Lane
from benchmarks.day_orders import DAY_SECONDS, Moments
from benchmarks.day_prices import least_mean

SINCE_STEP = 60
"""Seconds between the moments from which on capacities are counted."""


def by_search(due: Moments, lane: Lane = SEARCH, *, until: float = DAY_SECONDS) -> Bound:
    """The bound for a plan that only searches.

    Args:
        due: When the orders became due, rising, in seconds since the day began.
        lane: What a search may.
        until: The end of the day.
    """
    return Bound(least_maximum(due, lane, until=until), least_mean(due, lane, until=until))


def least_maximum(due: Moments, lane: Lane = SEARCH, *, until: float = DAY_SECONDS, precision: float = 0.25) -> float:
    """The largest age that no plan keeps within, to a precision in seconds."""
    low, high = 0.0, float(until)
    while high - low > precision:
        middle = (low + high) / 2
        if _may_keep(middle, due, lane, until):
            high = middle
        else:
            low = middle
    return low


def _may_keep(age: float, due: Moments, lane: Lane, until: float) -> bool:
    """Whether it is not refuted that some plan keeps every age within a limit until the end of the day."""
    known: list[float] = due.tolist()
    calls = int(lane.burst + lane.rate * until) + 1
    numbers = np.arange(calls)
    earliest = np.maximum((numbers + 1 - lane.burst) / lane.rate, 0.0)
    latest = np.full(calls, np.inf)
    while True:
        served, moments = 0, latest.tolist()
        for number in range(calls):
            if served < len(known) and known[served] + age < until:
                moments[number] = min(moments[number], known[served] + age)
            else:
                moments[number] = min(moments[number], math.inf)
            served = min(served + lane.orders, max(served, bisect_right(known, moments[number] - lane.delay)))
        if served < len(known) and known[served] + age < until:
            return False
        # The bucket's law for a call and every later one, and that they come one after the other.
        lowered = np.minimum.accumulate(np.array(moments)[::-1])[::-1]
        law = lowered - (numbers + 1 - lane.burst) / lane.rate
        lowered = np.minimum(lowered, np.minimum.accumulate(law[::-1])[::-1] + numbers / lane.rate)
        if (lowered < earliest - 1e-6).any():
            return False
        if np.array_equal(lowered, latest):
            return True
        latest = lowered


def ages_by_capacity(due: Moments, search: Lane = SEARCH, get: Lane = GET, *, until: float = DAY_SECONDS) -> Moments:
    """The bound where orders are named: the least age of the oldest order in each second of the day.

    Args:
        due: When the orders became due, rising, in seconds since the day began.
        search: What a search may.
        get: What getOrder may.
        until: The end of the day.
    """
    moments = np.arange(0.0, until)
    served = np.searchsorted(due, moments, side="right")
    for begin in range(0, int(until), SINCE_STEP):
        later = moments[begin:] - begin
        pages = np.floor(search.burst + search.rate * later)
        asked = np.floor(get.burst + get.rate * (later + search.delay))
        before = np.searchsorted(due, begin - search.delay, side="right")
        brought = (before + search.orders * pages + get.orders * asked).astype(int)
        served[begin:] = np.minimum(served[begin:], brought)
    least: Moments = np.maximum(moments - np.append(due, np.inf)[served], 0.0)
    return least

"""The least that any plan can do on a simulated day, whatever it knows: lower bounds of the oldest order's age.

Only orders that are due count here, by search those that are never cancelled, and a plan is given more than it really
has:

- it knows the whole day in advance, and may make a call at any moment at which its bucket has one;
- a page of a search brings any hundred orders that became due two minutes ago or earlier (`Lane.delay`): none that is
  pending or cancelled (but for the largest age, see there), none twice, none in between that was fetched before;
  getOrder brings any order that was named;
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
refuted so is the bound. A page holds a hundred entries one after the other: also pending and cancelled ones between
those that wait. A plan that keeps to X makes the call for an order at most X after it became due, so every other
entry that changed since then, and stays as it is for X at least, is on the page still. Only before a page begins it
can be passed over.

**The mean age by search**: `day_prices.py`.

**With names**: `day_capacity.py`; where nothing piles up also `day_named.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from benchmarks.day_lanes import SEARCH, Bound, Lane
from benchmarks.day_orders import DAY_SECONDS, Moments
from benchmarks.day_prices import least_mean

Flags = np.ndarray[Any, np.dtype[np.bool_]]

NONE: Moments = np.array([])

A_TRIFLE = 1e-6
"""What adding up seconds may be wrong by."""


def by_search(
    due: Moments, others: Moments = NONE, stay: Moments = NONE, lane: Lane = SEARCH, *, until: float = DAY_SECONDS
) -> Bound:
    """The bound for a plan that only searches.

    Args:
        due: When the orders became due, rising, in seconds since the day began.
        others: When entries changed that a search shows as well, and that nobody waits for.
        stay: For how long each of them stays as it is, in seconds.
        lane: What a search may.
        until: The end of the day.
    """
    return Bound(least_maximum(due, others, stay, lane, until=until), least_mean(due, lane, until=until))


def least_maximum(
    due: Moments,
    others: Moments = NONE,
    stay: Moments = NONE,
    lane: Lane = SEARCH,
    *,
    until: float = DAY_SECONDS,
    precision: float = 0.25,
) -> float:
    """The largest age that no plan keeps within, to a precision in seconds; as `by_search`."""
    low, high = 0.0, float(until)
    while high - low > precision:
        middle = (low + high) / 2
        lasting = others[stay >= middle]
        times = np.concatenate([due, lasting])
        order = np.argsort(times, kind="stable")
        if _may_keep(middle, times[order], order < len(due), lane, until):
            high = middle
        else:
            low = middle
    return low


def _may_keep(age: float, times: Moments, is_due: Flags, lane: Lane, until: float) -> bool:
    """Whether it is not refuted that some plan keeps every age within a limit until the end of the day."""
    entries: list[float] = times.tolist()
    count = len(entries)
    # From each entry on, the first one that somebody waits for.
    wanted = np.where(is_due, np.arange(count), count)
    following: list[int] = np.minimum.accumulate(np.append(wanted, count)[::-1])[::-1].tolist()
    calls = int(lane.burst + lane.rate * until) + 1
    numbers = np.arange(calls)
    earliest = np.maximum((numbers + 1 - lane.burst) / lane.rate, 0.0)
    latest = np.full(calls, np.inf)
    while True:
        served, moments = following[0], latest.tolist()
        for number in range(calls):
            if served < count and entries[served] + age < until:
                moments[number] = min(moments[number], entries[served] + age)
            seen = bisect_right(entries, moments[number] - lane.delay)
            served = following[min(served + lane.orders, max(served, seen))]
        if served < count and entries[served] + age < until:
            return False
        # The bucket's law for a call and every later one, and that they come one after the other.
        lowered = np.minimum.accumulate(np.array(moments)[::-1])[::-1]
        law = lowered - (numbers + 1 - lane.burst) / lane.rate
        lowered = np.minimum(lowered, np.minimum.accumulate(law[::-1])[::-1] + numbers / lane.rate)
        if (lowered < earliest - A_TRIFLE).any():
            return False
        if np.array_equal(lowered, latest):
            return True
        latest = lowered

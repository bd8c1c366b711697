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

**The mean age by search** (`least_mean`). Calls get a price that depends on the time of day. The least of "ages plus
prices of the calls made", when calls are not limited at all, is computed exactly, backwards through the day, for
every number of orders served. A plan within the bucket's law pays at most `rate * (sum of prices over time) + burst
* (all that the price rises by, from nothing on)`: cut the price into layers, each of them one over a span of time,
in which the plan makes at most `burst + rate * span` calls. So the least sum less that much is below what the ages
of any plan add up to, for whatever prices; good prices only make the bound higher. Time goes in steps, within which
a call is made at the beginning and sees what is visible at the end.

**With names** (`ages_by_capacity`). In any span no more orders get into the warehouse than all buckets together
allow, and before it no more than were known: so at every moment the number served is at most the least, over all
earlier moments, of "known by then" plus "what the calls since then can bring". The oldest order beyond that number
waits.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.day_orders import DAY_SECONDS, Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Numbers = np.ndarray[Any, np.dtype[np.int64]]

PRICE_SECONDS = 1800
"""How long a price holds."""

ROUGH_STEP, FINE_STEP = 20, 1
"""Steps of time in seconds: while prices are looked for, and for the bound."""

ROUGH_AGE = 10_800
"""Older orders are not left waiting, in seconds, while prices are looked for."""

ROUNDS = 40
"""How often prices are bettered."""


@dataclass(frozen=True)
class Lane:
    """A way to get orders.

    Attributes:
        rate: Calls a second that come back.
        burst: Calls that a full bucket holds, as at the beginning of the day.
        orders: How many orders a call brings at most.
        delay: How old an order must be, in seconds, until a call can bring it.
    """

    rate: float
    burst: int
    orders: int
    delay: float


SEARCH = Lane(0.0056, 20, 100, 120.0)
"""searchOrders (orders_2026-01-01.json, 2026-07-29): its end bound must be two minutes in the past."""

GET = Lane(0.5, 30, 1, 0.0)
"""getOrder (the same model)."""


class Bound(NamedTuple):
    """What the oldest order's age cannot be below, in seconds.

    Attributes:
        maximum: At its worst.
        mean: On average over the day.
    """

    maximum: float
    mean: float


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


def least_mean(due: Moments, lane: Lane = SEARCH, *, until: float = DAY_SECONDS, step: int = FINE_STEP) -> float:
    """The mean age, nobody's counted as 0, that no plan gets below."""
    prices = better_prices(lambda tried: _least_with_prices(due, lane, until, tried, ROUGH_STEP), lane, until)
    ages, _ = _least_with_prices(due, lane, until, prices, step)
    return max(ages - most_paid(prices, lane, until), 0.0) / until


def most_paid(prices: Moments, lane: Lane, until: float) -> float:
    """What a plan within the bucket's law pays at most."""
    spans = np.minimum(PRICE_SECONDS, until - PRICE_SECONDS * np.arange(len(prices)))
    rises = np.maximum(np.diff(prices, prepend=0.0), 0.0).sum()
    return float(lane.rate * (prices * spans).sum() + lane.burst * rises)


def better_prices(least: Callable[[Moments], tuple[float, Moments]], lane: Lane, until: float) -> Moments:
    """Prices that make a bound high: raised where more calls are made than allowed, lowered where fewer are.

    Args:
        least: For prices: the least sum of ages and prices, and the calls made for it while each price holds.
        lane: What a search may.
        until: The end of the day.
    """
    usual = 1 / (2 * lane.rate**2)  # for which calls at the refill's pace are the best
    prices = best = np.full(math.ceil(until / PRICE_SECONDS), usual / 2)
    highest = -math.inf
    allowed = lane.rate * np.minimum(PRICE_SECONDS, until - PRICE_SECONDS * np.arange(len(prices)))
    for turn in range(ROUNDS):
        ages, calls = least(prices)
        bound = ages - most_paid(prices, lane, until)
        if bound > highest:
            highest, best = bound, prices
        rises = np.tanh(
            np.maximum(np.diff(prices, prepend=0.0), 0.0) / (usual / 20)
        )  # one side's slope, without its leap
        slope = calls - allowed - lane.burst * (rises - np.append(rises[1:], 0.0))
        prices = np.maximum(prices + usual / 4 * np.clip(slope / allowed.max(), -1, 1) / (1 + turn / 10), 0.0)
    return best


def _least_with_prices(due: Moments, lane: Lane, until: float, prices: Moments, step: int) -> tuple[float, Moments]:
    """The least of ages (second by second) plus prices, and the calls that are made for it while each price holds."""
    count = len(due)
    following = np.append(due, np.inf)
    best = np.zeros(count + 1)
    calls, ends = np.zeros(count + 1), np.arange(count + 1)
    kept: list[tuple[Moments, Numbers]] = []
    is_rough = step == ROUGH_STEP
    for begin in range((math.ceil(until / step) - 1) * step, -1, -step):
        end = min(begin + step, until)
        seen = int(np.searchsorted(due, end - lane.delay, side="right"))
        first = int(np.searchsorted(due, begin - ROUGH_AGE)) if is_rough else 0
        best[:first] = np.inf
        here = following[first : seen + 1]
        waiting = best[first : seen + 1] + (np.maximum(end - here, 0.0) ** 2 - np.maximum(begin - here, 0.0) ** 2) / 2
        sums, chosen = _with_calls(waiting, float(prices[begin // PRICE_SECONDS]), lane.orders, counted=is_rough)
        best[first : seen + 1] = sums
        if chosen is not None:
            reached = np.minimum(np.arange(first, seen + 1) + chosen * lane.orders, seen)
            calls[first : seen + 1], ends[first : seen + 1] = calls[reached] + chosen, ends[reached]
            if begin % PRICE_SECONDS == 0:
                kept.append((calls, ends))
                calls, ends = np.zeros(count + 1), np.arange(count + 1)
    made, served = [], 0
    for calls, ends in reversed(kept):
        made.append(float(calls[served]))
        served = int(ends[served])
    return float(best[0]), np.array(made)


def _with_calls(waiting: Moments, price: float, orders: int, *, counted: bool) -> tuple[Moments, Numbers | None]:
    """The least sums where any number of calls may be made before waiting, and how many calls make it so."""
    count = len(waiting)
    rows = count // orders + 2  # in the last row everything is served
    padded = np.full(rows * orders, waiting[-1])
    padded[:count] = waiting
    paid = np.arange(rows)[:, None] * price
    table = padded.reshape(rows, orders) + paid
    least = np.minimum.accumulate(table[::-1])[::-1]
    sums = (least - paid).reshape(-1)[:count]
    if not counted:
        return sums, None
    row = np.arange(rows)[:, None]
    there = np.minimum.accumulate(np.where(table == least, row, rows)[::-1])[::-1]
    return sums, (there - row).reshape(-1)[:count]


def ages_by_capacity(known: Moments, due: Moments, lanes: Sequence[Lane], *, until: float = DAY_SECONDS) -> Moments:
    """The bound where several lanes bring orders: the least age of the oldest order in each second of the day.

    Args:
        known: When each order is known: named, or visible to a search; as `due`, in any order.
        due: When the orders became due, rising.
        lanes: Which calls bring orders, once they are known.
        until: The end of the day.
    """
    burst = sum(lane.burst * lane.orders for lane in lanes)
    rate = sum(lane.rate * lane.orders for lane in lanes)
    moments = np.arange(0.0, until)
    count = np.searchsorted(np.sort(known), moments, side="right")
    most = np.minimum.accumulate(count - rate * moments) + rate * moments + burst
    served = np.minimum(np.floor(most).astype(int), count)
    least: Moments = np.maximum(moments - np.append(due, np.inf)[served], 0.0)
    return least

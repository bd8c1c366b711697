"""The least that a plan can do which does not know what comes: a bound beside those of `day_bound`.

A search that finds nothing costs a call as well. Who is told nothing before he asks, and sells one order in a minute
and a half, cannot place his calls just where an order has become visible, as the bounds with foresight do: with few
orders they are far below what any plan could do. So for plans that only search there is a second bound.

**The mean** (`least_mean_unseen`). A plan knows how many orders are to be expected at which time of day, and every
order that it has fetched, but none that has become due since what its last call saw. Orders become due independently
of each other, so what was fetched says nothing of those to come: after each call only the time counts. With prices
for calls as in `day_prices`, and pages without an end, the least expected sum of ages and prices is computed
exactly, backwards through the day; less what a plan within the bucket's law pays at most it is below the mean age
that any such plan can expect. A measured day is one draw: it may be a little below or above.

**The largest age** (`least_promised`). In a day there are at most `burst + rate * day` calls, so between two of them
(or before the first, or after the last) is a gap of at least the day divided by one more. An order which becomes due
right after what the first of them could see is as old as the gap and the two minutes when it is brought. Nobody who
does not know what comes can promise less.
"""

from __future__ import annotations

import numpy as np

from benchmarks.day_lanes import SEARCH, Bound, Lane
from benchmarks.day_orders import DAY_SECONDS, Moments
from benchmarks.day_prices import FINE_STEP, PRICE_SECONDS, ROUGH_STEP, better_prices, most_paid

LONGEST_GAP = 7_200
"""Seconds after which a call is made in any case, which costs nothing."""


def unseen(expected: Moments, lane: Lane = SEARCH, *, until: int = DAY_SECONDS) -> Bound:
    """The bound for a plan that only searches and does not know what comes.

    Args:
        expected: How many orders are to be expected in each second of the day.
        lane: What a search may.
        until: The end of the day.
    """
    return Bound(least_promised(lane, until=until), least_mean_unseen(expected, lane, until=until))


def least_promised(lane: Lane = SEARCH, *, until: float = DAY_SECONDS) -> float:
    """The largest age below which no plan can promise to stay."""
    return lane.delay + until / (lane.burst + lane.rate * until + 1)


def least_mean_unseen(expected: Moments, lane: Lane = SEARCH, *, until: int = DAY_SECONDS) -> float:
    """The mean age, nobody's counted as 0, below which no plan can expect to stay."""
    prices = better_prices(lambda prices: _least(expected, lane, until, prices, ROUGH_STEP), lane, until)
    sums, _ = _least(expected, lane, until, prices, FINE_STEP)
    return max(sums - most_paid(prices, lane, until), 0.0) / until


def _least(expected: Moments, lane: Lane, until: int, prices: Moments, step: int) -> tuple[float, Moments]:
    """The least expected sum of ages and prices, and the calls made for it while each price holds.

    Calls are made at the beginning of a step, and see what is visible at its end. Sums of what grows take its value at
    the beginning of each step. After `LONGEST_GAP` a call is free, which only helps.
    """
    steps, gap, delay = until // step, LONGEST_GAP // step, int(lane.delay) // step
    due = np.concatenate([[0.0], np.cumsum(expected)])[::step]
    price = np.append(prices[np.arange(steps) * step // PRICE_SECONDS], 0.0)
    best = np.zeros(steps + 1)
    following = np.full(steps, steps)

    def best_from(begin: int, seen: int) -> tuple[float, int]:
        """The least sum from a step on, where all that was due by another one is served; and when the next call is."""
        last = min(begin + gap, steps)
        waiting = np.cumsum(-np.expm1(due[seen] - due[seen:last])) * step  # expected age at the end of each step
        ages = np.cumsum(np.append(0.0, waiting)[begin - seen : last - seen]) * step
        sums = ages + best[begin + 1 : last + 1] + price[begin + 1 : last + 1]
        if last < steps:
            sums[-1] -= price[last]
        number = int(np.argmin(sums))
        return float(sums[number]), begin + 1 + number

    for call in range(steps - 1, -1, -1):
        best[call], following[call] = best_from(call, max(call + 1 - delay, 0))
    begin = _first_call(best, price, due, min(gap, steps), step)
    calls, call = np.zeros(len(prices)), begin
    while call < steps:
        calls[call * step // PRICE_SECONDS] += 1
        call = int(following[call])
    waiting = np.cumsum(np.append(0.0, np.cumsum(-np.expm1(-due[:begin])) * step)) * step
    return float(waiting[max(begin - 1, 0)] + best[begin] + price[begin]), calls


def _first_call(best: Moments, price: Moments, due: Moments, gap: int, step: int) -> int:
    """When the first call is best made, where nothing was due before the day."""
    ages = np.cumsum(np.append(0.0, np.cumsum(-np.expm1(-due[:gap])) * step)) * step
    return int(np.argmin(np.append(0.0, ages)[: gap + 1] + best[: gap + 1] + price[: gap + 1]))

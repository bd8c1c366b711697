"""The mean age of the oldest order that no plan gets below, found by giving calls a price.

Who may call as often as he likes, but pays for it, weighs the ages that a call saves against its price, which
depends on the time of day. The least of "ages plus prices of the calls made" is computed exactly, backwards through
the day, for every number of orders served. A plan within the bucket's law (`day_bound`) pays at most `rate * (sum of
prices over time) + burst * (all that the price rises by, from nothing on)`: cut the price into layers, each of them
one over a span of time, in which the plan makes at most `burst + rate * span` calls. So the least sum less that much
is below what the ages of any plan add up to, for whatever prices; good prices only make the bound higher. Time goes
in steps, within which a call is made at the beginning and sees what is visible at the end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.day_lanes import SEARCH
from benchmarks.day_orders import DAY_SECONDS, Moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.day_lanes import Lane

Numbers = np.ndarray[Any, np.dtype[np.int64]]

PRICE_SECONDS = 1800
"""How long a price holds."""

ROUGH_STEP, FINE_STEP = 20, 1
"""Steps of time in seconds: while prices are looked for, and for the bound."""

ROUGH_AGE = 10_800
"""Older orders are not left waiting, in seconds, while prices are looked for."""

ROUNDS = 40
"""How often prices are bettered."""


def least_mean(due: Moments, lane: Lane = SEARCH, *, until: float = DAY_SECONDS, step: int = FINE_STEP) -> float:
    """The mean age, nobody's counted as 0, that no plan gets below."""
    prices = better_prices(lambda tried: _least_with_prices(due, lane, until, tried, ROUGH_STEP), lane, until)
    return mean_with(prices, due, lane, until=until, step=step)


def mean_with(
    prices: Moments, due: Moments, lane: Lane = SEARCH, *, until: float = DAY_SECONDS, step: int = FINE_STEP
) -> float:
    """The mean age that no plan gets below, as certain prices show it.

    Args:
        prices: What a call costs in each `PRICE_SECONDS`, in seconds of age times seconds of time.
        due: When the orders became due, rising, in seconds since the day began.
        lane: What a search may.
        until: The end of the day.
        step: Steps of time in seconds.
    """
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
        rises = np.tanh(np.maximum(np.diff(prices, prepend=0.0), 0.0) / (usual / 20))  # a slope without its leap
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


def least_sums(waiting: Moments, price: float, orders: int) -> Moments:
    """The least sums where any number of calls may be made before waiting.

    Args:
        waiting: For each number of orders served, the least sum if no call is made; in the last one all that can be
            seen is served.
        price: Of a call.
        orders: How many more a call serves.
    """
    return _with_calls(waiting, price, orders, counted=False)[0]


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

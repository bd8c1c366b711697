"""The least that a plan can do with both lanes: by capacity where orders pile up, by prices where they do not.

While getOrder alone cannot bring all that comes, but both lanes together can, nothing piles up, and capacity alone
says nothing. But what getOrder has no call for must become two minutes old before a search shows it. For such a part
of the day there is a bound by prices, as in `day_prices`: one for a search and one for getOrder, each the same all
through that part. Orders from before it count as served, and both buckets are full when it begins.

getOrder may bring an order at once that a search cannot show yet, so a plan need not serve the oldest first. But only
the oldest that waits counts. Whoever asks for a younger one may put the call off until it is the oldest, at the same
price; and if a page of a search, which now has one order more to bring, leaves out its youngest for it, that one is
asked for instead. So again only the number of orders served matters, and the least sum is computed exactly for every
such number. It lets calls of getOrder be saved up for hours, so this part of the bound is well below what any plan
can do.

The bounds of the parts of a day add up: each holds for the ages in its part.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np

from benchmarks.day_capacity import ages_by_capacity, largest_by_capacity
from benchmarks.day_lanes import GET, SEARCH, Bound, Lane
from benchmarks.day_orders import DAY_SECONDS, Moments
from benchmarks.day_prices import PRICE_SECONDS, least_sums

SEARCH_PRICES = (1_000.0, 2_000.0, 3_000.0, 4_000.0, 8_000.0)
GET_PRICES = (100.0, 125.0, 150.0, 175.0, 200.0)
"""Prices that are tried, in seconds of age times seconds of time."""

ROUGH_STEP, FINE_STEP = 20, 2
"""Steps of time in seconds: while prices are looked for, and for the bound."""

PILED_UP = 120.0
"""Where the capacity of both lanes lets the oldest order become older than this, in seconds, orders pile up."""


class Part(NamedTuple):
    """A part of a day, its times counted from its beginning.

    Attributes:
        due: When the orders in it became due, rising.
        named: When each and all before it were named.
        search: What a search may.
        get: What getOrder may.
        until: How long it is, in seconds.
    """

    due: Moments
    named: Moments
    search: Lane
    get: Lane
    until: int


def by_names(
    due: Moments,
    named: Moments,
    cancelled: Moments | None = None,
    search: Lane = SEARCH,
    get: Lane = GET,
    *,
    until: float = DAY_SECONDS,
) -> tuple[Bound, Moments]:
    """The bound for a plan with both lanes, and the least age in each second as far as capacity shows it.

    Args:
        due: When the orders became due, rising, in seconds since the day began.
        named: When each was named, likewise.
        cancelled: When each was cancelled, likewise; infinite: never. None: none was.
        search: What a search may.
        get: What getOrder may.
        until: The end of the day.
    """
    gone = np.full(len(due), np.inf) if cancelled is None else cancelled
    least = ages_by_capacity(due, gone, search, get, until=until)
    total = float(least.sum())
    begin, end = _not_piled_up(due, least, get, until)
    if end > begin:
        within = (due >= begin) & (due < end) & np.isinf(gone)
        part = Part(due[within] - begin, np.maximum.accumulate(named[within]) - begin, search, get, end - begin)
        best = max(product(SEARCH_PRICES, GET_PRICES), key=lambda prices: sum_with(part, *prices, step=ROUGH_STEP))
        total += max(0.0, sum_with(part, *best) - float(least[begin:end].sum()))
    largest = max(float(least.max()), largest_by_capacity(due, gone, search, get, until=until))
    return Bound(largest, total / until), least


def _not_piled_up(due: Moments, least: Moments, get: Lane, until: float) -> tuple[int, int]:
    """The part of the day from when getOrder cannot keep up until orders pile up; in whole `PRICE_SECONDS`."""
    counts, _ = np.histogram(due, np.arange(0, until + 1, PRICE_SECONDS))
    too_many = np.flatnonzero(counts > get.rate * PRICE_SECONDS)
    if not len(too_many):
        return 0, 0
    piled_up = np.flatnonzero(least > PILED_UP)
    last = int(piled_up[0]) if len(piled_up) else int(until)
    return int(too_many[0]) * PRICE_SECONDS, last // PRICE_SECONDS * PRICE_SECONDS


def sum_with(part: Part, search_price: float, get_price: float, *, step: int = FINE_STEP) -> float:
    """What the ages in a part of a day add up to at the least, second by second, as certain prices show it.

    Args:
        part: The part.
        search_price: What a search costs, in seconds of age times seconds of time.
        get_price: What a call of getOrder costs.
        step: Steps of time in seconds.
    """
    due, named, search, get, until = part
    following = np.append(due, np.inf)
    numbers = np.arange(len(due) + 1)
    best = np.zeros(len(due) + 1)
    for begin in range((math.ceil(until / step) - 1) * step, -1, -step):
        end = min(begin + step, until)
        seen = int(np.searchsorted(due, end - search.delay, side="right"))
        known = max(int(np.searchsorted(named, end, side="right")), seen)
        here = following[: known + 1]
        waiting = best[: known + 1] + (np.maximum(end - here, 0.0) ** 2 - np.maximum(begin - here, 0.0) ** 2) / 2
        paid = numbers[: known + 1] * get_price
        asked = np.minimum.accumulate((waiting + paid)[::-1])[::-1] - paid
        asked[: seen + 1] = least_sums(asked[: seen + 1], search_price, search.orders)
        best[: known + 1] = asked
    allowed = [lane.rate * until + lane.burst for lane in (search, get)]
    return float(best[0]) - float(np.dot([search_price, get_price], allowed))

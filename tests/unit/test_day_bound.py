"""The bounds of the simulated day: no plan gets below them, and a good plan comes close."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.day_ages import ages, largest, oldest_since
from benchmarks.day_bound import least_maximum
from benchmarks.day_capacity import ages_by_capacity, largest_by_capacity
from benchmarks.day_lanes import Lane
from benchmarks.day_named import Part, by_names, sum_with
from benchmarks.day_orders import expected_due, make_day
from benchmarks.day_prices import PRICE_SECONDS, least_mean, mean_with
from benchmarks.day_unseen import least_mean_unseen, least_promised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.day_orders import Moments

SECONDS = 7_200
LANE = Lane(rate=1 / 120, burst=4, orders=10, delay=60.0)
"""A search for two small hours: ten orders a call, a call in two minutes."""

ASKED = Lane(rate=1 / 40, burst=3, orders=1, delay=0.0)

arrivals = st.lists(st.integers(0, SECONDS - 1), min_size=1, max_size=400).map(
    lambda times: np.array(sorted(times), dtype=float)
)
waits = st.lists(st.floats(0, 600), min_size=60, max_size=60)


def fetched(due: Moments, waits: Iterable[float], lane: Lane) -> Moments:
    """When a plan has brought each order that calls after so many seconds each, or once its bucket has a call."""
    gone, served, now, tokens = np.full(len(due), np.inf), 0, 0.0, float(lane.burst)
    for wait in waits:
        pause = max(wait, (1 - tokens) / lane.rate)
        tokens = min(tokens + pause * lane.rate, lane.burst) - 1
        now += pause
        if now >= SECONDS:
            break
        seen = int(np.searchsorted(due, now - lane.delay, side="right"))
        reached = max(served, min(served + lane.orders, seen))
        gone[served:reached] = now
        served = reached
    return gone


def asked_too(due: Moments, gone: Moments, youngest: list[bool]) -> Moments:
    """The same where getOrder also brings an order whenever it can, the oldest or the youngest that waits."""
    gone = gone.copy()
    for number, now in enumerate(np.arange(0, SECONDS, 1 / ASKED.rate)):
        waiting = np.flatnonzero((due <= now) & (gone > now))
        if len(waiting):
            gone[waiting[-1 if youngest[number % len(youngest)] else 0]] = now
    return gone


def aged(due: Moments, gone: Moments) -> tuple[float, float]:
    """The oldest order's age at its worst, and on average."""
    return ages(*oldest_since(due, gone), until=SECONDS)


def at_the_refill(lane: Lane) -> list[float]:
    """The waits of who calls whenever a call has come back."""
    return [0.0, *[1 / lane.rate] * int(lane.rate * SECONDS)]


@settings(max_examples=50)
@given(arrivals, waits, st.lists(st.floats(0, 30_000), min_size=4, max_size=4))
def test_no_plan_gets_below_the_bounds_by_search(due: Moments, waits: list[float], prices: list[float]) -> None:
    assert len(prices) == SECONDS // PRICE_SECONDS

    maximum, mean = aged(due, fetched(due, waits, LANE))

    assert maximum >= least_maximum(due, lane=LANE, until=SECONDS) - 1e-6
    assert mean >= mean_with(np.array(prices), due, LANE, until=SECONDS, step=20) - 1e-6


@settings(max_examples=50)
@given(arrivals, arrivals, waits)
def test_no_plan_gets_below_the_bound_where_pages_hold_what_nobody_waits_for(
    due: Moments, others: Moments, waits: list[float]
) -> None:
    times = np.concatenate([due, others])
    order = np.argsort(times, kind="stable")
    gone = fetched(times[order], waits, LANE)[order < len(due)]

    maximum, _ = aged(due, gone)

    with_others = least_maximum(due, others, np.full(len(others), np.inf), LANE, until=SECONDS)
    assert maximum >= with_others - 1e-6
    assert with_others >= least_maximum(due, lane=LANE, until=SECONDS)


@settings(max_examples=30)
@given(arrivals, waits, st.lists(st.booleans(), min_size=40, max_size=40), st.floats(0, 5_000), st.floats(0, 200))
def test_no_plan_gets_below_the_bounds_with_names(
    due: Moments, waits: list[float], youngest: list[bool], search_price: float, get_price: float
) -> None:
    gone = asked_too(due, fetched(due, waits, LANE), youngest)

    least = ages_by_capacity(due, search=LANE, get=ASKED, until=SECONDS)

    begins, since = oldest_since(due, gone)
    for second in range(0, SECONDS, 97):
        assert largest(begins, since, second - 1e-9, second + 1e-9) >= least[second] - 1e-6
    _, mean = aged(due, gone)
    part = Part(due, due, LANE, ASKED, SECONDS)
    assert mean >= sum_with(part, search_price, get_price, step=20) / SECONDS - 1e-6


@settings(max_examples=30)
@given(arrivals, st.lists(st.floats(60, 3_000), min_size=1, max_size=20), waits)
def test_no_plan_gets_below_the_bounds_with_names_where_orders_are_cancelled(
    due: Moments, stays: list[float], waits: list[float]
) -> None:
    cancelled = np.full(len(due), np.inf)
    cancelled[::3] = due[::3] + np.resize(stays, len(due[::3]))
    gone = np.minimum(asked_too(due, fetched(due, waits, LANE), [False]), cancelled)

    least = ages_by_capacity(due, cancelled, LANE, ASKED, until=SECONDS)

    begins, since = oldest_since(due, gone)
    for second in range(0, SECONDS, 97):
        assert largest(begins, since, second - 1e-9, second + 1e-9) >= least[second] - 1e-6
    maximum, _ = aged(due, gone)
    assert maximum >= largest_by_capacity(due, cancelled, LANE, ASKED, until=SECONDS) - 1e-6


def test_an_order_that_is_cancelled_long_after_it_became_due_takes_a_call_like_any_other() -> None:
    due = np.repeat(np.arange(3600.0), 3)
    soon, late = (np.where(np.arange(len(due)) % 2, due + stay, np.inf) for stay in (60.0, 7_000.0))

    bounds = [largest_by_capacity(due, gone, until=SECONDS) for gone in (soon, late, np.full(len(due), np.inf))]

    assert bounds[0] < bounds[1] == bounds[2]


@settings(max_examples=30)
@given(arrivals, waits)
def test_the_oldest_order_s_age_is_what_looking_every_second_shows(due: Moments, waits: list[float]) -> None:
    gone = fetched(due, waits, LANE)

    looked = [
        max((now - at for at, end in zip(due, gone, strict=True) if at <= now < end), default=0.0)
        for now in np.arange(0.5, SECONDS, 60)
    ]

    begins, since = oldest_since(due, gone)
    shown = [largest(begins, since, now - 1e-9, now) for now in np.arange(0.5, SECONDS, 60)]
    assert shown == pytest.approx(looked)


def test_calls_at_the_refill_s_pace_come_close_to_the_bounds() -> None:
    lane = replace(LANE, orders=100)
    due = np.sort(np.random.default_rng(1).uniform(0, SECONDS, 1_500))

    maximum, mean = aged(due, fetched(due, at_the_refill(lane), lane))

    assert maximum < 1.1 * least_maximum(due, lane=lane, until=SECONDS)
    assert mean < 1.2 * least_mean(due, lane, until=SECONDS, step=4)


def test_who_does_not_know_what_comes_cannot_expect_to_stay_below_the_bound() -> None:
    expected, chance = np.full(SECONDS, 1 / 60), np.random.default_rng(1)
    days = [np.sort(chance.uniform(0, SECONDS, chance.poisson(SECONDS / 60))) for _ in range(100)]

    found = [aged(due, fetched(due, at_the_refill(LANE), LANE)) for due in days]

    bound = least_mean_unseen(expected, LANE, until=SECONDS)
    assert bound <= np.mean([mean for _, mean in found]) < 1.2 * bound
    assert least_promised(LANE, until=SECONDS) <= max(maximum for maximum, _ in found)


def test_what_the_lanes_can_bring_is_the_least_where_orders_pile_up() -> None:
    due = np.repeat(np.arange(3600.0), 3)  # three a second; both lanes bring 1.06

    least = ages_by_capacity(due, until=SECONDS)

    brought = (20 * 100 + 30) + (0.56 + 0.5) * 3599
    assert least[3599] == pytest.approx(3599 - brought / 3, abs=60)
    assert least[0] == 0.0


def test_where_one_lane_cannot_keep_up_the_bound_with_names_is_more_than_capacity_shows() -> None:
    due = np.floor(np.arange(0, SECONDS, 1.25))

    bound, least = by_names(due, due + 5, until=SECONDS)

    assert 2 * least.mean() < bound.mean < 100


def test_the_same_seed_makes_the_same_day() -> None:
    day, again = make_day(500, seed="a"), make_day(500, seed="a")

    assert day.changes == again.changes
    assert day.document(7, "UNSHIPPED", 99) == again.document(7, "UNSHIPPED", 99)
    assert make_day(500, seed="b").changes != day.changes
    assert expected_due(500).sum() == pytest.approx(np.isnan(day.cancelled_at).sum(), rel=0.02)

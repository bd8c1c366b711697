"""The plan for both lanes: what comes next, and what a day of it comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfn.rules.lanes import Flow, Lane
from mfn.rules.next_call import (
    FETCHED_AT_ONCE,
    KEPT_FOR_LATE,
    SURE_ORDERS,
    SURER_ORDERS,
    Fetch,
    Search,
    State,
    Wait,
    WorkGap,
    next_action,
)
from mfn.rules.search_pages import PAGE_ORDERS, SETTLING
from tests.unit.planning import after_search

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SEARCH = Lane(20.0, 0.0056, 20)
GET = Lane(30.0, 0.5, 30)
REFILL = timedelta(seconds=1 / SEARCH.rate)


def state(**changes: Any) -> State:
    """Noon, right after a search, both buckets full, ten orders an hour."""
    known = State(NOON, NOON - SETTLING, Flow(10 / 3600, NOON), SEARCH, GET)
    return replace(known, **changes)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_search_is_made_each_time_a_call_has_come_back() -> None:
    assert next_action(state()) == Wait(NOON + REFILL)
    assert isinstance(next_action(state(now=NOON + REFILL)), Search)


def test_in_a_burst_a_search_is_made_as_soon_as_its_page_is_surely_full() -> None:
    full_at = timedelta(seconds=(PAGE_ORDERS + SURE_ORDERS) / 2)
    assert next_action(state(flow=Flow(2.0, NOON))) == Wait(NOON + full_at)
    assert isinstance(next_action(state(now=NOON + full_at, flow=Flow(2.0, NOON))), Search)


def test_the_more_of_the_bucket_a_burst_has_spent_the_surer_a_page_is_full() -> None:
    spent = replace(SEARCH, tokens=5.0)
    orders = PAGE_ORDERS + SURE_ORDERS + 15 * SURER_ORDERS
    assert next_action(state(flow=Flow(2.0, NOON), search=spent)) == Wait(NOON + timedelta(seconds=orders / 2))


def test_a_bucket_that_lasts_through_a_burst_may_be_spent() -> None:
    calls = 2 * 3600 * (0.65 / PAGE_ORDERS - SEARCH.rate)
    for missing in (0.0, 1.0):
        orders = PAGE_ORDERS + SURE_ORDERS + missing * SURER_ORDERS
        action = next_action(state(flow=Flow(0.65, NOON), search=replace(SEARCH, tokens=calls - missing)))
        assert isinstance(action, Wait)
        assert abs(action.until - NOON - timedelta(seconds=orders / 0.65)) < timedelta(seconds=0.001)


def test_what_a_full_page_left_behind_waits_no_longer_than_what_came_after_it_while_calls_can_be_spared() -> None:
    behind = state(searched_to=NOON - SETTLING - minutes(1), flow=Flow(0.3, NOON))
    action = next_action(replace(behind, search=replace(SEARCH, tokens=19.0)))
    assert action == Wait(NOON - minutes(1) + REFILL)
    low = replace(behind, search=replace(SEARCH, tokens=4.0))
    assert next_action(low) == Wait(NOON + 1.05 * REFILL)


def test_without_a_call_a_full_page_waits_for_one() -> None:
    action = next_action(state(now=NOON + minutes(1), flow=Flow(2.0, NOON), search=replace(SEARCH, tokens=0.5)))
    assert isinstance(action, Wait)
    assert timedelta(0) <= action.until - (NOON + minutes(1)) - 0.5 * REFILL < timedelta(seconds=1)


def test_a_backlog_may_have_the_whole_bucket() -> None:
    behind = state(searched_to=NOON - minutes(300), flow=Flow(1.0, NOON))
    assert next_action(behind) == Search(NOON - minutes(300))


def test_a_first_import_searches_at_once() -> None:
    assert next_action(state(searched_to=None, flow=Flow())) == Search(None)


@pytest.mark.parametrize(
    ("an_hour", "again"), [(10, minutes(15)), (600, timedelta(seconds=121.4)), (6000, timedelta(0))]
)
def test_a_search_looks_again_as_far_back_as_its_page_has_room(an_hour: int, again: timedelta) -> None:
    due = state(now=NOON + REFILL, flow=Flow(an_hour / 3600, NOON), overlap=minutes(15))
    action = next_action(due)
    assert isinstance(action, Search)
    assert action.after is not None
    assert abs(NOON - SETTLING - action.after - again) < timedelta(seconds=1)


def test_named_orders_are_asked_for_at_once_and_where_get_order_is_behind_some_at_a_time() -> None:
    assert next_action(state(names=3)) == Fetch()
    behind = replace(GET, tokens=4.0)
    assert next_action(state(names=3, get=behind)) == Fetch()
    assert isinstance(next_action(state(names=4, get=behind)), Wait)  # one call stays in the bucket
    action = next_action(state(names=500, get=behind))
    assert isinstance(action, Wait)
    assert abs(action.until - NOON - timedelta(seconds=(FETCHED_AT_ONCE + KEPT_FOR_LATE - 4) / 0.5)) < timedelta(
        seconds=1
    )


def test_where_names_bring_more_than_a_page_the_search_leaves_out_what_get_order_has_brought() -> None:
    now = NOON + minutes(16)
    notified = state(now=now, flow=Flow(1.0, NOON), is_notified=True, get=replace(GET, tokens=0.0), names=300)
    assert next_action(replace(notified, oldest_name_at=now - minutes(5))) == Search(now - minutes(5), leaves_gap=True)
    assert next_action(replace(notified, names=0)) == Search(now - SETTLING, leaves_gap=True)


def test_a_search_brings_the_oldest_named_orders_where_get_order_is_behind_by_a_page() -> None:
    oldest = NOON - minutes(4)
    behind = state(is_notified=True, names=100, oldest_name_at=oldest, get=replace(GET, tokens=30.0))
    assert next_action(replace(behind, settled_names=100)) == Search(oldest)
    assert next_action(replace(behind, settled_names=99)) == Fetch()
    begun = replace(behind, searched_to=oldest - minutes(9), settled_names=100)
    assert next_action(begun) == Search(oldest, leaves_gap=True)
    assert next_action(replace(begun, search=replace(SEARCH, tokens=0.9), names=300)) == Fetch()


def test_a_search_with_a_call_that_is_short_leaves_out_orders_that_nobody_waits_for() -> None:
    oldest = NOON - minutes(4)
    behind = state(is_notified=True, names=100, settled_names=100, oldest_name_at=oldest)
    assert next_action(replace(behind, search=replace(SEARCH, tokens=12.0))) == Search(oldest, is_due_only=True)
    assert next_action(behind) == Search(oldest)


def test_a_call_that_a_full_bucket_would_lose_brings_named_orders_though_they_fill_no_page() -> None:
    now = NOON + minutes(5)
    behind = state(now=now, is_notified=True, names=50, oldest_name_at=NOON, get=replace(GET, tokens=0.0))
    assert next_action(replace(behind, settled_names=20)) == Search(NOON - SETTLING)
    assert isinstance(next_action(replace(behind, settled_names=19)), Wait)
    assert isinstance(next_action(replace(behind, settled_names=20, search=replace(SEARCH, tokens=19.8))), Wait)


def test_while_notifications_arrive_a_search_checks_now_and_then_with_a_call_to_spare() -> None:
    notified = state(is_notified=True)
    assert next_action(notified) == Wait(NOON + minutes(15))
    later = replace(notified, now=NOON + minutes(15))
    assert isinstance(next_action(later), Search)
    assert isinstance(next_action(replace(later, search=replace(SEARCH, tokens=19.0))), Wait)
    assert not isinstance(next_action(replace(later, names=20, settled_names=20)), Search)


def test_what_changed_before_notifications_came_is_searched_page_by_page_and_nothing_of_it_left_out() -> None:
    yesterday = NOON - timedelta(days=1)
    backlog = state(searched_to=yesterday, flow=Flow(1.0, NOON), is_notified=True, notified_since=NOON, names=3)
    assert next_action(backlog) == Search(yesterday)
    assert next_action(replace(backlog, search=replace(SEARCH, tokens=0.5))) == Fetch(), "without a call names go on"
    assert next_action(replace(backlog, searched_to=NOON)) == Fetch()


def test_names_that_are_there_at_every_turn_put_off_a_search_for_a_minute_only() -> None:
    notified = state(is_notified=True, names=3)
    assert next_action(replace(notified, now=NOON + minutes(15.5))) == Fetch()
    assert isinstance(next_action(replace(notified, now=NOON + minutes(16.5))), Search)


def test_where_a_page_holds_all_that_changed_nothing_is_left_out() -> None:
    notified = state(now=NOON + minutes(16), is_notified=True, names=0)
    assert next_action(notified) == Search(notified.searched_to)


def test_a_gap_gets_a_call_that_a_full_bucket_would_lose_and_never_before_a_search_that_is_due() -> None:
    assert next_action(state(has_gaps=True)) == WorkGap()
    assert isinstance(next_action(state(has_gaps=True, search=replace(SEARCH, tokens=19.9))), Wait)
    assert isinstance(next_action(state(has_gaps=True, now=NOON + 1.2 * REFILL)), Search)


@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        ({}, 1.0),
        ({"search": replace(SEARCH, tokens=10.0)}, 1.05),
        ({"search": replace(SEARCH, tokens=18.92)}, 1.03),
        ({"has_gaps": True, "flow": Flow(0.13, NOON), "search": replace(SEARCH, tokens=10.0)}, 1.1),
        ({"has_gaps": True, "flow": Flow(0.15, NOON), "search": replace(SEARCH, tokens=10.0)}, 1.05),
        ({"has_gaps": True, "is_backfilled": True, "search": replace(SEARCH, tokens=10.0)}, 1.25),
        ({"search": Lane(20.0, 5.0, 20)}, 15 * 5.0),
    ],
    ids=[
        "a full bucket",
        "one to be filled",
        "one that is full soon",
        "gaps in quiet hours",
        "gaps in busy ones",
        "a backfill",
        "a fast plan",
    ],
)
def test_searches_come_as_fast_as_calls_come_back_and_leave_a_share_for_what_is_to_be_made_up(
    changes: dict[str, Any], calls: float
) -> None:
    known = state(**changes)
    action = next_action(known)
    assert isinstance(action, Wait)
    assert abs(action.until - NOON - timedelta(seconds=calls / known.search.rate)) < timedelta(seconds=1)


def search_day(arrivals: list[float], until: float) -> tuple[list[float], int]:
    """How old each order was when a search brought it, and how many searches there were; no call beyond the bucket."""
    now, tokens, begun, searches = 0.0, 20.0, NOON - SETTLING, 0
    found: dict[int, float] = {}
    known = State(NOON, begun, Flow(), SEARCH, GET)
    while now < until:
        known = replace(known, now=NOON + timedelta(seconds=now), search=replace(SEARCH, tokens=tokens))
        action = next_action(known)
        if isinstance(action, Wait):
            later = (action.until - NOON).total_seconds()
            assert later > now
            tokens, now = min(20.0, tokens + (later - now) * SEARCH.rate), later
            continue
        assert isinstance(action, Search)
        assert tokens >= 1
        assert action.after == known.searched_to  # every second once
        begin = ((action.after or NOON) - NOON).total_seconds()
        shown = [n for n, at in enumerate(arrivals) if begin <= at <= now - SETTLING.total_seconds()]
        page = shown[:PAGE_ORDERS]
        news = [n for n in page if n not in found]
        found |= dict.fromkeys(news, now)
        is_full = len(shown) > len(page)
        end = arrivals[page[-1]] if is_full else now - SETTLING.total_seconds()
        known = after_search(known, len(news), NOON + timedelta(seconds=end))
        tokens -= 1
        searches += 1
    return [found[n] - at for n, at in enumerate(arrivals) if at < until - 900], searches


@settings(max_examples=25)
@given(st.lists(st.floats(1, 7200), max_size=150), st.floats(0, 7000), st.integers(0, 400))
def test_whatever_comes_is_found_once_within_the_rates(spread: list[float], burst_at: float, burst: int) -> None:
    arrivals = sorted([*spread, *(burst_at + number / 10 for number in range(burst))])
    ages, searches = search_day(arrivals, 9000)
    assert searches <= 20 + 9000 * SEARCH.rate + 1
    assert max(ages, default=0) <= (SETTLING + 2 * REFILL).total_seconds() + 1


def test_a_steady_thirty_thousand_a_day_is_never_older_than_one_refill_and_what_amazon_takes() -> None:
    ages, searches = search_day([number * 86_400 / 30_000 for number in range(3_750)], 10_800)
    assert max(ages) <= (SETTLING + REFILL).total_seconds() + 2
    assert searches <= 10_800 * SEARCH.rate + 3

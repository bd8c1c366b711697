"""The plan of both lanes on a day of its own, without an Amazon, beside what no plan gets below."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.day_ages import ages, oldest_since
from benchmarks.day_bound import least_maximum
from benchmarks.day_lanes import GET, SEARCH
from benchmarks.day_orders import DAY_SECONDS, START, make_day, moment
from benchmarks.day_unseen import least_promised
from mfn.ledger.bucket import counted_on
from mfn.rules.lanes import Flow, Lane
from mfn.rules.next_call import Search, State, Wait, next_action
from mfn.rules.search_pages import page_end
from tests.unit.planning import after_search

if TYPE_CHECKING:
    from benchmarks.day_orders import Moments


def planned(shown: Moments) -> Moments:
    """When a plan that only searches, and is not told of gaps, has brought each change that a search shows."""
    gone = np.full(len(shown), np.inf)
    rate = counted_on(SEARCH.rate)
    search = Lane(SEARCH.burst, rate, SEARCH.burst)
    state = State(START, None, Flow(), search, Lane(GET.burst, GET.rate, GET.burst), overlap=timedelta(minutes=15))
    while (now := (state.now - START).total_seconds()) < DAY_SECONDS:
        action = next_action(state)
        if isinstance(action, Wait):
            seconds = max((action.until - state.now).total_seconds(), 0.001)
            tokens = min(state.search.tokens + seconds * rate, SEARCH.burst)
            later = state.now + timedelta(seconds=seconds)
            state = replace(state, now=later, search=replace(state.search, tokens=tokens))
            continue
        assert isinstance(action, Search)
        assert state.search.tokens >= 1
        begin = 0 if action.after is None else int(np.searchsorted(shown, (action.after - START).total_seconds()))
        seen = int(np.searchsorted(shown, now - SEARCH.delay, side="right"))
        page = slice(begin, min(begin + SEARCH.orders, seen))
        news = int(np.isinf(gone[page]).sum())
        gone[page] = np.minimum(gone[page], now)
        end, before = None, moment(np.floor(now - SEARCH.delay))
        if page.stop < seen and action.after is not None:
            end = page_end([moment(at) for at in shown[page]], action.after, before)
        state = after_search(state, news, end or before)
    return gone


@pytest.mark.parametrize("orders", [300, 10_000, 20_000, 25_000, 30_000])
def test_by_search_alone_no_order_waits_much_longer_than_any_plan_could_promise(orders: int) -> None:
    changes = make_day(orders, seed="planned").changes
    shown = np.array([float(change.at) for change in changes])
    is_due = np.array([change.status == "UNSHIPPED" for change in changes])
    due = shown[is_due]

    gone = planned(shown)[is_due]

    maximum, _ = ages(*oldest_since(due, gone), until=DAY_SECONDS)
    assert maximum <= 1.1 * max(least_maximum(due), least_promised())
    assert np.isinf(gone).sum() == (due > due[np.isfinite(gone)].max()).sum()

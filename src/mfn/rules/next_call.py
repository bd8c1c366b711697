"""One plan for the two ways of getting orders from Amazon: what the next call is, and when.

searchOrders brings 100 orders a call and refills by one call in three minutes; getOrder brings one order a call and
refills by one in two seconds, for orders that a notification has named (plans: orders_2026-01-01.json, 2026-07-29).
Nothing here waits, calls or looks at a clock: the state goes in, the next action comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mfn.rules.search_pages import PAGE_ORDERS, SETTLING

if TYPE_CHECKING:
    from mfn.rules.lanes import Flow, Lane

OVERLAP_SHARE = 0.5
"""The share of a page that may be spent on what was searched before."""

FETCHED_AT_ONCE = 20
"""How many names make one run if getOrder is behind: a run for each order would take longer than its call."""

SURE_ORDERS = 8
"""How many more orders than a page holds are waited for: otherwise half of the pages would not be full."""

SURER_ORDERS = 3
"""How many more for each call that is missing in the bucket, if that would not last through a burst."""

BURST_LASTS = timedelta(hours=2)
"""How long a burst is expected to last."""

LEFT_BEHIND = timedelta(seconds=10)
"""A search that ended longer than this before what Amazon shows has left something out: its page was full."""

SPARED_CALLS = 5
"""With this many calls in the bucket, what a full page left behind waits no longer than what came after it."""

MANY_NAMES = 300
"""How many named orders a plan takes into account."""

KEPT_FOR_LATE = 1
"""Calls of getOrder that stay in the bucket: Amazon counts calls as they arrive, and one may be two seconds late."""

SEARCHED_EVERY = timedelta(minutes=15)
"""How often a search looks for orders that no notification named."""

PUT_OFF = timedelta(minutes=1)
"""How much longer a search that is due waits for names: if there are some at every turn, it would wait forever."""

NEARLY_ALL = 0.975
"""The share of the bucket above which half of the next call to come back would be lost."""

LEAST_SECONDS = 15.0
"""The shortest time between two searches, whatever rate Amazon grants an account: each is a run, with its report."""

A_TRIFLE = 0.05
"""A bucket that lacks no more than this part of a call counts as full."""

REFILL_STRETCH = 1.05
GAP_STRETCH = 1.1
BACKFILL_STRETCH = 1.25
"""How much longer searches wait than it takes a call to come back: at most, until the bucket is full; for gaps in quiet
hours; while a person waits for one."""

QUIET_ORDERS = 25
"""In quiet hours, fewer orders than this change from one search to the next."""


@dataclass(frozen=True)
class State:
    """The input of the plan.

    Attributes:
        now: The present time; aware, like all times here.
        searched_to: The time up to which Amazon's changes have landed; None before the first import.
        flow: How fast orders change.
        search: The lane of searchOrders.
        get: The lane of getOrder.
        is_notified: Whether notifications name the orders that change.
        notified_since: When notifications began; earlier changes may not have been named. None if they always came.
        names: How many named orders have yet to be fetched.
        settled_names: How many of them are due according to their name, old enough for a search to show them, and not
            fetched yet.
        oldest_name_at: When the first of those that are due and not fetched yet changed; None if there are none.
        has_gaps: Whether there are periods left to be searched with spare calls.
        is_backfilled: Whether a person asked for one of them.
        overlap: How far back a search looks again if its page has room.
    """

    now: datetime
    searched_to: datetime | None
    flow: Flow
    search: Lane
    get: Lane
    is_notified: bool = False
    notified_since: datetime | None = None
    names: int = 0
    settled_names: int = 0
    oldest_name_at: datetime | None = None
    has_gaps: bool = False
    is_backfilled: bool = False
    overlap: timedelta = timedelta()


@dataclass(frozen=True)
class Search:
    """Fetch one page of what changed since some time.

    Attributes:
        after: That time; None for where a first import starts.
        leaves_gap: Whether the time between the last search and `after` is left out, to be searched later.
        is_due_only: Whether orders that nobody may ship are left out, to be searched later too.
    """

    after: datetime | None
    leaves_gap: bool = False
    is_due_only: bool = False


@dataclass(frozen=True)
class Fetch:
    """Fetch named orders by getOrder, the oldest change first, as many as there are calls for."""


@dataclass(frozen=True)
class WorkGap:
    """Search one page of a period that was left out."""


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done.

    Attributes:
        until: Until then, unless orders are named.
    """

    until: datetime


Action = Search | Fetch | WorkGap | Wait


def next_action(state: State) -> Action:
    """The next thing to do for one connection.

    Names come first, while getOrder has calls, except before a search that has been put off for them long enough, or
    that looks for changes from before notifications began. If getOrder falls behind, a search fetches the oldest names:
    a full page of them with any available call, fewer with a call that a full bucket would lose. A search is made once
    one more call has come back since the last one, so that the bucket stays full for a burst; in a burst it is made
    earlier, as soon as its page is full. A full page is not followed to the end of its window: the next search starts
    where it ended, and gets a full page again. If notifications name more than a page of orders between two searches,
    the search leaves out what getOrder has fetched already. What was left out is searched with calls that a full bucket
    would lose; there are some because the other searches wait a little longer.
    """
    moments = []
    if _is_behind(state) and state.search.has(1):
        return _search(state)
    due_at = max(_search_due_at(state), state.now + state.search.until(1))
    if due_at <= state.now and _is_put_off(state):
        return _search(state)
    if state.names:
        wanted = min(state.names, FETCHED_AT_ONCE)
        if state.get.has(wanted + KEPT_FOR_LATE):
            return Fetch()
        moments.append(state.now + state.get.until(wanted + KEPT_FOR_LATE))
    if due_at <= state.now:
        return _search(state)
    moments.append(due_at)
    if state.has_gaps:
        spare_at = state.now + state.search.until(state.search.burst)
        if spare_at <= state.now:
            return WorkGap()
        moments.append(spare_at)
    return Wait(min(moments))


def _search_due_at(state: State) -> datetime:
    flow, searched_to = state.flow, state.searched_to
    if flow.searched_at is None or searched_to is None:
        return state.now
    reached = searched_to + SETTLING
    is_behind = flow.searched_at - reached > LEFT_BEHIND and state.search.has(SPARED_CALLS)
    regular = (reached if is_behind else flow.searched_at) + _pause(state, flow.searched_at)
    if state.is_notified and not _has_unsearched_past(state):
        # Orders are fetched by name; the calls are for those that getOrder is too slow for.
        if state.settled_names >= FETCHED_AT_ONCE:
            return state.now + state.search.until(state.search.burst - A_TRIFLE)
        return max(flow.searched_at + SEARCHED_EVERY, state.now + state.search.until(NEARLY_ALL * state.search.burst))
    if flow.per_second <= 0:
        return regular
    return min(regular, reached + _span(state))


def _pause(state: State, searched_at: datetime) -> timedelta:
    """How long to wait between two searches: until a call and part of another have come back, for gaps or a burst."""
    refill = timedelta(seconds=1 / state.search.rate)
    if state.is_backfilled:
        pause = BACKFILL_STRETCH * refill
    elif state.has_gaps and state.flow.per_second < QUIET_ORDERS * state.search.rate:
        pause = GAP_STRETCH * refill
    else:
        full_at = state.now + state.search.until(state.search.burst - A_TRIFLE)
        pause = min(max(refill, full_at - searched_at), REFILL_STRETCH * refill)
    return max(pause, timedelta(seconds=LEAST_SECONDS))


def _is_behind(state: State) -> bool:
    """Whether a search would bring a full page of named orders that getOrder has no calls for."""
    return state.settled_names >= PAGE_ORDERS


def _has_unsearched_past(state: State) -> bool:
    """Whether changes from before notifications began have yet to be searched, since nothing else would find them."""
    is_before = (
        state.notified_since is not None and state.searched_to is not None and state.searched_to < state.notified_since
    )
    return is_before and state.settled_names < FETCHED_AT_ONCE


def _is_put_off(state: State) -> bool:
    """Whether a search that is due has been put off long enough to come before names."""
    searched_at = state.flow.searched_at
    return searched_at is None or _has_unsearched_past(state) or state.now - searched_at > SEARCHED_EVERY + PUT_OFF


def _span(state: State) -> timedelta:
    """How long until a page is sure to be full; the fewer calls are left for a burst, the surer it has to be."""
    per_second, search = state.flow.per_second, state.search
    spent_a_second = per_second / PAGE_ORDERS - search.rate
    lacking = max(0.0, spent_a_second * BURST_LASTS.total_seconds() - search.tokens)
    orders = PAGE_ORDERS + SURE_ORDERS + SURER_ORDERS * min(lacking, search.burst - search.tokens)
    return timedelta(seconds=min(orders / per_second, timedelta(days=1).total_seconds()))


def _search(state: State) -> Search:
    if state.searched_to is None:
        return Search(None)
    settled = state.now - SETTLING
    new = state.flow.per_second * max(0.0, (settled - state.searched_to).total_seconds())
    begin = min(state.oldest_name_at or settled, settled)
    is_brought = state.is_notified and new > PAGE_ORDERS and not _has_unsearched_past(state)
    if _is_behind(state) or (is_brought and begin > state.searched_to):
        # While calls are short, none is spent on orders that nobody waits for.
        is_due_only = _is_behind(state) and not state.search.has(state.search.burst - A_TRIFLE)
        return Search(begin, begin > state.searched_to, is_due_only)
    if state.flow.per_second <= 0:
        return Search(state.searched_to - state.overlap)
    room = max(0.0, PAGE_ORDERS * OVERLAP_SHARE - new)
    back = min(state.overlap, timedelta(seconds=min(room / state.flow.per_second, state.overlap.total_seconds())))
    return Search(state.searched_to - back)

"""One plan for the two lanes out of Amazon: what is the next call, and when.

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
"""So much of a page may be given to looking again at what was searched before."""

FETCHED_AT_ONCE = 20
"""So many names are gathered for one run where getOrder is behind: a run for each order would take more than it."""

SURE_ORDERS = 8
"""So many more orders than a page holds are waited for: half of the pages would not be full otherwise."""

SURER_ORDERS = 3
"""And so many on top for each call that is missing in the bucket, as far as that does not last through a burst."""

BURST_LASTS = timedelta(hours=2)
"""So long a burst is expected to go on."""

LEFT_BEHIND = timedelta(seconds=10)
"""A search that got no further than so long before what Amazon shows has left something behind: its page was full."""

SPARED_CALLS = 5
"""With so many calls in the bucket, what a full page left behind waits no longer than what came after it."""

MANY_NAMES = 300
"""No more of the named orders than that are looked at for a plan."""

KEPT_FOR_LATE = 1
"""Calls of getOrder that stay in the bucket: Amazon counts calls as they arrive, and one may be late by two seconds."""

TOLD_EVERY = timedelta(minutes=15)
"""So often a search looks for orders that no notification named."""

PUT_OFF = timedelta(minutes=1)
"""So much longer a search that is due waits for names: where some are there at every turn, it would wait for ever."""

_NEARLY_ALL = 0.975
"""Of the bucket: the next call to come back would be half lost."""

LEAST_SECONDS = 15.0
"""Between two searches, whatever rate Amazon grants an account: each is a run, with its report."""

A_TRIFLE = 0.05
"""A bucket that lacks no more than this of a call counts as full."""

REFILL_STRETCH = 1.05
GAP_STRETCH = 1.1
BACKFILL_STRETCH = 1.25
"""How much later searches come than a call comes back: at most, until the bucket is full; for gaps in quiet hours;
while a person waits for one."""

QUIET_ORDERS = 25
"""Hours are quiet in which fewer orders than that change from one search to the next."""


@dataclass(frozen=True)
class State:
    """What the plan is made from.

    Attributes:
        now: The present moment; aware, as all of them.
        searched_to: Up to when Amazon's changes have landed; None before the first import.
        flow: How many orders change.
        search: The lane of searchOrders.
        get: The lane of getOrder.
        is_told: Whether notifications name the orders that change.
        told_since: Since when; what changed earlier may have been named by none. None: for as long as anybody knows.
        names: How many named orders wait to be asked for.
        settled_names: How many of them are due, so says their name, shown by a search by now, and not asked for yet.
        oldest_name_at: When the first of those changed that are due and were not asked for yet; None: there are none.
        has_gaps: Whether there are periods left to be searched with calls that are to spare.
        is_backfilled: Whether a person asked for one of them.
        overlap: How far back a search looks again where its page has room.
    """

    now: datetime
    searched_to: datetime | None
    flow: Flow
    search: Lane
    get: Lane
    is_told: bool = False
    told_since: datetime | None = None
    names: int = 0
    settled_names: int = 0
    oldest_name_at: datetime | None = None
    has_gaps: bool = False
    is_backfilled: bool = False
    overlap: timedelta = timedelta()


@dataclass(frozen=True)
class Search:
    """Ask for one page of what changed since a moment.

    Attributes:
        after: The beginning; None: where a first import begins.
        leaves_gap: Whether what lies between the last search and `after` is left out, to be searched later.
        is_due_only: Whether orders that nobody may ship are left out, to be searched later likewise.
    """

    after: datetime | None
    leaves_gap: bool = False
    is_due_only: bool = False


@dataclass(frozen=True)
class Fetch:
    """Ask for named orders by getOrder, the oldest change first, as many as there are calls for."""


@dataclass(frozen=True)
class WorkGap:
    """Search one page of a period that was left out."""


@dataclass(frozen=True)
class Wait:
    """Nothing is to be done.

    Attributes:
        until: Before this moment, unless orders are named.
    """

    until: datetime


Action = Search | Fetch | WorkGap | Wait


def next_action(state: State) -> Action:
    """The next thing to do for one connection.

    Names first, while getOrder has calls, but for a search that was put off for them long enough, or looks for what
    changed before notifications came. Where getOrder falls behind, a search brings the oldest of them: a whole page
    with any call that is there, some of them with one that a full bucket would lose. A search is made when one more
    call has come back since the last one, so that the bucket stays full for a burst; in a burst earlier, at the moment
    at which its page is full. A full page is not followed to the end of its window: the next search
    begins where it ended, and brings a full page again. Where notifications name more than a page of orders between two
    searches, the search leaves out what getOrder has brought already. What was left out is searched with calls
    that a full bucket would lose, of which there are some while the other searches come a little later.

    Args:
        state: How things stand.
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
    if state.is_told and not _is_untold(state):
        # Orders come by their names, and the calls are for those that getOrder is too slow for.
        if state.settled_names >= FETCHED_AT_ONCE:
            return state.now + state.search.until(state.search.burst - A_TRIFLE)
        return max(flow.searched_at + TOLD_EVERY, state.now + state.search.until(_NEARLY_ALL * state.search.burst))
    if flow.per_second <= 0:
        return regular
    return min(regular, reached + _span(state))


def _pause(state: State, searched_at: datetime) -> timedelta:
    """How long from one search to the next: a call comes back, and part of another, for gaps or the next burst."""
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
    """Whether a search brings a whole page of named orders that getOrder has no calls for."""
    return state.settled_names >= PAGE_ORDERS


def _is_untold(state: State) -> bool:
    """Whether orders are left to be searched that changed before notifications came, which nothing else brings."""
    is_before = state.told_since is not None and state.searched_to is not None and state.searched_to < state.told_since
    return is_before and state.settled_names < FETCHED_AT_ONCE


def _is_put_off(state: State) -> bool:
    """Whether a search that is due comes before names."""
    searched_at = state.flow.searched_at
    return searched_at is None or _is_untold(state) or state.now - searched_at > TOLD_EVERY + PUT_OFF


def _span(state: State) -> timedelta:
    """How long until a page is surely full: the surer, the more is spent of a bucket that lasts for no burst."""
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
    is_brought = state.is_told and new > PAGE_ORDERS and not _is_untold(state)
    if _is_behind(state) or (is_brought and begin > state.searched_to):
        # Of calls that are short, none is for orders that nobody waits for.
        is_due_only = _is_behind(state) and not state.search.has(state.search.burst - A_TRIFLE)
        return Search(begin, begin > state.searched_to, is_due_only)
    if state.flow.per_second <= 0:
        return Search(state.searched_to - state.overlap)
    room = max(0.0, PAGE_ORDERS * OVERLAP_SHARE - new)
    back = min(state.overlap, timedelta(seconds=min(room / state.flow.per_second, state.overlap.total_seconds())))
    return Search(state.searched_to - back)

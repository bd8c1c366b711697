"""Calls that are booked ahead: as many as the plan allows and no more, whoever else takes, stalls or gives back."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from mfn.database.engines import engine_for
from mfn.ledger.booking import Booking
from mfn.ledger.bucket import Bucket
from mfn.ledger.budget import PLANS, Budget
from mfn.ledger.schema import Base
from tests.faults.adapter import Clock

if TYPE_CHECKING:
    from sqlalchemy import Engine

START = 1_800_000_000.0
BURST = 10
OPERATION = "confirmShipment"

DIES_IN_BULK = """
import os, sys
from mfn.database.engines import engine_for
from mfn.ledger.budget import Budget
budget = Budget(engine_for(sys.argv[1]), "seller/na", clock=lambda: 1_800_000_000.0)
with budget.in_bulk("confirmShipment", 1000, at_once=1):
    taken = 0
    while budget.take("confirmShipment") == 0:
        taken += 1
    print(taken, flush=True)
    os._exit(9)
"""

rates = st.sampled_from([0.5, 2.0, 5.0, 200.0])
pauses = st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 40))
"""In turns of the plan."""


class Amazon:
    """The bucket that counts: a call that it does not hold is refused."""

    def __init__(self, rate: float) -> None:
        self.rate, self.level, self.counted_at = rate, float(BURST), START
        self.taken = 0

    def arrives(self, now: float) -> None:
        self.level = min(self.level + (now - self.counted_at) * self.rate, BURST)
        self.counted_at = now
        assert self.level >= 1 - 1e-6
        self.level -= 1
        self.taken += 1


class Sender:
    """Books ahead, and has a few calls on their way."""

    def __init__(self, row: Bucket, amazon: Amazon, at_once: int) -> None:
        self.row, self.amazon, self.at_once = row, amazon, at_once
        self.booked: Booking | None = None
        self.on_their_way = 0

    def put_back(self, now: float) -> None:
        self.row.refill(now, BURST)
        if self.booked:
            self.booked.put_back(self.row, now)
        self.booked = None

    def takes(self, now: float, wanted: int) -> float:
        seconds = self.booked.take(now) if self.booked else None
        if seconds is None:
            self.put_back(now)
            self.booked = Booking(self.row, BURST - self.at_once, now, wanted)
            seconds = self.booked.take(now)
        assert seconds is not None
        self.on_their_way += not seconds
        return seconds

    def arrive(self, now: float, calls: int) -> None:
        for _ in range(min(calls, self.on_their_way)):
            self.amazon.arrives(now)
            self.on_their_way -= 1


@given(rates, st.lists(st.tuples(pauses, st.sampled_from("AaBbs"), st.integers(1, 15)), max_size=40))
def test_senders_that_book_ahead_and_others_that_do_not_are_never_refused(
    rate: float, moves: list[tuple[float, str, int]]
) -> None:
    amazon, row, now = Amazon(rate), Bucket(BURST, rate, START), START
    senders = {name: Sender(row, amazon, at_once=1) for name in "AB"}
    for pause, who, times in moves:
        now += pause / rate
        for _ in range(times):
            if who in senders:
                senders[who].takes(now, 1000)
                senders[who].arrive(now, 1)
            elif who.upper() in senders:
                senders[who.upper()].put_back(now)
            else:
                row.refill(now, BURST)
                if row.take(now) == 0:
                    amazon.arrives(now)


def test_what_is_put_back_is_not_given_away_where_others_have_booked_behind_it() -> None:
    amazon, row, now = Amazon(200.0), Bucket(BURST, 200.0, START), START
    first, second = (Sender(row, amazon, at_once=1) for _ in range(2))
    first.takes(now, 1000)
    first.arrive(now, 1)
    assert second.takes(now, 1000) == pytest.approx(1, abs=0.02)
    first.put_back(now)
    while now < START + 3:
        now += 0.001
        row.refill(now, BURST)
        if row.take(now) == 0:
            amazon.arrives(now)
        if second.takes(now, 1000) == 0:
            second.arrive(now, 1)


@given(rates, st.lists(st.tuples(pauses, st.integers(0, 15), st.booleans()), max_size=60), st.integers(1, 4))
def test_calls_that_are_long_on_their_way_are_not_refused_either(
    rate: float, moves: list[tuple[float, int, bool]], at_once: int
) -> None:
    amazon, now = Amazon(rate), START
    sender = Sender(Bucket(BURST, rate, START), amazon, at_once)
    for pause, times, stops in moves:
        now += pause / rate
        for _ in range(times):
            if sender.on_their_way == at_once:
                sender.arrive(now, 1)
            sender.takes(now, 1000)
        if stops and not sender.on_their_way:
            sender.put_back(now)


@given(rates, st.integers(1, 2000))
def test_a_sender_that_is_quick_enough_goes_at_the_speed_of_the_plan(rate: float, calls: int) -> None:
    amazon, now = Amazon(rate), START
    sender = Sender(Bucket(BURST, rate, START), amazon, at_once=4)
    while amazon.taken < calls:
        now += sender.takes(now, calls - amazon.taken)
        sender.arrive(now, 1)
    assert now - START <= max(0.0, calls - BURST + 4) / (rate * 0.99) + 0.002


@given(st.sampled_from([2.0, 5.0]), st.integers(1, 9), st.floats(0.001, 0.02))
def test_a_sender_that_is_a_moment_late_with_each_call_loses_those_moments_only(
    rate: float, at_once: int, late: float
) -> None:
    amazon, now = Amazon(rate), START
    sender = Sender(Bucket(BURST, rate, START), amazon, at_once)
    while amazon.taken < 60:
        seconds = sender.takes(now, 60 - amazon.taken)
        now += seconds + late if seconds else 0.0
        sender.arrive(now, 1)
    assert now - START <= 60 * (1 / (rate * 0.99) + late + 0.002)


@pytest.fixture
def ledger(database_url: str) -> Engine:
    engine = engine_for(database_url)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["rate_budget"]])
    return engine


def take_all(budget: Budget) -> int:
    taken = 0
    while budget.take(OPERATION) == 0:
        taken += 1
    return taken


def within(budget: Budget, clock: Clock, seconds: float) -> int:
    """How many calls are made in a span of time by who makes them as soon as they may be made."""
    end, taken = clock.now + seconds, 0
    while clock.now < end:
        wait = budget.take(OPERATION)
        taken += not wait
        clock.now += wait
    return taken


def test_hundreds_of_calls_a_second_take_one_transaction_a_second(ledger: Engine) -> None:
    clock = Clock()
    commits: list[object] = []
    event.listen(ledger, "commit", commits.append)
    budget = Budget(ledger, "seller/na", clock=clock)
    budget.learn(OPERATION, 200)
    with budget.in_bulk(OPERATION, 1000, at_once=4):
        assert 985 <= within(budget, clock, 5) <= 1000
    assert len(commits) <= 8


def test_a_plan_that_holds_hardly_more_than_is_under_way_is_used_to_nearly_its_rate(ledger: Engine) -> None:
    clock = Clock()
    budget, patched = Budget(ledger, "seller/na", clock=clock), 0
    with budget.in_bulk("patchListingsItem", 1000, at_once=4):
        while clock.now < START + 60:
            wait = budget.take("patchListingsItem")
            patched += not wait
            clock.now += wait + 0.005 if wait else 0.0
    assert 285 <= patched <= 300


def test_no_more_is_booked_than_is_wanted(ledger: Engine) -> None:
    clock = Clock()
    ours, theirs = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    with ours.in_bulk(OPERATION, 3, at_once=1):
        assert ours.take(OPERATION) == 0
        assert take_all(theirs) == BURST - 1 - 3


def test_what_was_not_used_is_there_for_the_next_one(ledger: Engine) -> None:
    clock = Clock()
    ours, theirs = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    with ours.in_bulk(OPERATION, 1000, at_once=1):
        assert ours.take(OPERATION) == 0
        assert theirs.take(OPERATION) > 0
    assert take_all(theirs) == BURST - 1 - 1


def test_more_calls_than_were_announced_still_have_their_turn(ledger: Engine) -> None:
    clock = Clock()
    budget = Budget(ledger, "seller/na", clock=clock)
    with budget.in_bulk(OPERATION, 2, at_once=1):
        assert within(budget, clock, 3) >= 12


def test_two_processes_in_bulk_share_the_plan(ledger: Engine) -> None:
    clock = Clock()
    ours, theirs = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    ours.learn(OPERATION, 100)
    taken = [0, 0]
    with ours.in_bulk(OPERATION, 5000, at_once=1), theirs.in_bulk(OPERATION, 5000, at_once=1):
        while clock.now < START + 10:
            waits = []
            for number, budget in enumerate((ours, theirs)):
                wait = budget.take(OPERATION)
                taken[number] += not wait
                waits.append(wait)
            clock.now += min(waits)
    assert 950 <= sum(taken) <= 1000 + BURST
    assert min(taken) >= 400


def test_processes_that_are_a_moment_late_for_their_last_calls_do_not_wait_for_each_other(ledger: Engine) -> None:
    clock = Clock()
    budgets = [Budget(ledger, "seller/na", clock=clock) for _ in range(3)]
    taken, begun = 0, clock.now
    with ExitStack() as all_in_bulk:
        for budget in budgets:
            all_in_bulk.enter_context(budget.in_bulk("searchListingsItems", 1, at_once=4))
        next_at = {budget: clock.now + 0.05 * number for number, budget in enumerate(budgets)}
        while taken < 20 and clock.now < begun + 20:
            budget, clock.now = min(next_at.items(), key=lambda item: item[1])
            seconds = budget.take("searchListingsItems")
            taken += not seconds
            next_at[budget] = clock.now + seconds + 0.004
    assert clock.now - begun <= 20 / 5 * 1.5


def test_a_process_that_dies_in_bulk_costs_the_others_about_a_second(database_url: str, ledger: Engine) -> None:
    died = subprocess.run(
        [sys.executable, "-c", DIES_IN_BULK, database_url], capture_output=True, text=True, check=False
    )
    assert (died.returncode, died.stdout) == (9, "9\n")
    clock = Clock()
    assert 0 < Budget(ledger, "seller/na", clock=clock).take(OPERATION) <= 1.1


def test_a_rate_that_is_learned_in_bulk_holds_from_the_next_call_on(ledger: Engine) -> None:
    clock = Clock()
    budget = Budget(ledger, "seller/na", clock=clock)
    with budget.in_bulk(OPERATION, 1000, at_once=1):
        within(budget, clock, 5)
        budget.learn(OPERATION, 200)
        assert 190 <= within(budget, clock, 1) <= 210
        budget.learn(OPERATION, 2)
        assert within(budget, clock, 10) <= 22


def test_a_refusal_in_bulk_empties_the_bucket_and_gives_nothing_away(ledger: Engine) -> None:
    budget = Budget(ledger, "seller/na", clock=Clock())
    with budget.in_bulk(OPERATION, 1000, at_once=1):
        budget.take(OPERATION)
        budget.drain(OPERATION)
        assert budget.take(OPERATION) == pytest.approx(0.506, abs=0.01)


def test_a_refusal_of_others_leaves_what_was_booked_to_who_booked_it(ledger: Engine) -> None:
    clock = Clock()
    budget, others = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    budget.learn(OPERATION, 200)
    with budget.in_bulk(OPERATION, 1000, at_once=1):
        take_all(budget)
        others.drain(OPERATION)
        assert others.take(OPERATION) == pytest.approx(1, abs=0.02)
    assert others.take(OPERATION) == pytest.approx(0.006, abs=0.001)


def test_a_clock_that_is_put_back_costs_a_minute_at_most(ledger: Engine) -> None:
    clock = Clock()
    budget = Budget(ledger, "seller/na", clock=clock)
    with budget.in_bulk(OPERATION, 1000, at_once=1):
        take_all(budget)
        clock.now -= 86_400
        assert budget.take(OPERATION) <= 62


def test_every_plan_holds_more_calls_than_may_be_on_their_way() -> None:
    assert all(plan.burst > 4 for plan in PLANS.values())

"""The rate budget: never more calls than Amazon's bucket holds, whoever takes them and whatever the clock does."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfn.database.engines import engine_for
from mfn.errors import RetriableError
from mfn.ledger.bucket import CLOCK_SKEW_SECONDS, Bucket, counted_on
from mfn.ledger.budget import PLANS, Budget
from mfn.ledger.schema import Base
from tests.faults.adapter import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

TAKE_ALL = """
import sys
from mfn.database.engines import engine_for
from mfn.ledger.budget import Budget
budget = Budget(engine_for(sys.argv[1]), "seller/na", clock=lambda: 1_800_000_000.0)
taken = 0
while budget.take("getOrder") == 0:
    taken += 1
print(taken)
"""

operations = st.sampled_from(sorted(PLANS))
accounts = itertools.count()


@pytest.fixture
def ledger(database_url: str) -> Engine:
    engine = engine_for(database_url)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["rate_budget"]])
    return engine


def within_plan(taken_at: list[float], rate: float, burst: int) -> bool:
    """Whether no span of time, however chosen, holds more calls than a bucket gives."""
    return all(
        last - first + 1 <= burst + rate * (taken_at[last] - taken_at[first]) + 1e-3
        for first in range(len(taken_at))
        for last in range(first, len(taken_at))
    )


@given(operations, st.lists(st.floats(0, 400), max_size=80))
def test_no_span_of_time_holds_more_calls_than_burst_and_rate_allow(operation: str, pauses: list[float]) -> None:
    plan, now = PLANS[operation], 1_800_000_000.0
    bucket, taken_at = Bucket(plan.burst, plan.rate, now), []
    for pause in pauses:
        now += pause
        bucket.refill(now, plan.burst)
        if bucket.take(now) == 0:
            taken_at.append(now)
    assert within_plan(taken_at, plan.rate, plan.burst)


@given(operations, st.lists(st.floats(-1e7, 1e7), max_size=40))
def test_a_clock_that_jumps_never_makes_a_wait_longer_than_the_refill_and_the_skew(
    operation: str, jumps: list[float]
) -> None:
    plan, now = PLANS[operation], 1_800_000_000.0
    bucket = Bucket(plan.burst, plan.rate, now)
    for jump in jumps:
        now += jump
        bucket.refill(now, plan.burst)
        assert 0 <= bucket.take(now) <= CLOCK_SKEW_SECONDS + 1.02 / plan.rate
        assert 0 <= bucket.tokens <= plan.burst


@given(
    operations,
    st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=80),
    st.floats(-CLOCK_SKEW_SECONDS, CLOCK_SKEW_SECONDS),
)
def test_machines_whose_clocks_differ_do_not_refill_the_same_seconds_twice(
    operation: str, takes: list[tuple[float, bool]], skew: float
) -> None:
    plan, now, taken = PLANS[operation], 1_800_000_000.0, 0
    bucket = Bucket(plan.burst, plan.rate, now)
    for pause, on_the_other in takes:
        now += pause
        seen = now + skew if on_the_other else now
        bucket.refill(seen, plan.burst)
        taken += bucket.take(seen) == 0
    assert taken <= plan.burst + plan.rate * (now - 1_800_000_000.0 + abs(skew)) + 1e-3


@given(operations, st.floats(0, 1e6))
def test_after_the_wait_that_was_announced_there_is_a_call(operation: str, used_for: float) -> None:
    plan, now = PLANS[operation], 1_800_000_000.0 + used_for
    bucket = Bucket(0, plan.rate, 1_800_000_000.0)
    bucket.refill(now, plan.burst)
    while not (seconds := bucket.take(now)):
        pass
    bucket.refill(now + seconds, plan.burst)
    assert bucket.take(now + seconds) == 0


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([0, 0.1, 0.5, 3]), min_size=12, max_size=24))
def test_the_ledger_keeps_to_the_plan_of_an_operation(ledger: Engine, pauses: list[float]) -> None:
    clock, taken_at = Clock(), []
    budget = Budget(ledger, f"seller-{next(accounts)}/na", clock=clock)
    for pause in pauses:
        clock.now += pause
        if budget.take("confirmShipment") == 0:
            taken_at.append(clock.now)
    assert within_plan(taken_at, PLANS["confirmShipment"].rate, PLANS["confirmShipment"].burst)


def test_threads_together_take_no_more_than_one_bucket_gives(ledger: Engine) -> None:
    lock, moments = threading.Lock(), itertools.count(1_800_000_000.0, 0.1)

    def clock() -> float:
        with lock:
            return next(moments)

    def take(_: int) -> int:
        budget = Budget(ledger, "seller/na", clock=clock)
        return sum(budget.take("getListingsItem") == 0 for _ in range(15))

    with ThreadPoolExecutor(4) as pool:
        taken = sum(pool.map(take, range(4)))
    plan = PLANS["getListingsItem"]
    assert plan.burst < taken <= plan.burst + plan.rate * (next(moments) - 1_800_000_000.0)


def test_processes_together_take_exactly_one_full_bucket(database_url: str, ledger: Engine) -> None:
    command = [sys.executable, "-c", TAKE_ALL, database_url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate()[0]) for process in processes) == PLANS["getOrder"].burst


@pytest.mark.parametrize("stated", [0.0001, 0.00005, 1e-6])
def test_however_small_a_rate_is_calls_come_back(stated: float) -> None:
    assert 0 < counted_on(stated) < stated


@pytest.mark.parametrize(("stated", "an_hour"), [(0.0056, 20), (0.0083, 30), (0.0167, 60), (0.0222, 80), (0.5, 1800)])
def test_no_more_is_counted_on_than_a_rounded_rate_may_mean(stated: float, an_hour: int) -> None:
    assert 0.99 * stated <= counted_on(stated) < an_hour / 3600


def test_an_empty_bucket_says_how_long_to_wait_and_takes_nothing(ledger: Engine) -> None:
    clock = Clock()
    budget = Budget(ledger, "seller/na", clock=clock)
    assert [budget.take("searchOrders") for _ in range(20)] == [0.0] * 20
    assert budget.take("searchOrders") == budget.take("searchOrders") == pytest.approx(180.18, abs=0.01)
    clock.now += 100
    assert budget.take("searchOrders") == pytest.approx(80.18, abs=0.01)
    clock.now += budget.take("searchOrders")
    assert budget.take("searchOrders") == 0.0


def test_who_leaves_calls_to_others_waits_until_more_than_those_are_there(ledger: Engine) -> None:
    clock = Clock()
    patient, urgent = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    assert [patient.take("searchOrders", leaving=8) for _ in range(12)] == [0.0] * 12
    seconds = patient.take("searchOrders", leaving=8)
    assert seconds == pytest.approx(180.18, abs=0.01)
    assert urgent.take("searchOrders") == 0.0
    clock.now += seconds
    assert patient.take("searchOrders", leaving=8) > 0
    assert [urgent.take("searchOrders") for _ in range(8)] == [0.0] * 8


def test_a_learned_rate_counts_from_now_on_for_every_process(ledger: Engine) -> None:
    clock = Clock()
    ours, theirs = (Budget(ledger, "seller/na", clock=clock) for _ in range(2))
    ours.drain("searchOrders")
    ours.learn("searchOrders", 0.5)
    assert theirs.take("searchOrders") == pytest.approx(2.002, abs=0.002)
    theirs.learn("searchOrders", 0.1)
    assert ours.take("searchOrders") == pytest.approx(10.01, abs=0.002)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_makes_no_sense_is_passed_over(ledger: Engine, rate: float) -> None:
    budget = Budget(ledger, "seller/na", clock=Clock())
    budget.drain("getOrder")
    budget.learn("getOrder", rate)
    assert budget.take("getOrder") == pytest.approx(2.002, abs=0.002)


def test_the_rate_in_force_is_the_learned_one_or_else_the_plans(ledger: Engine) -> None:
    ours, theirs = (Budget(ledger, "seller/na", clock=Clock()) for _ in range(2))
    assert ours.rate("patchListingsItem") == PLANS["patchListingsItem"].rate
    theirs.learn("patchListingsItem", 50)
    assert ours.rate("patchListingsItem") == 50
    assert ours.rate("createFeed") == PLANS["createFeed"].rate


def test_a_drained_bucket_fills_again_with_time(ledger: Engine) -> None:
    clock = Clock()
    budget = Budget(ledger, "seller/na", clock=clock)
    budget.drain("getOrder")
    assert budget.take("getOrder") > 0
    clock.now += 4.2
    assert [budget.take("getOrder") == 0 for _ in range(3)] == [True, True, False]


def test_accounts_and_operations_have_buckets_of_their_own(ledger: Engine) -> None:
    here, elsewhere = (Budget(ledger, account, clock=Clock()) for account in ("seller/na", "seller/eu"))
    for budget, operation in ((here, "getOrder"), (here, "getFeed"), (elsewhere, "getOrder")):
        assert budget.take(operation) == 0
    here.drain("getOrder")
    assert here.take("getOrder") > 0
    assert elsewhere.take("getOrder") == 0
    assert here.take("getFeed") == 0


def test_a_ledger_out_of_reach_is_retriable(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    with pytest.raises(RetriableError, match="the ledger cannot be used"):
        Budget(engine_for(f"sqlite:///{tmp_path / 'a folder'}"), "seller/na").take("getOrder")

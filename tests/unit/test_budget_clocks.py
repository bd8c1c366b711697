"""The rate budget goes by the ledger's clock: machines whose own ones jump or differ neither overspend nor wait."""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mfn.database.engines import engine_for, writing
from mfn.errors import RetriableError
from mfn.ledger.bucket import ROUNDING_SECONDS, Bucket, counted_on
from mfn.ledger.budget import PLANS, Budget
from mfn.ledger.clock import LedgerTime
from mfn.ledger.schema import Base, RateBudget
from tests.faults.processes import at_once
from tests.faults.stalls import stall_before, stalled, woken

if TYPE_CHECKING:
    from sqlalchemy import Engine

ACCOUNT = "seller/na"
HOURS = 5 * 3600.0
A_CALL = 1 / counted_on(PLANS["searchOrders"].rate) + ROUNDING_SECONDS


@pytest.fixture
def ledger(database_url: str) -> Engine:
    engine = engine_for(database_url)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["rate_budget"]])
    return engine


def take(url: str) -> float:
    """One call, by a process that has just opened the ledger."""
    return Budget(engine_for(url), ACCOUNT).take("searchOrders")


def take_all(url: str, clock_set_by: float) -> int:
    """All the calls that a machine gets whose clock is wrong."""
    present = time.time
    time.time = lambda: present() + clock_set_by
    budget = Budget(engine_for(url), ACCOUNT)
    return sum(1 for _ in itertools.takewhile(lambda seconds: seconds == 0, iter(partial(budget.take, "getFeeds"), "")))


@pytest.mark.parametrize("by", [HOURS, -HOURS])
def test_a_clock_that_jumps_brings_no_calls_back_and_makes_nobody_wait_for_longer(
    ledger: Engine, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    budget = Budget(ledger, ACCOUNT)
    budget.drain("searchOrders")
    present = time.time
    monkeypatch.setattr(time, "time", lambda: present() + by)
    for one in (budget, Budget(ledger, ACCOUNT)):
        assert 0 < one.take("searchOrders") <= A_CALL
    monkeypatch.undo()
    assert 0 < budget.take("searchOrders") <= A_CALL


def test_machines_whose_clocks_are_hours_apart_share_one_bucket(ledger: Engine, database_url: str) -> None:
    ledger.dispose()
    ended = at_once(*(partial(take_all, database_url, by) for by in (HOURS, -HOURS, 0.0)))
    assert sum(end.value for end in ended) == PLANS["getFeeds"].burst


def test_calls_booked_ahead_go_by_the_ledgers_clock_as_well(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    budget, others = Budget(ledger, ACCOUNT), Budget(ledger, ACCOUNT)
    budget.learn("confirmShipment", 0.001)
    present = time.time
    with budget.in_bulk("confirmShipment", 100, at_once=1):
        taken = [budget.take("confirmShipment")]
        monkeypatch.setattr(time, "time", lambda: present() + HOURS)
        taken += [budget.take("confirmShipment") for _ in range(10)]
    assert [seconds == 0 for seconds in taken] == [True] * 9 + [False] * 2
    assert others.left("confirmShipment") < 1


def test_a_ledger_whose_clock_restarts_keeps_what_is_left(ledger: Engine) -> None:
    """As when the machine of a SQLite ledger was started again, or this version meets what an older one wrote."""
    budget = Budget(ledger, ACCOUNT)
    for _ in range(5):
        assert budget.take("searchOrders") == 0
    with writing(ledger, what="the ledger") as database:
        database.execute(update(RateBudget).values(counted_at=LedgerTime() + 1e9))
    assert int(budget.left("searchOrders")) == PLANS["searchOrders"].burst - 5
    budget.drain("searchOrders")
    with writing(ledger, what="the ledger") as database:
        database.execute(update(RateBudget).values(counted_at=LedgerTime() + 1e9))
    assert 0 < budget.take("searchOrders") <= A_CALL


def test_a_process_that_stalls_while_it_takes_a_call_keeps_the_others_waiting_no_longer_than_it_may(
    ledger: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_sqlite = ledger.dialect.name == "sqlite"
    monkeypatch.setattr("mfn.database.engines.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("mfn.database.engines.STALLED_SECONDS", 0.3)
    take(database_url)
    ledger.dispose()
    child = stalled(partial(stall_before, Bucket, "refill"), partial(take, database_url))
    (meanwhile,) = at_once(partial(take, database_url))
    assert meanwhile.error == (RetriableError.__name__ if is_sqlite else "")
    ended = woken(child)
    assert ended.error == ("" if is_sqlite else RetriableError.__name__)
    assert Budget(ledger, ACCOUNT).left("searchOrders") == pytest.approx(PLANS["searchOrders"].burst - 2, abs=0.5)

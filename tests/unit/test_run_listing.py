"""Batches as the report site lists them: found by what is asked for, and failures that nobody has answered yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from mfn.ledger.leases import lease
from mfn.ledger.run_listing import find_run, find_runs, newest_runs, open_failures, quality_history
from mfn.ledger.schema import Batch

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EMPTY = dict.fromkeys(
    ("window_after", "window_before", "search_after", "search_before", "page_token", "page_token_at", "error", "remedy")
)
FRESH = {"parameters": {}, "counts": {}, "api_calls": {}, "findings": {}, "is_window_open": True, "stage": "opened"}


def add(ledger: Ledger, **batches: dict[str, Any]) -> None:
    """Batches by their ids, `at` so many minutes after noon; of us, imports that ended well, unless it is said."""
    rows = [
        {**EMPTY, **FRESH, "batch_id": name, "connection": "us", "kind": "import", "status": "done"}
        | {"started_at": NOON + timedelta(minutes=values.pop("at", 0))}
        | values
        for name, values in batches.items()
    ]
    with ledger.writing() as database:
        database.execute(insert(Batch), rows)


def found(ledger: Ledger, **asked: Any) -> list[str]:
    return [run.batch_id for run in find_runs(ledger, **{"limit": 99} | asked)]


OUTCOMES = {
    "telling": ["dead", "alive", "failed", "differing", "refusing", "drifting", "holding", "news", "strange"],
    "held": ["differing", "refusing", "holding"],
    "failed": ["dead", "failed"],
    "running": ["alive"],
    "done": ["differing", "refusing", "drifting", "holding", "news", "idle", "strange"],
}
EVERY = ["dead", "alive", *OUTCOMES["failed"][1:], *OUTCOMES["done"]]
LATER, EARLIER = (NOON + timedelta(minutes=minutes) for minutes in (7, 3))


@pytest.fixture
def runs(ledger: Ledger) -> Ledger:
    """A ledger with a run of every outcome, the first of these the newest."""
    add(
        ledger,
        dead={"at": 9, "status": "running"},
        alive={"at": 8, "status": "running", "kind": "confirm", "connection": "eu"},
        failed={"at": 7, "status": "failed", "kind": "confirm", "error": "gone.", "remedy": "Start it."},
        differing={"at": 6, "kind": "reconcile", "counts": {"orders": 3, "differing": 1}},
        refusing={"at": 5, "kind": "confirm", "counts": {"shipments": 1, "failed": 1}},
        drifting={"at": 4, "kind": "inventory", "counts": {"skus": 1, "pushed": 0, "failed": 0, "drift": 1}},
        holding={"at": 3, "counts": {"fetched": 2, "held": 1}},
        news={"at": 2, "counts": {"fetched": 1, "held": 0}},
        idle={"at": 1, "counts": {"fetched": 0, "held": 0}},
        strange={"at": 0, "kind": "of tomorrow"},
    )
    return ledger


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_runs_are_found_by_their_outcome_newest_first(runs: Ledger, outcome: str) -> None:
    with lease(runs, "eu", "confirm"):
        assert found(runs, outcome=outcome) == OUTCOMES[outcome]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": 99}, EVERY),
        ({"limit": 2}, EVERY[:2]),
        ({"limit": 2, "offset": 3}, EVERY[3:5]),
        ({"connection": "eu"}, ["alive"]),
        ({"kind": "confirm"}, ["alive", "failed", "refusing"]),
        ({"kind": "confirm", "connection": "us", "outcome": "done"}, ["refusing"]),
        ({"since": LATER}, ["dead", "alive", "failed"]),
        ({"until": EARLIER}, ["news", "idle", "strange"]),
        ({"since": EARLIER, "until": LATER}, ["differing", "refusing", "drifting", "holding"]),
    ],
)
def test_runs_are_found_by_all_that_is_asked_for(runs: Ledger, asked: dict[str, Any], expected: list[str]) -> None:
    assert found(runs, **asked) == expected


def test_a_run_whose_holder_is_gone_has_failed_and_says_how_it_goes_on(runs: Ledger) -> None:
    with lease(runs, "eu", "confirm"):
        dead, alive, failed = (find_run(runs, name) for name in ("dead", "alive", "failed"))
    assert dead is not None
    assert alive is not None
    assert failed is not None
    assert (dead.status, dead.error) == ("failed", "the run died before it ended.")
    assert "mfn rerun --failed" in str(dead.remedy)
    assert (alive.status, alive.error, alive.remedy, alive.connection) == ("running", None, None, "eu")
    assert (failed.status, failed.error, failed.remedy) == ("failed", "gone.", "Start it.")
    assert find_run(runs, "nope") is None


def test_the_newest_run_of_each_connection_and_kind_is_found(runs: Ledger) -> None:
    add(runs, a_day_ago={"at": -1440}, elsewhere={"at": -1, "connection": "uk"}, farther={"at": -2, "connection": "de"})
    newest = {key: run.batch_id for key, run in newest_runs(runs).items()}
    us = {"import": "dead", "confirm": "failed", "reconcile": "differing", "inventory": "drifting"}
    others = {("eu", "confirm"): "alive", ("uk", "import"): "elsewhere", ("de", "import"): "farther"}
    assert newest == {("us", kind): name for kind, name in us.items()} | others


def open_ones(ledger: Ledger, since: datetime = NOON) -> list[tuple[str, int, datetime]]:
    return [(one.run.batch_id, one.count, one.first_at) for one in open_failures(ledger, since)]


def test_failures_of_what_was_asked_for_alike_are_one_until_it_ends_well(ledger: Ledger) -> None:
    failed = {"status": "failed"}
    add(
        ledger,
        well_long_ago={"at": -2},
        long_ago=failed | {"at": -1},
        other_long_ago=failed | {"at": -1, "parameters": {"since": "2026-10-01T00:00:00+00:00"}},
        first=failed | {"at": 0},
        second=failed | {"at": 2},
        died={"at": 3, "status": "running"},
        other=failed | {"at": 4, "parameters": {"since": "2026-11-01T00:00:00+00:00"}},
        elsewhere=failed | {"at": 5, "connection": "zz"},
    )
    minutes = [NOON + timedelta(minutes=number) for number in range(9)]
    apart = [("elsewhere", 1, minutes[5]), ("other", 1, minutes[4])]
    assert open_ones(ledger) == [*apart, ("died", 3, minutes[0])]
    add(ledger, well={"at": 1})
    assert open_ones(ledger) == [*apart, ("died", 2, minutes[2])]
    add(ledger, well_too={"at": 3})
    assert open_ones(ledger) == apart
    add(ledger, not_that={"at": 6, "kind": "confirm"}, nor_that={"at": 6, "connection": "uk"})
    assert open_ones(ledger) == apart
    with lease(ledger, "us", "import"):
        add(ledger, goes_on={"at": 7, "status": "running"})
        assert open_ones(ledger) == apart
    assert open_ones(ledger) == [("goes_on", 1, minutes[7]), *apart]


@pytest.mark.parametrize(
    ("asked", "stage", "is_left"),
    [
        ({"dry_run": True}, "load", False),
        ({"order_id": "111"}, "opened", False),
        ({"order_id": "111"}, "extract", True),
        ({}, "opened", True),
    ],
)
def test_a_failure_that_left_nothing_to_be_done_is_none(
    ledger: Ledger, asked: dict[str, Any], stage: str, *, is_left: bool
) -> None:
    add(ledger, failed={"status": "failed", "parameters": asked, "stage": stage})
    assert bool(open_failures(ledger, NOON)) is is_left


def test_expectations_are_those_of_runs_that_examined_something(ledger: Ledger) -> None:
    quality = {"counts": {"fetched": 1}, "findings": {"quality": {"findings": []}}}
    add(
        ledger,
        newest=quality | {"at": 3},
        idle={"at": 2, "counts": {"fetched": 0}},
        unexamined={"at": 1, "counts": {"fetched": 1}},
        elsewhere=quality | {"connection": "eu"},
        other=quality | {"kind": "confirm", "counts": {"fetched": 1}},
    )
    rows = quality_history(ledger, "us", "import", limit=9)
    assert [(row.batch_id, row.quality) for row in rows] == [("newest", {"findings": []}), ("unexamined", None)]
    assert [row.batch_id for row in quality_history(ledger, "us", "import", limit=1)] == ["newest"]

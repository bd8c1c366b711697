"""Runs that the schedule started late: which of them have something to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from mfn.errors import ConfigurationError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import update_batch
from mfn.ledger.schema import Batch
from mfn.steps.late_runs import Needless, just_ended, run_since, why_needless
from mfn.steps.rerunning.reruns import rerun_batch
from mfn.steps.runs import import_parameters, inventory_parameters, new_run
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World

MONDAY = datetime(2026, 11, 30, 8, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
PLAIN = import_parameters()
LEVELS = inventory_parameters()
FULL = inventory_parameters(full=True)


def a_batch(taken_up_at: datetime | None, parameters: dict[str, Any], *, is_window_open: bool = True) -> Any:
    return SimpleNamespace(taken_up_at=taken_up_at, parameters=parameters, is_window_open=is_window_open)


def test_of_two_hundred_late_runs_one_does_the_work_of_all_and_the_next_on_time_runs_again() -> None:
    begun: list[Any] = []
    now = MONDAY
    for number in range(200, 0, -1):
        if run_since(begun, PLAIN, MONDAY - number * QUARTER) is None:
            begun.append(a_batch(now, PLAIN))
        now += timedelta(seconds=5)
    assert len(begun) == 1
    assert run_since(begun, PLAIN, MONDAY + QUARTER) is None


@pytest.mark.parametrize(
    ("done", "wanted", "is_done"),
    [
        (PLAIN, PLAIN, True),
        (import_parameters(dry_run=True), PLAIN, False),
        (import_parameters(order_id="111-1111111-1111111"), PLAIN, False),
        (import_parameters(since=datetime(2026, 1, 5, tzinfo=UTC)), PLAIN, False),
        (PLAIN, import_parameters(dry_run=True), False),
        (PLAIN | {"named": True}, PLAIN, False),
        (PLAIN | {"gap": True}, PLAIN, False),
        (PLAIN | {"pages": 1}, PLAIN, True),
        (LEVELS, LEVELS, True),
        (FULL, LEVELS, True),
        (inventory_parameters(force=True), LEVELS, True),
        (LEVELS, FULL, False),
        (FULL, FULL, True),
        (inventory_parameters(dry_run=True), LEVELS, False),
        ({}, {}, True),
    ],
)
def test_a_run_does_what_a_late_one_was_to_do_only_if_it_was_asked_for_as_much(
    done: dict[str, Any], wanted: dict[str, Any], *, is_done: bool
) -> None:
    rows = [a_batch(MONDAY, done)]
    assert (run_since(rows, wanted, MONDAY - QUARTER) is not None) == is_done


@pytest.mark.parametrize(
    "other",
    [
        a_batch(MONDAY - 2 * QUARTER, PLAIN),
        a_batch(MONDAY - QUARTER, PLAIN),
        a_batch(None, PLAIN),
        a_batch(MONDAY, PLAIN, is_window_open=False),
    ],
    ids=["before it was due", "when it was due", "unknown when", "up to a moment of the past"],
)
def test_what_did_not_begin_after_a_run_was_due_leaves_it_its_work(other: Any) -> None:
    assert run_since([other], PLAIN, MONDAY - QUARTER) is None


def why(world: World, *, due_ago: timedelta) -> Needless | None:
    return why_needless(world.settings, "us", "import", PLAIN, due_at=datetime.now(UTC) - due_ago)


def test_a_batch_that_is_carried_on_counts_from_then_and_one_run_again_by_hand_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert why(world, due_ago=QUARTER) is None
    world.put(an_order())
    world.amazon.faults.refuse_login(times=2)
    with pytest.raises(RunFailedError):
        world.run()
    before = datetime.now(UTC)
    (batch,) = list_batches(world.ledger)
    assert why(world, due_ago=QUARTER) is not None, "the next one on time carries it on"
    assert why_needless(world.settings, "us", "import", PLAIN, due_at=before) is None
    with pytest.raises(RunFailedError):
        world.run()
    assert batch.batch_id in str(why_needless(world.settings, "us", "import", PLAIN, due_at=before))
    rerun_batch(world.settings, batch.batch_id)
    monkeypatch.setattr("mfn.steps.late_runs.MOMENT_AGO", timedelta(0))
    assert why(world, due_ago=timedelta(0)) is None


def test_the_run_that_fetched_the_window_is_named_and_none_that_came_after_it(world: World) -> None:
    (order_id,) = world.put(an_order())
    fetched = world.run()["batch_id"]
    world.run(order_id=order_id)
    text = f"Another run has just fetched this window: {fetched}."
    assert why(world, due_ago=timedelta(0)) == Needless(fetched, text)
    assert why_needless(world.settings, "us", "confirm", {}, due_at=datetime.now(UTC)) is None
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(status="failed"))
    with new_run(world.settings, "us", "confirm", {}):
        assert why(world, due_ago=timedelta(0)) is None, "what failed after its search is to be carried on"


def test_an_import_has_just_ended_while_the_next_one_is_at_work_and_not_once_that_takes_long(world: World) -> None:
    assert just_ended(world.settings, "us") is None
    _, ended = (world.run()["batch_id"] for _ in range(2))
    with new_run(world.settings, "us", "confirm", {}) as other, world.ledger.writing() as database:
        update_batch(database, other, finished_at=datetime.now(UTC) + timedelta(seconds=1))
    with new_run(world.settings, "us", "import", import_parameters()):
        assert just_ended(world.settings, "us") == ended
        with world.ledger.writing() as database:
            database.execute(update(Batch).values(finished_at=datetime.now(UTC) - timedelta(minutes=3)))
        assert just_ended(world.settings, "us") is None


def test_a_connection_that_is_not_there_is_a_wrong_word(world: World) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        why_needless(world.settings, "nowhere", "import", PLAIN, due_at=MONDAY)

"""Batches: one is carried on where it was broken off, and what happens to it is written down by its holder only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from mfn.errors import ConfigurationError, LeaseLostError
from mfn.ledger.batch_failures import record_failure
from mfn.ledger.batch_listing import list_batches, past_runs
from mfn.ledger.batch_opening import open_batch, reopen_batch
from mfn.ledger.batches import add_findings, get_batch, update_batch
from mfn.ledger.earlier_orders import left_behind_orders, take_in_earlier_orders
from mfn.ledger.landing import WINDOW
from mfn.ledger.leases import lease
from mfn.ledger.orders import (
    ALIKE_AT_ONCE,
    batch_orders,
    count_outcomes,
    move_outcomes,
    write_outcomes,
)
from mfn.ledger.schema import DOUBTED, Lease
from mfn.ledger.staging import IN_DOUBT
from mfn.models import Parameters
from tests.met import add_to_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

PLAIN = {"since": None, "order_id": None, "dry_run": False}
ONE_ORDER = {**PLAIN, "order_id": "111-1111111-1111111"}
DRY = {**PLAIN, "dry_run": True}


@pytest.fixture
def token(ledger: Ledger) -> Iterator[str]:
    with lease(ledger, "us", "import") as held:
        yield held


def opened(ledger: Ledger, token: str, parameters: dict[str, Any] = PLAIN) -> BatchRef:
    return open_batch(ledger, "us", "import", lease=token, parameters=parameters, last_stage="load")


def change(ledger: Ledger, batch: BatchRef, **values: Any) -> None:
    with ledger.writing() as database:
        update_batch(database, batch, **values)


def ended(ledger: Ledger, token: str, parameters: dict[str, Any] = PLAIN, **values: Any) -> BatchRef:
    batch = opened(ledger, token, parameters)
    if values:
        change(ledger, batch, **values)
    return batch


@pytest.mark.parametrize(
    "left",
    [{}, {"stage": "extract"}, {"stage": "load"}, {"status": "failed"}, {"status": "failed", "stage": "transform"}],
)
def test_a_batch_that_died_or_failed_in_a_stage_is_carried_on(ledger: Ledger, token: str, left: dict[str, Any]) -> None:
    first = ended(ledger, token, **left)
    again = opened(ledger, token)
    assert (again.batch_id, again.stage) == (first.batch_id, "opened")
    row = get_batch(ledger, first.batch_id)
    assert (row.status, row.error, row.finished_at) == ("running", None, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_broke_off_last_is_found_among_any_number_of_earlier_batches(ledger: Ledger, token: str) -> None:
    for _ in range(50):
        ended(ledger, token, status="done", stage="load")
    first = opened(ledger, token)
    assert opened(ledger, token).batch_id == first.batch_id


def test_a_batch_names_the_flow_run_that_last_worked_on_it(ledger: Ledger, token: str) -> None:
    batch = opened(ledger, token)
    for given, borne in (("one", "one"), (None, "one"), ("two", "two")):
        reopen_batch(ledger, batch.batch_id, lease=token, stage="opened", flow_run_id=given)
        assert get_batch(ledger, batch.batch_id).flow_run_id == borne


@pytest.mark.parametrize("left", [{"status": "done", "stage": "load"}, {"status": "failed", "stage": "load"}])
def test_a_batch_that_got_through_is_not_also_where_the_quality_gate_closed(
    ledger: Ledger, token: str, left: dict[str, Any]
) -> None:
    first = ended(ledger, token, **left)
    assert opened(ledger, token).batch_id != first.batch_id


@pytest.mark.parametrize("other", [ONE_ORDER, DRY])
def test_a_broken_off_batch_is_carried_on_only_by_a_run_that_asks_for_the_same(
    ledger: Ledger, token: str, other: dict[str, Any]
) -> None:
    first = ended(ledger, token, other)
    second = opened(ledger, token)
    assert second.batch_id != first.batch_id
    assert get_batch(ledger, first.batch_id).status == "failed", "its holder is dead, since this run holds the lease"
    change(ledger, second, status="done", stage="load")
    assert opened(ledger, token, other).batch_id == first.batch_id


def test_an_older_batch_that_was_run_again_and_failed_does_not_keep_the_next_run_from_what_is_new(
    ledger: Ledger, token: str
) -> None:
    first = ended(ledger, token, status="done", stage="load")
    again = reopen_batch(ledger, first.batch_id, lease=token, stage="extract")
    record_failure(ledger, again, error="it broke", remedy="fix it")
    assert opened(ledger, token).batch_id != first.batch_id


def test_batches_of_other_connections_and_kinds_are_left_alone(ledger: Ledger, token: str) -> None:
    with lease(ledger, "eu", "import") as theirs:
        running = open_batch(ledger, "eu", "import", lease=theirs, parameters=PLAIN, last_stage="load")
        assert opened(ledger, token).batch_id != running.batch_id
        assert get_batch(ledger, running.batch_id).status == "running"


def test_a_run_whose_lease_was_taken_over_writes_nothing_about_the_batch(ledger: Ledger, token: str) -> None:
    batch = opened(ledger, token)
    before = get_batch(ledger, batch.batch_id)
    with ledger.writing() as database:
        database.execute(update(Lease).values(token="another"))
    for write in (
        lambda: change(ledger, batch, stage="load"),
        lambda: record_failure(ledger, batch, error="lost", remedy="none"),
        lambda: reopen_batch(ledger, batch.batch_id, lease=token, stage="extract"),
        lambda: opened(ledger, token),
    ):
        with pytest.raises(LeaseLostError, match="another run took over"):
            write()
    assert get_batch(ledger, batch.batch_id) == before


def test_a_failure_keeps_the_last_stage_that_was_finished(ledger: Ledger, token: str) -> None:
    batch = replace(ended(ledger, token, stage="transform"), stage="validate")  # noted, but the answer was lost
    record_failure(ledger, batch, error="it broke", remedy="fix it")
    row = get_batch(ledger, batch.batch_id)
    assert (row.status, row.stage, row.error, row.remedy) == ("failed", "validate", "it broke", "fix it")
    assert row.finished_at is not None
    assert [found.batch_id for found in list_batches(ledger, failed=True)] == [batch.batch_id]


def test_findings_of_several_stages_are_kept_side_by_side(ledger: Ledger, token: str) -> None:
    batch = opened(ledger, token)
    stages: list[dict[str, Any]] = [{"quality": {"a": 1}}, {"conflicts": []}, {"conflicts": [{"order_id": "1"}]}]
    for found in stages:
        with ledger.writing() as database:
            add_findings(database, batch, **found)
    assert get_batch(ledger, batch.batch_id).findings == {"quality": {"a": 1}, "conflicts": [{"order_id": "1"}]}


def test_a_batch_that_is_not_there_is_a_wrong_word_on_the_command_line(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="there is no batch 'nonsense'"):
        get_batch(ledger, "nonsense")


def left_unjudged(ledger: Ledger, token: str, parameters: dict[str, Any]) -> None:
    batch = opened(ledger, token, parameters)
    with ledger.writing() as database:
        add_to_batch(database, batch, ["landed", "judged", "held"], origin=WINDOW)
        write_outcomes(database, batch, [("judged", "ready", None, None), ("held", "held", None, None)])
    record_failure(ledger, batch, error="broken off", remedy="")


def taken_in(ledger: Ledger, batch: BatchRef) -> list[str]:
    with ledger.writing() as database:
        take_in_earlier_orders(database, batch)
    return [row.order_id for row in batch_orders(ledger, batch.batch_id)]


def test_what_a_broken_off_batch_left_unjudged_is_taken_in_until_a_batch_has_judged_it(
    ledger: Ledger, token: str
) -> None:
    left_unjudged(ledger, token, ONE_ORDER)
    second = opened(ledger, token)
    assert taken_in(ledger, second) == ["judged", "landed"]
    with ledger.writing() as database:
        outcomes = [("judged", "loaded", None, None), ("landed", "ready", None, None)]
        write_outcomes(database, second, outcomes)
    change(ledger, second, status="done", stage="load")
    assert taken_in(ledger, opened(ledger, token)) == ["landed"]


def test_an_order_judged_before_an_interrupted_batch_met_it_again_is_taken_over(ledger: Ledger, token: str) -> None:
    first = opened(ledger, token)
    with ledger.writing() as database:
        add_to_batch(database, first, ["landed"], origin=WINDOW)
        write_outcomes(database, first, [("landed", "loaded", None, None)])
    change(ledger, first, status="done", stage="load")
    left_unjudged(ledger, token, ONE_ORDER)
    assert taken_in(ledger, opened(ledger, token)) == ["judged", "landed"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_orders_left_behind_are_found_without_a_look_at_all_that_was_ever_loaded(ledger: Ledger) -> None:
    assert f"loaded_digest IN {IN_DOUBT}" == DOUBTED
    statement = left_behind_orders("us").compile(ledger.engine, compile_kwargs={"literal_binds": True})
    with ledger.reading() as database:
        plan = database.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    assert [row[3] for row in plan] == ["SEARCH tracked_order USING INDEX ix_tracked_order_in_doubt (connection=?)"]


def test_orders_that_fare_alike_are_all_noted_however_many_they_are(ledger: Ledger, token: str) -> None:
    batch, order_ids = opened(ledger, token), [str(number) for number in range(2 * ALIKE_AT_ONCE + 1)]
    with ledger.writing() as database:
        add_to_batch(database, batch, [*order_ids, "another"], origin=WINDOW)
        write_outcomes(database, batch, [(order_id, "ready", None, None) for order_id in order_ids])
        move_outcomes(database, batch, [(order_id, "loaded") for order_id in order_ids[1:]])
    assert count_outcomes(ledger, batch.batch_id) == {
        (WINDOW, "loaded"): 2 * ALIKE_AT_ONCE, (WINDOW, "ready"): 1, (WINDOW, None): 1,
    }  # fmt: skip


def test_what_becomes_of_orders_in_one_batch_is_not_written_into_another(ledger: Ledger, token: str) -> None:
    first, second = ended(ledger, token, status="done"), opened(ledger, token)
    with ledger.writing() as database:
        for batch, outcome in ((first, "ready"), (second, "held")):
            add_to_batch(database, batch, ["1", "2"], origin=WINDOW)
            write_outcomes(database, batch, [("1", outcome, None, None), ("2", outcome, "[]", None)])
        move_outcomes(database, second, [("1", "loaded"), ("2", "loaded")])
    assert count_outcomes(ledger, first.batch_id) == {(WINDOW, "ready"): 2}
    assert count_outcomes(ledger, second.batch_id) == {(WINDOW, "loaded"): 2}


def test_a_dry_run_leaves_nothing_to_take_in(ledger: Ledger, token: str) -> None:
    left_unjudged(ledger, token, DRY)
    assert taken_in(ledger, opened(ledger, token)) == []


def test_dry_runs_are_not_past_runs_and_displace_none_of_them(ledger: Ledger, token: str) -> None:
    done = [ended(ledger, token, parameters, status="done").batch_id for parameters in (PLAIN, {}, ONE_ORDER)]
    for _ in range(3):
        ended(ledger, token, DRY, status="done")
    assert {run.batch_id for run in past_runs(ledger, "us", "import", limit=3)} == set(done)


def test_what_a_run_was_asked_for_is_read_also_where_it_says_less_or_more() -> None:
    assert Parameters.of({}) == Parameters()
    kept = {"since": "2026-11-24T08:00:00+00:00", "order_id": None, "dry_run": None, "mappings": "a digest"}
    assert Parameters.of(kept) == Parameters(since=datetime(2026, 11, 24, 8, tzinfo=UTC))

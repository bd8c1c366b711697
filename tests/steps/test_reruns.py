"""Batches that failed, run again: by hand, from a stage, and by the next run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from mfn.errors import ConfigurationError, RetriableError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.schema import Batch
from mfn.ledger.watermarks import get_watermark
from mfn.steps.rerunning.reruns import failed_batches, rerun_batch
from mfn.warehouse.sql import SqlWarehouse
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


def fail_once_at_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warehouse is lost between its being read and its being written, once."""
    written = SqlWarehouse.load

    def lost(*_: Any) -> None:
        monkeypatch.setattr(SqlWarehouse, "load", written)
        raise RetriableError("the warehouse of us cannot be used.", remedy="Start it.")

    monkeypatch.setattr(SqlWarehouse, "load", lost)


def test_the_next_run_carries_on_a_batch_that_failed_under_its_own_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = world.put(an_order())
    fail_once_at_the_load(monkeypatch)
    with pytest.raises(RunFailedError) as failed:
        world.run()
    assert world.statuses() == {first: "ready"}
    (second,) = world.put(an_order(minutes_ago=3))
    summary = world.run()
    assert summary["batch_id"] == failed.value.summary["batch_id"]
    assert (summary["fetched"], summary["loaded"]) == (2, 2)
    assert world.statuses() == {first: "loaded", second: "loaded"}
    assert [batch.status for batch in list_batches(world.ledger)] == ["done"]


def test_a_search_that_never_began_is_made_once_by_the_next_run_up_to_the_present(world: World) -> None:
    world.put(an_order())
    world.amazon.faults.refuse_login()
    with pytest.raises(RunFailedError):
        world.run()
    summary = world.run()
    assert (summary["loaded"], summary["api_calls"]) == (1, {"searchOrders": 1})
    (batch,) = list_batches(world.ledger)
    assert batch.window_before == get_watermark(world.ledger, "us")


def test_a_failed_run_shows_how_long_it_took_and_not_how_old_its_batch_is(world: World) -> None:
    world.amazon.faults.refuse_login(times=2)
    with pytest.raises(RunFailedError):
        world.run()
    (batch,) = list_batches(world.ledger)
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(started_at=batch.started_at - timedelta(hours=9)))
    with pytest.raises(RunFailedError) as failed:
        world.run()
    assert failed.value.summary["batch_id"] == batch.batch_id
    assert failed.value.summary["seconds"] < timedelta(hours=1).total_seconds()


def test_a_failed_batch_can_be_run_again_by_hand_from_where_it_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (order_id,) = world.put(an_order())
    fail_once_at_the_load(monkeypatch)
    with pytest.raises(RunFailedError):
        world.run()
    (batch_id,) = failed_batches(world.settings)
    calls = len(world.amazon.calls)
    assert rerun_batch(world.settings, batch_id)["loaded"] == 1
    assert len(world.amazon.calls) == calls
    assert world.statuses() == {order_id: "loaded"}
    assert failed_batches(world.settings) == []


def test_from_extract_amazon_is_asked_for_the_window_again(world: World) -> None:
    world.put(an_order())
    summary = world.run()
    world.put(an_order(minutes_ago=120))  # an order that Amazon's search had left out
    again = rerun_batch(world.settings, summary["batch_id"], from_stage="extract")
    assert again["window"] == summary["window"]
    assert (again["fetched"], again["loaded"]) == (2, 2)


def test_a_batch_that_is_done_may_be_run_again_and_nothing_is_doubled(world: World) -> None:
    world.put(an_order(), an_order(an_item(sku="MUG-GREEN")), an_order(status="CANCELLED"))
    summary = world.run()
    before = world.rows()
    again = rerun_batch(world.settings, summary["batch_id"])
    counts = ("fetched", "loaded", "held", "cancelled")  # of the batch, over all of its tries
    assert [again[name] for name in counts] == [summary[name] for name in counts] == [3, 1, 1, 1]
    assert world.rows() == before


@pytest.mark.parametrize("stage", ["validate", "transform", "load"])
def test_a_batch_that_is_done_may_be_run_again_from_any_stage(world: World, stage: str) -> None:
    world.put(an_order(), an_order(an_item(sku="MUG-GREEN")), an_order())
    summary = world.run()
    world.add_items("MUG-GREEN")
    again = rerun_batch(world.settings, summary["batch_id"], from_stage=stage)
    assert (again["fetched"], again["loaded"], again["held"]) == (3, 3, 0), "what was loaded before stays counted"
    assert len(world.rows()) == 3


def test_an_old_batch_sees_the_newest_version_of_its_orders(world: World) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    first = world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.run()
    again = rerun_batch(world.settings, first["batch_id"], from_stage="validate")
    assert (again["loaded"], again["cancelled"]) == (0, 1)
    assert world.rows()[0]["status"] == "cancelled"


def test_a_batch_that_the_gate_stopped_is_done_once_its_orders_are_fixed(world: World) -> None:
    world.write_connections(hold_alarm_percent=20)
    world.put(an_order(an_item(sku="MUG-GREEN")))
    with pytest.raises(RunFailedError):
        world.run()
    (batch_id,) = failed_batches(world.settings)
    world.add_items("MUG-GREEN")
    assert rerun_batch(world.settings, batch_id)["loaded"] == 1
    assert get_batch(world.ledger, batch_id).status == "done"


def test_a_stage_that_an_import_lacks_is_refused_before_anything_starts(world: World) -> None:
    batch_id = world.run()["batch_id"]
    with pytest.raises(ConfigurationError, match="its stages are: extract, validate, transform, load"):
        rerun_batch(world.settings, batch_id, from_stage="collect")
    assert get_batch(world.ledger, batch_id).status == "done"


def test_a_batch_that_does_not_exist_is_refused(world: World) -> None:
    world.run()
    with pytest.raises(ConfigurationError, match="there is no batch 'nope'"):
        rerun_batch(world.settings, "nope")

"""Retry in the Prefect UI, and batches run again from there: the same batch goes on, and nothing is doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flows.confirm_shipments import confirm_shipments
from flows.import_orders import import_orders
from flows.rerun_batches import rerun_batches
from flows.sync_inventory import sync_inventory
from mfn.errors import FatalError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.warehouse.sql import SqlWarehouse
from tests.flows.deployed import links_of, started_by_hand, tried_again
from tests.flows.flow_runs import ON_PREFECT
from tests.steps.conftest import pushing
from tests.steps.pushing import everywhere
from tests.steps.shipping import Shipping
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from prefect import State

    from tests.steps.pushing import Pushing
    from tests.world import World

__all__ = ["pushing"]

pytestmark = ON_PREFECT


def lose_the_warehouse(monkeypatch: pytest.MonkeyPatch, function: str = "load") -> None:
    """The warehouse refuses a call of this process, until `monkeypatch` is undone."""

    def lost(*_: Any, **__: Any) -> None:
        raise FatalError("the warehouse of us is gone.", remedy="Start it.")

    monkeypatch.setattr(SqlWarehouse, function, lost)


def searches(world: World) -> int:
    """How often Amazon was asked to search."""
    return sum(call.operation == "searchOrders" for call in world.amazon.calls)


def flow_run_of(state: State[Any]) -> str:
    """The id of the flow run that ended so."""
    return str(state.state_details.flow_run_id)


def test_a_failed_import_says_where_and_why_and_its_retry_resumes_there(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (order_id,) = world.put(an_order())
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost)
        failed = started_by_hand(import_orders, connection="us")
    (batch,) = list_batches(world.ledger)
    assert failed.message is not None
    assert failed.message.splitlines()[:2] == ["import of us failed at load: the warehouse of us is gone.", "Start it."]
    assert f"Retry, or mfn rerun {batch.batch_id}" in failed.message
    assert (batch.flow_run_id, batch.stage) == (flow_run_of(failed), "transform")
    again = tried_again(import_orders, failed)
    assert again.is_completed(), again.message
    assert flow_run_of(again) == flow_run_of(failed)
    assert searches(world) == 1
    assert "extract: already done by an earlier attempt" in caplog.text
    (done,) = list_batches(world.ledger)
    assert (done.batch_id, done.status, done.flow_run_id) == (batch.batch_id, "done", batch.flow_run_id)
    assert world.statuses() == {order_id: "loaded"}


def test_the_retry_of_a_run_stopped_by_its_gate_examines_its_orders_again(world: World) -> None:
    world.write_connections(hold_alarm_percent=10)
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN")))
    failed = started_by_hand(import_orders, connection="us")
    assert "import of us failed at report: 1 of 1 due orders are held" in str(failed.message)
    assert tried_again(import_orders, failed).is_failed(), "nothing is fixed yet"
    world.add_items("MUG-GREEN")
    again = tried_again(import_orders, failed)
    assert again.is_completed(), again.message
    assert world.statuses() == {order_id: "loaded"}
    (batch,) = list_batches(world.ledger)
    assert batch.status == "done"
    assert searches(world) == 1


def test_the_retry_of_a_run_without_a_batch_is_a_run_like_any_other(world: World) -> None:
    (order_id,) = world.put(an_order())
    (world.home / "mappings" / "sku_aliases.csv").write_text("nonsense\n", encoding="utf-8")
    failed = started_by_hand(import_orders, connection="us")
    assert str(failed.message).startswith("Nothing was started: ")
    assert "sku_aliases.csv" in str(failed.message)
    assert list_batches(world.ledger) == []
    (world.home / "mappings" / "sku_aliases.csv").unlink()
    assert tried_again(import_orders, failed).is_completed()
    assert world.statuses() == {order_id: "loaded"}


def test_a_batch_carried_on_by_another_run_no_longer_belongs_to_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(an_order())
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost)
        failed = started_by_hand(import_orders, connection="us")
    done = started_by_hand(import_orders, connection="us")
    (batch,) = list_batches(world.ledger)
    assert (batch.status, batch.flow_run_id) == ("done", flow_run_of(done))
    assert tried_again(import_orders, failed).is_completed()
    assert len(world.rows()) == 1, "nothing is doubled"


def test_the_retry_of_confirmations_sends_what_the_warehouse_has_by_then(world: World) -> None:
    world.write_carriers()
    shipping = Shipping(world)
    good, voided = (shipping.ship(order_id) for order_id in shipping.loaded(an_order(), an_order()))
    world.amazon.faults.answer("confirmShipment", 403, times=4)
    failed = started_by_hand(confirm_shipments, connection="us")
    assert str(failed.message).startswith("confirm of us failed at confirm: ")
    assert "Inventory and Order Tracking" in str(failed.message)
    world.amazon.faults = type(world.amazon.faults)()
    shipping.warehouse.void(voided)
    again = tried_again(confirm_shipments, failed)
    assert again.is_completed(), again.message
    (batch,) = list_batches(world.ledger, kind="confirm")
    assert (batch.status, batch.counts["sent"], batch.flow_run_id) == ("done", 1, flow_run_of(failed))
    assert shipping.statuses() == {good: "sent", voided: "skipped"}


def test_the_retry_of_a_stock_run_reads_everything_again(pushing: Pushing) -> None:
    world = pushing.stock.world
    assert started_by_hand(sync_inventory, connection="us").is_completed()
    for sku in ("BOWL", "LAMP", "PLATE"):
        pushing.stock.receive(sku, 0)
    failed = started_by_hand(sync_inventory, connection="us")
    assert str(failed.message).startswith("inventory of us failed at report: ")
    assert "the warehouse is not believed" in str(failed.message)
    for sku in ("BOWL", "LAMP", "PLATE"):
        pushing.stock.receive(sku, 9)
    again = tried_again(sync_inventory, failed)
    assert again.is_completed(), again.message
    assert pushing.shown() == everywhere(9) | {"VASE": 10}
    (batch, _) = list_batches(world.ledger, kind="inventory")
    assert (batch.status, batch.flow_run_id) == ("done", flow_run_of(failed))


def two_failed_imports(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A batch that failed for want of an item, and one that failed for want of the warehouse."""
    world.write_connections(hold_alarm_percent=10)
    world.put(an_order(an_item(sku="MUG-GREEN")))
    with pytest.raises(RunFailedError):
        world.run()
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost, "items")
        with pytest.raises(RunFailedError):
            world.run()
    lost_one, held = list_batches(world.ledger)
    return held.batch_id, lost_one.batch_id


def test_rerun_batches_are_linked_reported_one_by_one_and_run_only_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held, lost_one = two_failed_imports(world, monkeypatch)
    failed = started_by_hand(rerun_batches, batches=[held, lost_one])
    message = str(failed.message)
    assert message.startswith("1 of 2 failed again.\n\nimport of us failed at report: 1 of 1 due orders are held")
    assert message.endswith(f"Done: {lost_one}.")
    links = [artifact for artifact in links_of(failed) if artifact.type == "markdown"]
    assert [held in link.data or lost_one in link.data for link in links] == [True, True]
    world.add_items("MUG-GREEN")
    again = tried_again(rerun_batches, failed)
    assert (again.is_completed(), again.message) == (True, f"Done: {held}.")
    assert f"{lost_one}: already done by an earlier attempt" in caplog.text
    assert {batch.status for batch in list_batches(world.ledger)} == {"done"}
    assert len(world.rows()) == 1


def test_wrong_ids_and_stages_are_reported_together_and_nothing_is_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, _ = two_failed_imports(world, monkeypatch)
    before = list_batches(world.ledger)
    ended = started_by_hand(rerun_batches, batches=["nope", held, "neither"], from_stage="collect")
    assert ended.is_failed()
    message = str(ended.message)
    assert message.startswith("Nothing was started: there is no batch 'nope'.\nthere is no batch 'neither'.")
    assert f"{held}: a batch of kind import has no stage 'collect'" in message
    assert list_batches(world.ledger) == before
    assert "Enter batch ids, or tick failed." in str(started_by_hand(rerun_batches).message)

"""After a weekend without a worker: the runs that waited do not each spend a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.confirm_shipments import confirm_shipments
from flows.import_orders import import_orders
from flows.sync_inventory import sync_inventory
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.leases import lease
from mfn.ledger.sent_alerts import COUNTED, HELD, last_alerts
from tests.flows.deployed import run_late, tried_again
from tests.flows.flow_runs import ON_PREFECT
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World

pytestmark = ON_PREFECT


def searches(world: World) -> int:
    """How often Amazon was asked to search."""
    return sum(call.operation == "searchOrders" for call in world.amazon.calls)


def test_the_first_of_several_late_imports_does_the_work_of_all(world: World) -> None:
    (order_id,) = world.put(an_order())
    first, *others = run_late(import_orders, connection="us")
    assert first.name == "Completed"
    assert [state.name for state in others] == ["Skipped"] * 4
    (batch,) = list_batches(world.ledger)
    assert f"{batch.batch_id} has started since" in str(others[-1].message)
    assert "It was due at" in str(others[-1].message)
    assert (searches(world), len(world.amazon.calls)) == (1, 2), "one login, one search"
    assert world.statuses() == {order_id: "loaded"}
    assert tried_again(import_orders, others[0]).name == "Completed", "whoever presses Retry wants it to run"
    assert searches(world) == 2


def test_after_a_late_import_fails_the_others_do_not_run_into_the_same_fault(world: World) -> None:
    world.put(*(an_order() for _ in range(4)))
    world.amazon.faults.without_recipients = True
    first, *others = run_late(import_orders, connection="us")
    assert first.is_failed()
    assert [state.name for state in others] == ["Skipped"] * 4
    assert searches(world) == 1
    world.amazon.faults.without_recipients = False
    assert len(world.run()["batch_id"]) > 0
    assert [batch.status for batch in list_batches(world.ledger)] == ["done"], "the next one carried it on"


def test_a_skipped_run_notifies_what_the_import_without_prefect_found(
    world: World,
) -> None:
    world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=5) for _ in range(20)))
    world.run()
    assert {state.name for state in run_late(import_orders, connection="us")} == {"Skipped"}
    assert last_alerts(world.ledger, "us", HELD)[COUNTED].orders == 20


def test_a_scheduled_import_that_meets_another_is_skipped_and_other_kinds_of_runs_fail(
    world: World,
) -> None:
    with lease(world.ledger, "us", "import"), lease(world.ledger, "us", "confirm"):
        imported, confirmed = (run_late(flow, connection="us")[-1] for flow in (import_orders, confirm_shipments))
    assert (imported.name, confirmed.name) == ("Skipped", "Failed")
    assert "another import run is working on connection us" in str(imported.message)
    assert list_batches(world.ledger) == []


def test_late_confirm_and_stock_runs_are_skipped_likewise(world: World) -> None:
    world.write_carriers()
    for flow, kind in ((confirm_shipments, "confirm"), (sync_inventory, "inventory")):
        first, *others = run_late(flow, connection="us")
        assert first.state_details.flow_run_id
        assert [state.name for state in others] == ["Skipped"] * 4
        assert len(list_batches(world.ledger, kind=kind)) == 1

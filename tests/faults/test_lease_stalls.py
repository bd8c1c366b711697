"""A run that stalls for longer than its lease and wakes up again has no effect any more: another one has worked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sqlalchemy import text

from mfn.database.engines import engine_for, reading
from mfn.ledger.batch_listing import list_batches
from mfn.steps.importing import loading
from mfn.steps.runs import run_confirm
from mfn.warehouse import loading as warehouse_loading
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest
from tests.faults.processes import in_child, start
from tests.faults.stalls import a_lease_passes, put_down, stall_before, stall_before_call, stalled, woken
from tests.steps.shipping import Shipping
from tests.world import address, an_order

if TYPE_CHECKING:
    from tests.faults.processes import Child, Ended
    from tests.world import World

pytestmark = pytest.mark.usefixtures("is_warm", "no_pauses")

NEW = {"deliveryAddress": address(city="Newtown")}


def stalled_import(world: World, place: Any, function: str, *, call: int = 1) -> Child:
    """An import that stands still before a call of a function, for longer than its lease lasts."""
    put_down(world)
    child = stalled(partial(stall_before, place, function, call=call), world.run)
    a_lease_passes(world.ledger)
    return child


def assert_without_effect(ended: Ended) -> None:
    """A run that was woken has failed, and says that there is nothing to do."""
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1), ended
    assert "another run took over" in ended.message
    assert "Nothing to do" in ended.remedy


def what_stands(world: World) -> Any:
    """Everything that a run has an effect on."""
    reports = {path.name: path.read_bytes() for path in (world.home / ".mfn" / "reports").rglob("*.html")}
    return world.rows(), world.statuses(), list_batches(world.ledger), reports


def test_an_older_version_of_an_order_does_not_overwrite_the_newer_one(any_world: World) -> None:
    world = any_world
    (order_id,) = world.put(an_order(minutes_ago=20))
    world.run()
    world.change(order_id, recipient={"deliveryAddress": address(city="Oldtown")})
    child = stalled_import(world, SqlWarehouse, "load")
    world.change(order_id, recipient=NEW)
    assert world.run()["loaded"] == 1
    before = what_stands(world)
    assert_without_effect(woken(child))
    assert what_stands(world) == before
    assert world.rows()[0]["city"] == "Newtown"
    assert_at_rest(world)


def test_a_change_that_amazon_took_back_while_a_run_stalled_is_taken_back_in_the_warehouse(any_world: World) -> None:
    """The run that stalled has the newer version in its hand, and the ledger knows of the older one, which is right."""
    world = any_world
    (order_id,) = world.put(an_order(minutes_ago=20))
    world.run()
    there = {"deliveryAddress": address()}
    world.change(order_id, recipient={"deliveryAddress": address(city="Passing")})
    child = stalled_import(world, loading, "_note")
    assert [row["city"] for row in world.rows()] == ["Passing"]
    world.change(order_id, recipient=there)
    world.run()
    assert_without_effect(woken(child))
    assert [row["city"] for row in world.rows()] == ["Seattle"]
    assert_at_rest(world)


def test_an_order_cancelled_during_the_stall_is_not_loaded(any_world: World) -> None:
    world = any_world
    (order_id,) = world.put(an_order(minutes_ago=20))
    child = stalled_import(world, SqlWarehouse, "load")
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    assert world.run()["cancelled"] == 1
    assert_without_effect(woken(child))
    assert (world.rows(), world.statuses()) == ([], {order_id: "cancelled"})
    assert_at_rest(world)


@pytest.mark.parametrize("change", ["cancelled", "held"])
def test_what_a_run_wrote_into_the_warehouse_after_its_stall_is_seen_by_the_next(
    world_on_postgres: World, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """It stalls in the transaction that brings a new order: the next one waits for how that ends."""
    world = world_on_postgres
    monkeypatch.setattr("mfn.database.engines.STALLED_SECONDS", 0.5)
    (order_id,) = world.put(an_order(minutes_ago=20))
    child = stalled_import(world, warehouse_loading, "_counted")
    if change == "cancelled":
        world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    else:
        world.change(order_id, recipient=None)
    assert world.run()[change] == 1
    assert_without_effect(woken(child))
    assert (world.rows(), world.statuses()) == ([], {order_id: change})
    assert_at_rest(world)


def await_one_that_waits(world: World, child: Child) -> None:
    """Wait until a child waits for its turn in the warehouse on PostgreSQL, or has come to its end without."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    process = psutil.Process(child.process)
    while process.status() != psutil.STATUS_ZOMBIE:
        with reading(engine_for(world.warehouse_url), what="the warehouse") as database:
            if database.execute(waiting).scalar():
                return


def test_the_next_run_waits_for_what_a_stalled_run_finishes_in_the_warehouse(world_on_postgres: World) -> None:
    """It had asked for its lease before it stalled: the next one judges by what came of it, and puts it right."""
    world = world_on_postgres
    (order_id,) = world.put(an_order(minutes_ago=20))
    child = stalled_import(world, warehouse_loading, "_counted")
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    put_down(world)
    next_one = start(world.run)
    await_one_that_waits(world, next_one)
    assert_without_effect(woken(child))
    assert next_one.ended().value["cancelled"] == 1
    assert ([row["status"] for row in world.rows()], world.statuses()) == (["cancelled"], {order_id: "cancelled"})
    assert_at_rest(world)


def test_a_run_that_stalls_in_the_sqlite_warehouse_is_named_and_undone_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No database can end a process that stands still: who waits is told, and what it wrote late is put right."""
    (order_id,) = world.put(an_order(minutes_ago=20))
    child = stalled_import(world, warehouse_loading, "_counted")
    monkeypatch.setattr("mfn.database.engines.BUSY_SECONDS", 0.2)
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    blocked = in_child(world.run)
    assert (blocked.error, blocked.exit_code) == ("RunFailedError", 1)
    assert "the warehouse of us cannot be used: database is locked" in blocked.message
    assert "keeps it locked" in blocked.remedy
    assert_without_effect(woken(child))
    assert [row["status"] for row in world.rows()] == ["new"], "it was past the question when it stalled"
    assert world.run()["cancelled"] == 1
    assert ([row["status"] for row in world.rows()], world.statuses()) == (["cancelled"], {order_id: "cancelled"})
    assert_at_rest(world)


def test_a_run_that_stalls_in_the_ledger_blocks_others_no_longer_than_its_lease(
    world_on_postgres: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_postgres
    monkeypatch.setattr("mfn.database.engines.STALLED_SECONDS", 0.5)
    world.put(an_order(minutes_ago=20))
    put_down(world)
    child = stalled(partial(stall_before, loading, "write_loaded"), world.run)
    assert in_child(world.run).error == "LeaseHeldError", "it has given up the transaction, and still has the lease"
    a_lease_passes(world.ledger)
    assert world.run()["loaded"] == 1
    assert_without_effect(woken(child))
    assert_at_rest(world)


def a_parcel(world: World) -> tuple[Shipping, str]:
    """An order that the warehouse has shipped, with a wrong number on the parcel."""
    world.write_carriers()
    shipping = Shipping(world)
    (order_id,) = shipping.loaded(an_order(minutes_ago=120))
    shipping.ship(order_id, shipment_id="BOX", tracking_number="T0000000001")
    return shipping, order_id


def test_a_tracking_number_corrected_during_the_stall_is_not_sent(any_world: World) -> None:
    world = any_world
    shipping, order_id = a_parcel(world)
    put_down(world)
    child = stalled(partial(stall_before_call, "confirmShipment"), partial(run_confirm, world.settings, "us"))
    a_lease_passes(world.ledger)
    shipping.warehouse.change("BOX", tracking_number="T0000000002")
    assert shipping.run()["sent"] == 1
    calls, batches = shipping.calls(), list_batches(world.ledger)
    assert_without_effect(woken(child))
    assert (shipping.calls(), list_batches(world.ledger)) == (calls, batches)
    assert [package["trackingNumber"] for package in shipping.packages(order_id)] == ["T0000000002"]
    assert shipping.statuses() == {"BOX": "sent"}

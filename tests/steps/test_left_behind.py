"""Orders in the warehouse whose newest version cannot be passed on to it: they follow once what holds it is fixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.ledger.batches import get_batch
from mfn.simulator.clock import amazon_time
from mfn.steps.orders.decisions import release
from tests.world import SKUS, address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def order_id(world: World) -> str:
    """An order that the warehouse has; what changes is seen by the next import and by none after it."""
    (order_id,) = world.put(an_order(an_item()))
    assert world.run()["loaded"] == 1
    return order_id


def move(world: World, order_id: str, **changes: object) -> None:
    """The buyer moves to Tacoma."""
    world.change(order_id, recipient={"deliveryAddress": address(city="Tacoma")}, **changes)


def later() -> str:
    """A moment that every change of `world.change` lies before, and the next search does not."""
    return amazon_time(datetime.now(UTC) - timedelta(minutes=4))


def run_alone(world: World) -> dict[str, object]:
    """An import that looks at no moment twice."""
    world.write_connections(overlap_minutes=0)
    summary = world.run()
    assert summary["fetched"] == 0
    return summary


def test_a_new_address_follows_once_the_item_is_active_again(world: World, order_id: str) -> None:
    world.forget_items()
    move(world, order_id)
    assert world.run()["unchanged"] == 1
    assert world.rows()[0]["city"] == "Seattle"
    run_alone(world)
    world.add_items(*SKUS)
    assert run_alone(world)["released"] == 1
    assert world.rows()[0]["city"] == "Tacoma"
    assert run_alone(world)["released"] == 0
    assert world.statuses() == {order_id: "loaded"}


def test_a_dry_run_leaves_it_to_the_next_run(world: World, order_id: str) -> None:
    world.forget_items()
    move(world, order_id)
    world.run(dry_run=True)
    world.run()
    world.add_items(*SKUS)
    world.write_connections(overlap_minutes=0)
    world.run(dry_run=True)
    assert world.rows()[0]["city"] == "Seattle"
    assert run_alone(world)["released"] == 1
    assert world.rows()[0]["city"] == "Tacoma"


def test_a_version_that_the_warehouse_refused_is_tried_again_until_it_takes_it(world: World, order_id: str) -> None:
    world.refuse_city("Tacoma")
    move(world, order_id)
    for run in (world.run, lambda: run_alone(world)):
        findings = get_batch(world.ledger, str(run()["batch_id"])).findings
        assert [found["what"] for found in findings["conflicts"]] == ["its new version was refused by the warehouse"]
    world.refuse_city(None)
    run_alone(world)
    assert world.rows()[0]["city"] == "Tacoma"
    last = run_alone(world)
    assert get_batch(world.ledger, str(last["batch_id"])).findings["conflicts"] == []


def test_what_the_warehouse_began_in_the_meantime_is_reported_once_and_stays(world: World, order_id: str) -> None:
    world.forget_items()
    move(world, order_id)
    world.run()
    world.add_items(*SKUS)
    world.warehouse_moves(order_id, "picking")
    found = [get_batch(world.ledger, str(run_alone(world)["batch_id"])).findings["conflicts"] for _ in range(2)]
    assert [[conflict["status"] for conflict in conflicts] for conflicts in found] == [["picking"], []]
    assert world.rows()[0]["city"] == "Seattle"


def test_an_item_that_was_missing_for_a_while_makes_no_change_of_an_order_that_amazon_did_not_change(
    world: World, order_id: str
) -> None:
    world.change(order_id)
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.forget_items()
    without = world.run()  # which looks again at what changed minutes ago
    world.add_items(*SKUS)
    found = [get_batch(world.ledger, str(run["batch_id"])).findings["conflicts"] for run in (without, world.run())]
    assert (without["fetched"], found) == (1, [[], []])


def test_a_buyers_request_reaches_the_warehouse_though_the_item_is_not_active_any_more(
    world: World, order_id: str
) -> None:
    world.forget_items()
    items = world.amazon.orders.get(order_id)["orderItems"]
    move(world, order_id, orderItems=[items[0] | {"cancellation": cancellation()}])
    summary = world.run()
    assert summary["loaded"] == 1
    (row,) = world.rows()
    assert (row["status"], row["cancel_requested_at"] is not None, row["city"]) == ("new", True, "Seattle")
    kept_out, request = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert kept_out["what"].startswith("its newest version at Amazon was kept out: sku_unknown: ")
    assert request["what"] == "the buyer requested a cancellation"
    again = run_alone(world)
    assert get_batch(world.ledger, str(again["batch_id"])).findings["conflicts"] == []
    world.add_items(*SKUS)
    move(world, order_id, orderItems=items)
    world.write_connections()
    world.run()
    (row,) = world.rows()
    assert (row["cancel_requested_at"], row["city"]) == (None, "Tacoma")


def test_a_request_is_taken_back_in_the_warehouse_though_the_item_is_not_active_any_more(
    world: World, order_id: str
) -> None:
    items = world.amazon.orders.get(order_id)["orderItems"]
    world.change(order_id, orderItems=[items[0] | {"cancellation": cancellation()}])
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.forget_items()
    asks = world.amazon.orders.get(order_id)
    world.answer_page(asks | {"lastUpdatedTime": later(), "programs": "PRIME"})
    world.run()
    assert world.rows()[0]["cancel_requested_at"] is not None, "of a broken version nobody knows"
    move(world, order_id, orderItems=items, lastUpdatedTime=later())
    summary = world.run()
    assert summary["loaded"] == 1
    (row,) = world.rows()
    assert (row["status"], row["cancel_requested_at"], row["city"]) == ("picking", None, "Seattle")
    kept_out, request = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert kept_out["what"].startswith("its newest version at Amazon was kept out: sku_unknown: ")
    assert request["what"] == "the buyer withdrew the cancellation request"
    again = run_alone(world)
    assert get_batch(world.ledger, str(again["batch_id"])).findings["conflicts"] == []


def test_a_request_that_a_person_let_pass_is_not_passed_on(world: World) -> None:
    asking = an_item(cancellation=cancellation())
    (order_id,) = world.put(an_order(asking))
    world.run()
    assert release(world.settings, [order_id], why="the buyer called") == ()
    world.run()
    assert world.rows()[0]["cancel_requested_at"] is None
    world.forget_items()
    move(world, order_id)
    world.run()
    assert world.rows()[0]["cancel_requested_at"] is None

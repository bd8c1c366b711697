"""What an import makes of orders that change at Amazon once the warehouse may have them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from mfn.ledger.batches import get_batch
from mfn.warehouse.tables import wms_order
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.world import World


CANCELLED = "cancelled at Amazon, and the warehouse"


def refuse(world: World, condition: str) -> None:
    """The warehouse has a trigger of its own against some changes of its orders."""
    with world.writing_warehouse() as database:
        database.exec_driver_sql(
            f"CREATE TRIGGER refuses BEFORE UPDATE ON wms_order WHEN {condition}"
            " BEGIN SELECT RAISE(ABORT, 'not in a wave'); END"
        )


def test_an_order_cancelled_before_it_was_loaded_never_reaches_the_warehouse(world: World) -> None:
    (order_id,) = world.put(an_order(status="CANCELLED"))
    assert world.run()["cancelled"] == 1
    assert world.statuses() == {order_id: "cancelled"}
    assert world.rows() == []


@pytest.mark.parametrize("broken", [{}, {"createdTime": "yesterday"}, {"programs": "PRIME"}, {"orderItems": None}])
def test_an_order_cancelled_at_amazon_is_cancelled_while_the_warehouse_has_not_begun(
    world: World, broken: dict[str, Any]
) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    if broken:
        world.answer_page(world.amazon.orders.get(order_id) | broken)
    assert world.run()["cancelled"] == 1
    assert world.rows()[0]["status"] == "cancelled"
    assert world.statuses() == {order_id: "cancelled"}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"cancelledBy": "BUYER", "cancelReason": "NO_LONGER_NEEDED"}, " by the buyer (NO_LONGER_NEEDED)"),
        ({"cancelledBy": "AMAZON", "cancelReason": "my own words"}, " by Amazon itself"),
        ({"cancelledBy": ["?"], "cancelReason": 7}, ""),
        ("nobody knows", ""),
    ],
)
@pytest.mark.parametrize("is_loaded", [False, True])
def test_who_cancelled_an_order_is_reported_without_the_buyers_words(
    world: World, stated: object, said: str, *, is_loaded: bool
) -> None:
    order = an_order(an_item(cancellation={"cancellationExecution": stated}), status="CANCELLED")
    if is_loaded:
        world.put(order | {"fulfillment": order["fulfillment"] | {"fulfillmentStatus": "UNSHIPPED"}})
        world.run()
    (order_id,) = world.put(order)
    assert world.run(order_id=order_id)["order"]["outcome"] == "cancelled"
    assert world.details(order_id) == [f"cancelled at Amazon{said}"]
    assert world.statuses() == {order_id: "cancelled"}


def test_an_order_cancelled_after_picking_began_is_asked_for_and_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    summary = world.run()
    (row,) = world.rows()
    assert (row["status"], row["cancel_requested_at"] is not None) == ("picking", True)
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "picking")


def test_an_order_that_the_warehouse_refuses_to_cancel_is_a_conflict_and_stops_no_other(world: World) -> None:
    in_a_wave, new = world.put(an_order(), an_order())
    world.run()
    refuse(world, f"new.status = 'cancelled' AND old.order_number = '{in_a_wave}'")
    for order_id in (in_a_wave, new):
        world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.put(an_order(minutes_ago=5))
    summary = world.run()
    assert (summary["cancelled"], summary["loaded"]) == (2, 1)
    rows = {row["order_number"]: row for row in world.rows()}
    assert (rows[in_a_wave]["status"], rows[in_a_wave]["cancel_reason"]) == ("new", "cancelled at Amazon")
    assert rows[new]["status"] == "cancelled"
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["what"]) == (in_a_wave, f"{CANCELLED} refused to cancel it")
    assert conflict["status"].endswith("not in a wave; cancel_requested_at is set")
    assert conflict["remedy"].startswith("Stop the order in the warehouse by hand.")


def test_a_request_in_words_that_the_warehouse_has_no_room_for_is_passed_on_in_plain_ones(world: World) -> None:
    wordy, plain = (world.put(an_order())[0] for _ in range(2))
    world.run()
    refuse(world, "length(new.cancel_reason) > 30")
    for order_id, reason in ((wordy, "I ordered this twice by mistake, one is enough"), (plain, "too late")):
        item = world.amazon.orders.get(order_id)["orderItems"][0]
        request = {"cancellationRequest": {"requester": "BUYER", "cancelReason": reason}}
        world.change(order_id, orderItems=[item | {"cancellation": request}])
    world.run()
    assert {row["order_number"]: row["cancel_reason"] for row in world.rows()} == {
        wordy: "the buyer asked for it",
        plain: "too late",
    }


def test_a_buyers_request_that_the_warehouse_refuses_is_a_conflict_until_it_accepts_it(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    items = world.amazon.orders.get(order_id)["orderItems"]
    conflicts = []
    for asks in (True, False):
        refuse(world, "true")
        world.change(order_id, orderItems=[items[0] | ({"cancellation": cancellation()} if asks else {})])
        for _ in range(2):
            summary = world.run()
            (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
            conflicts.append(conflict["what"].partition(",")[2])
        with world.writing_warehouse() as database:
            database.exec_driver_sql("DROP TRIGGER refuses")
        world.run()
        (row,) = [row for row in world.rows() if row["order_number"] == order_id]
        assert (row["cancel_requested_at"] is not None) == asks
    refused = [" and the warehouse rejected the request"] * 2
    assert conflicts == [*refused, *[" and the warehouse rejected the change"] * 2]


def test_orders_whose_rows_are_locked_stop_no_others_and_are_updated_once_the_lock_is_gone(
    world_on_postgres: World,
) -> None:
    impatient = f"{world_on_postgres.warehouse_url}+-c+lock_timeout%3D20ms"
    world = replace(world_on_postgres, warehouse_url=impatient)
    world.write_connections()
    moved, free, cancelled, asking = world.put(an_order(), an_order(), an_order(), an_order())
    world.run()
    item = world.amazon.orders.get(asking)["orderItems"][0]
    for order_id in (moved, free):
        world.change(order_id, recipient={"deliveryAddress": address(city="Elsewhere")})
    world.change(cancelled, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.change(asking, orderItems=[item | {"cancellation": cancellation()}])
    with world.writing_warehouse() as picker:
        kept = [moved, cancelled, asking]
        picker.execute(select(wms_order.c.status).where(wms_order.c.order_number.in_(kept)).with_for_update())
        world.put(an_order(minutes_ago=5))
        summary = world.run()
        assert len(world.rows()) == 5
    conflicts = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert sorted(conflict["order_id"] for conflict in conflicts) == sorted(kept)
    assert all("locked" in conflict["status"] for conflict in conflicts)
    assert {row["order_number"]: row["city"] for row in world.rows()}[free] == "Elsewhere"
    world.answer_page()  # not even the overlap brings them once more
    world.run()
    rows = {row["order_number"]: row for row in world.rows()}
    assert (rows[moved]["city"], rows[cancelled]["status"]) == ("Elsewhere", "cancelled")
    world.run()
    rows = {row["order_number"]: row for row in world.rows()}
    assert (rows[moved]["city"], rows[cancelled]["status"]) == ("Elsewhere", "cancelled")
    assert rows[asking]["cancel_requested_at"] is not None
    assert world.statuses()[cancelled] == "cancelled"


def test_an_order_that_the_warehouse_has_begun_from_elsewhere_is_left_alone_and_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    with world.writing_warehouse() as database:
        database.execute(insert(wms_order), {"order_number": order_id, "status": "picking", "city": "Elsewhere"})
    summary = world.run()
    assert summary["loaded"] == 1
    assert world.rows()[0]["city"] == "Elsewhere"
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["what"]) == (order_id, "the warehouse already had it from another source")


def test_a_buyers_request_for_a_loaded_order_is_passed_on_and_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    order = world.amazon.orders.get(order_id)
    world.change(order_id, orderItems=[order["orderItems"][0] | {"cancellation": cancellation()}])
    world.run()
    assert world.rows()[0]["cancel_requested_at"] is not None
    assert world.statuses() == {order_id: "loaded"}
    again = world.run()
    assert get_batch(world.ledger, again["batch_id"]).findings["conflicts"] == []


def test_a_request_that_the_buyer_takes_back_is_taken_back_in_the_warehouse_and_reported_once(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    items = world.amazon.orders.get(order_id)["orderItems"]
    world.change(order_id, orderItems=[items[0] | {"cancellation": cancellation()}])
    world.run()
    world.change(order_id, orderItems=items)
    summary = world.run()
    (row,) = world.rows()
    assert (row["status"], row["cancel_requested_at"], row["cancel_reason"]) == ("new", None, None)
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["what"]) == (order_id, "the buyer withdrew the cancellation request")
    again = world.run()
    assert get_batch(world.ledger, again["batch_id"]).findings["conflicts"] == []


def test_a_dry_run_counts_a_request_that_would_be_passed_on_or_taken_back_as_the_run_does(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    items = world.amazon.orders.get(order_id)["orderItems"]
    for changed in ([items[0] | {"cancellation": cancellation()}], items):
        world.change(order_id, orderItems=changed)
        rehearsed, done = world.run(dry_run=True), world.run()
        assert (rehearsed["loaded"], done["loaded"]) == (1, 1)
        assert (world.run(dry_run=True)["unchanged"], world.run()["unchanged"]) == (1, 1)


def test_a_request_that_is_taken_back_after_the_warehouse_has_cancelled_is_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    items = world.amazon.orders.get(order_id)["orderItems"]
    world.change(order_id, orderItems=[items[0] | {"cancellation": cancellation()}])
    world.run()
    world.warehouse_moves(order_id, "cancelled")
    world.change(order_id, orderItems=items)
    summary = world.run()
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["what"], conflict["status"]) == ("the buyer withdrew the cancellation request", "cancelled")


def test_an_order_that_amazon_takes_up_again_after_it_was_cancelled_in_the_warehouse_is_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    summary = world.run()
    assert world.rows()[0]["status"] == "cancelled"
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "cancelled")
    again = world.run()
    assert get_batch(world.ledger, again["batch_id"]).findings["conflicts"] == []


def test_a_new_address_reaches_an_order_that_the_warehouse_has_not_begun(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    assert world.run()["loaded"] == 1
    assert world.rows()[0]["address_1"] == "2 Example Street"


def test_a_new_address_of_a_begun_order_is_reported_and_not_written(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    summary = world.run()
    assert (summary["loaded"], summary["unchanged"]) == (0, 1)
    assert world.rows()[0]["address_1"] == "1 Example Street"
    assert len(get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]) == 1


def test_units_follow_amazons_cancellations_and_not_our_confirmations(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(units=5, shipped=1), status="PARTIALLY_SHIPPED"))
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 4)]
    item = world.amazon.orders.get(order_id)["orderItems"][0]
    confirmed = item | {"fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 2}}
    world.change(order_id, orderItems=[confirmed])
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 4)]
    cancelled = item | {"quantityOrdered": 4, "fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 1}}
    world.change(order_id, orderItems=[cancelled])
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 3)]


def test_an_order_that_the_warehouse_deleted_is_never_written_again(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.forget_order(order_id)
    world.change(order_id, recipient={"deliveryAddress": address(city="Newtown")})
    summary = world.run()
    assert world.rows() == []
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "deleted")

"""Reconciliations: each kind of difference is found, and gone once its remedy was carried out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, insert, select, update

from mfn.amazon.marketplaces import BY_NAME
from mfn.errors import ConfigurationError, RunFailedError
from mfn.ledger.order_ends import ends_of
from mfn.ledger.schema import BatchOrder, LandedOrder, Reservation, TrackedOrder, Watermark
from mfn.moments import moment_in
from mfn.simulator.clock import amazon_time
from mfn.steps.importing.extract import extract
from mfn.steps.orders.decisions import dismiss, release
from mfn.steps.reconciling.runs import reconcile_parameters
from mfn.steps.runs import import_parameters, new_run
from mfn.steps.stages import perform
from mfn.warehouse.tables import wms_order, wms_order_line, wms_shipment, wms_shipment_line
from tests.steps.reconciling import Reconciling, carry_out
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping
    from tests.world import World


@pytest.fixture
def reconciling(world: World) -> Reconciling:
    return Reconciling(world)


DAY = 24 * 60
"""In minutes."""


def held() -> dict[str, object]:
    return an_order(recipient={"deliveryAddress": address(city=None)}, minutes_ago=600)


def test_where_all_three_agree_nothing_differs(world: World, reconciling: Reconciling) -> None:
    world.put(an_order(), an_order(status="PENDING"), an_order(status="SHIPPED"), an_order(status="CANCELLED"), held())
    world.run()
    summary = reconciling.run()
    assert (summary["orders"], summary["differing"], summary["differences"]) == (5, 0, [])
    assert summary["api_calls"] == {"searchOrders": 1}


def test_what_no_search_of_an_import_returned_is_imported_by_its_id(world: World, reconciling: Reconciling) -> None:
    due, pending = reconciling.left_out(an_order(), an_order(status="PENDING"))
    reconciling.left_out(an_order(status="SHIPPED"), an_order(status="CANCELLED"), an_order(status="UNFULFILLABLE"))
    world.run()
    assert world.statuses() == {}
    assert reconciling.run()["missing"] == 2
    assert reconciling.fix() == dict.fromkeys((due, pending), "missing_in_ledger")
    assert world.statuses() == {due: "loaded", pending: "pending"}
    assert [row["order_number"] for row in world.rows()] == [due]


def test_changes_after_the_imports_and_orders_of_the_previous_system_are_not_differences(
    world: World, reconciling: Reconciling
) -> None:
    (loaded,) = world.put(an_order())
    reconciling.left_out(an_order())
    world.write_connections(not_before=f"'{amazon_time(datetime.now(UTC) - timedelta(minutes=90))}'")
    reconciling.left_out(an_order(minutes_ago=120))
    world.run()
    world.change(loaded, fulfillment={"fulfillmentStatus": "CANCELLED"})  # five minutes ago: an import may yet see it
    world.put(an_order(minutes_ago=10))
    assert set(reconciling.kinds().values()) == {"missing_in_ledger"}
    assert len(reconciling.kinds()) == 1


def test_orders_that_cannot_be_read_are_held_by_the_import_and_end_no_comparison(
    world: World, reconciling: Reconciling
) -> None:
    nameless = an_order() | {"orderId": "no id"}
    endless = an_order(an_item(units=10**30))
    world.put(nameless, endless, an_order())
    assert world.run()["held"] == 2
    summary = reconciling.run()
    assert (summary["orders"], summary["differences"]) == (2, [])


def test_before_the_first_import_nothing_is_compared(world: World, reconciling: Reconciling) -> None:
    world.put(an_order())
    assert reconciling.run()["orders"] == 0


def test_orders_older_than_two_years_are_compared_where_amazon_still_shows_them(world: World) -> None:
    world.add_connection("jp", marketplaces="[JP]")
    since = datetime(2016, 1, 1, tzinfo=UTC)
    assert reconcile_parameters(world.settings, "jp", since=since) == {"since": since.isoformat()}
    with pytest.raises(ConfigurationError, match="so far back") as before_2016:
        reconcile_parameters(world.settings, "jp", since=since - timedelta(days=1))
    assert before_2016.value.remedy == "Give a time in the past, 2016-01-01 or later."
    with pytest.raises(ConfigurationError, match="so far back"):
        reconcile_parameters(world.settings, "us", since=since)


def test_an_order_that_has_landed_and_is_not_loaded_yet_is_not_a_difference(
    world: World, reconciling: Reconciling
) -> None:
    world.put(an_order(minutes_ago=180))
    world.run()
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=hours_ago(1.5)))
    world.put(an_order())
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        perform(extract, batch, world.settings)
    assert reconciling.run()["orders"] == 1
    world.run()
    assert (reconciling.run()["orders"], reconciling.kinds()) == (2, {})


def test_an_order_that_the_warehouse_lost_is_loaded_once_more_and_never_twice(
    world: World, reconciling: Reconciling
) -> None:
    lost, kept = world.put(an_order(an_item(units=3)), an_order())
    world.run()
    world.forget_order(lost)
    assert reconciling.fix() == {lost: "missing_in_warehouse"}
    assert sorted(row["order_number"] for row in world.rows()) == sorted([lost, kept])
    assert world.lines(lost) == [("MUG-BLUE", 3)]
    assert world.statuses() == {lost: "loaded", kept: "loaded"}


def test_what_the_warehouse_lost_stays_promised_until_it_is_loaded_again(world: World) -> None:
    lost, kept = world.put(an_order(an_item(units=3)), an_order())
    world.run()
    world.forget_order(lost)
    (refusal,) = release(world.settings, [kept], why="a mistake")
    assert refusal.problem == "the warehouse has it (loaded)"
    assert release(world.settings, [lost], why="the warehouse lost it") == ()
    assert (world.statuses()[lost], world.reasons(lost)) == ("held", ["missing_in_warehouse"])
    with world.ledger.reading() as database:
        promised = dict(database.execute(select(Reservation.order_id, Reservation.units)).all())
    assert promised == {lost: 3, kept: 1}


def test_what_left_in_a_parcel_is_not_loaded_again_though_the_warehouse_forgot_the_order(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.world.forget_order(order_id)
    assert reconciling.kinds() == {}
    (refusal,) = release(shipping.world.settings, [order_id], why="a mistake")
    assert "there is a parcel of it" in refusal.problem


def test_an_order_that_the_warehouse_lost_with_an_open_parcel_is_refused_with_what_to_restore(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    parcel = shipping.ship(order_id, status="open")
    shipping.world.forget_order(order_id)
    (refusal,) = release(shipping.world.settings, [order_id], why="the warehouse lost it")
    assert "restore the row and its lines" in refusal.remedy
    shipping.warehouse.change(parcel, status="void")
    assert reconciling.fix() == {order_id: "missing_in_warehouse"}
    assert shipping.world.statuses() == {order_id: "loaded"}


@pytest.mark.parametrize("is_noticed", [False, True])
def test_an_order_that_the_warehouse_lost_with_its_untold_parcel_is_loaded_once_more(
    shipping: Shipping, reconciling: Reconciling, *, is_noticed: bool
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, tracking_number=None)
    shipping.run()
    with shipping.warehouse.working() as database:  # it is put back from a backup
        database.execute(delete(wms_shipment_line))
        database.execute(delete(wms_shipment))
    shipping.world.forget_order(order_id)
    if is_noticed:
        shipping.run()
    assert set(shipping.statuses().values()) == {"skipped" if is_noticed else "held"}
    reconciling.hours_pass()
    assert reconciling.fix() == {order_id: "missing_in_warehouse"}
    assert [row["order_number"] for row in shipping.world.rows()] == [order_id]


def test_a_lost_order_of_which_only_a_void_parcel_is_left_is_loaded_once_more(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, status="void")
    shipping.world.forget_order(order_id)
    reconciling.hours_pass()
    assert reconciling.fix() == {order_id: "missing_in_warehouse"}
    assert [row["order_number"] for row in shipping.world.rows()] == [order_id]


def test_a_lost_order_that_amazon_has_settled_is_settled_and_not_loaded(world: World, reconciling: Reconciling) -> None:
    shipped, cancelled = world.put(an_order(), an_order())
    world.run()
    for order_id, shown in ((shipped, "SHIPPED"), (cancelled, "CANCELLED")):
        world.forget_order(order_id)
        reconciling.status(order_id, shown)
    assert reconciling.fix() == {shipped: "shipped_on_amazon", cancelled: "cancelled_on_amazon"}
    assert (world.statuses(), world.rows()) == ({shipped: "shipped", cancelled: "cancelled"}, [])


def test_what_amazon_settled_without_an_import_seeing_it_is_settled_here_too(
    world: World, reconciling: Reconciling
) -> None:
    orders = world.put(held(), held(), *(an_order(status="PENDING", minutes_ago=600) for _ in range(2)))
    world.run()
    settled = dict(zip(orders, ("SHIPPED", "CANCELLED") * 2, strict=True))
    for order_id, shown in settled.items():
        reconciling.status(order_id, shown)
    assert reconciling.fix() == {order_id: f"{shown.lower()}_on_amazon" for order_id, shown in settled.items()}
    assert world.statuses() == {order_id: shown.lower() for order_id, shown in settled.items()}


def test_the_warehouse_is_asked_to_stop_what_amazon_cancelled(world: World, reconciling: Reconciling) -> None:
    new, begun = world.put(an_order(), an_order())
    world.run()
    world.warehouse_moves(begun, "picking")
    for order_id in (new, begun):
        reconciling.status(order_id, "CANCELLED")
    assert reconciling.fix() == dict.fromkeys((new, begun), "cancelled_on_amazon")
    stands = {row["order_number"]: (row["status"], row["cancel_requested_at"] is not None) for row in world.rows()}
    assert stands == {new: ("cancelled", True), begun: ("picking", True)}
    reconciling.write_order(new, status="new", cancel_requested_at=None)
    assert reconciling.found()[new] == ("status_differs", "Cancel it in the warehouse.")


def test_a_parcel_of_which_amazon_knows_from_somebody_else_is_settled_by_a_confirm_run(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="S1", tracking_number="1Z0000000000000001", shipped_at=hours_ago(2))
    order = shipping.world.amazon.orders.get(order_id)
    item = order["orderItems"][0]
    reconciling.missed(
        order_id,
        fulfillment={"fulfillmentStatus": "SHIPPED"},
        packages=[
            {
                "packageReferenceId": "7",
                "createdTime": order["createdTime"],
                "trackingNumber": "1Z0000000000000001",
                "packageStatus": {"status": "SHIPPED"},
                "packageItems": [{"orderItemId": item["orderItemId"], "quantity": 1}],
            }
        ],
    )
    assert reconciling.fix() == {order_id: "shipped_on_amazon"}
    assert shipping.statuses() == {"S1": "skipped"}


def test_a_parcel_that_amazon_refused_is_settled_once_seller_central_has_its_number(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="S1", tracking_number="1Z0000000000000001", shipped_at=hours_ago(2))

    def confirmed_by_hand(tracking_number: str) -> None:
        package = {"packageReferenceId": "7", "trackingNumber": tracking_number, "packageStatus": {"status": "SHIPPED"}}
        reconciling.missed(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"}, packages=[package])

    confirmed_by_hand("1Z0000000000000009")
    refusal = {"errors": [{"code": "InvalidInput", "message": "PackageToUpdateNotFound"}]}
    shipping.world.amazon.faults.answer("confirmShipment", 400, refusal)
    with pytest.raises(RunFailedError):
        shipping.run()
    assert shipping.statuses() == {"S1": "failed"}
    ((_, remedy),) = reconciling.found().values()
    confirmed_by_hand("1Z0000000000000001")
    carry_out(remedy)
    assert reconciling.kinds() == {}
    assert shipping.statuses() == {"S1": "skipped"}


@pytest.mark.parametrize("settled", ["cancelled", "shipped"])
def test_an_order_shipped_elsewhere_is_not_a_difference_once_the_warehouse_settled_it(
    shipping: Shipping, reconciling: Reconciling, settled: str
) -> None:
    (order_id,) = shipping.loaded(an_order(minutes_ago=2 * DAY))
    reconciling.status(order_id, "SHIPPED")
    assert reconciling.kinds() == {order_id: "shipped_on_amazon"}
    shipping.world.warehouse_moves(order_id, "picking")
    assert reconciling.kinds() == {}, "a label may have been bought from Amazon"
    reconciling.status(order_id, "SHIPPED", minutes_ago=1.1 * DAY)
    assert reconciling.kinds() == {order_id: "shipped_on_amazon"}
    if settled == "cancelled":
        shipping.world.warehouse_moves(order_id, "cancelled")
    else:
        shipping.ship(order_id, tracking_number="1Z0000000000000001", is_amazon_label=True)
        shipping.run()
    assert reconciling.kinds() == {}


def test_a_part_shipped_elsewhere_before_the_warehouse_began_is_reported(
    world: World, reconciling: Reconciling
) -> None:
    item = an_item(units=3)
    (order_id,) = world.put(an_order(item))
    world.run()
    partly = item | {"fulfillment": {"quantityFulfilled": 1, "quantityUnfulfilled": 2}}
    reconciling.missed(order_id, fulfillment={"fulfillmentStatus": "PARTIALLY_SHIPPED"}, orderItems=[partly])
    assert reconciling.kinds() == {order_id: "shipped_on_amazon"}
    world.warehouse_moves(order_id, "cancelled")
    assert reconciling.kinds() == {order_id: "status_differs"}


def test_what_amazon_does_not_know_is_taken_out_by_hand(world: World, reconciling: Reconciling) -> None:
    held_id, loaded, lost = world.put(held(), an_order(), an_order())
    world.run()
    world.forget_order(lost)
    for order_id in (held_id, loaded, lost):
        world.amazon.orders.remove(order_id)
    found = reconciling.found()
    assert {order_id: kind for order_id, (kind, _) in found.items()} == dict.fromkeys(found, "missing_on_amazon")
    assert found.keys() == {held_id, loaded, lost}
    carry_out(found[held_id][1])
    carry_out(found[lost][1])
    world.warehouse_moves(loaded, "cancelled")
    assert reconciling.kinds() == {}
    assert world.statuses()[lost] == "dismissed"


def test_a_parcel_that_no_run_confirmed_is_reported(shipping: Shipping, reconciling: Reconciling) -> None:
    late, fresh = shipping.loaded(an_order(), an_order())
    shipping.ship(late, shipped_at=hours_ago(2))
    shipping.ship(fresh)
    assert reconciling.fix() == {late: "shipment_not_confirmed"}
    assert len(shipping.packages(late)) == 1


def test_a_held_parcel_is_confirmed_once_the_warehouse_has_fixed_it(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    parcel = shipping.ship(order_id, tracking_number=None, shipped_at=hours_ago(2))
    shipping.run()
    kind, remedy = reconciling.found()[order_id]
    assert kind == "shipment_not_confirmed"
    assert "tracking number" in remedy
    shipping.warehouse.change(parcel, tracking_number="1Z0000000000000001")
    carry_out(remedy)
    assert reconciling.kinds() == {}


def test_an_order_whose_payment_cleared_unseen_is_loaded(world: World, reconciling: Reconciling) -> None:
    (order_id,) = world.put(an_order(status="PENDING", recipient=None))
    world.run()
    reconciling.missed(
        order_id, fulfillment={"fulfillmentStatus": "UNSHIPPED"}, recipient={"deliveryAddress": address()}
    )
    assert reconciling.fix() == {order_id: "status_differs"}
    assert world.statuses() == {order_id: "loaded"}


def test_an_order_that_the_warehouse_cancelled_is_reported_until_amazon_has_cancelled_it(
    world: World, reconciling: Reconciling
) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "cancelled")
    kind, remedy = reconciling.found()[order_id]
    assert kind == "status_differs"
    assert "Seller Central" in remedy
    reconciling.status(order_id, "CANCELLED")
    assert reconciling.fix() == {order_id: "cancelled_on_amazon"}


def test_an_order_shipped_without_a_parcel_is_confirmed_once_one_is_written(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    shipping.world.warehouse_moves(order_id, "shipped")
    kind, remedy = reconciling.found()[order_id]
    assert kind == "status_differs"
    shipping.ship(order_id)
    carry_out(remedy)
    assert len(shipping.packages(order_id)) == 1
    assert reconciling.kinds() == {}


def test_a_parcel_that_amazon_took_and_does_not_show_is_sent_again(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    before = shipping.world.amazon.orders.get(order_id)
    shipping.ship(order_id)
    shipping.run()
    shipping.world.put(before)
    reconciling.hours_pass()
    assert reconciling.fix() == {order_id: "status_differs"}
    assert len(shipping.packages(order_id)) == 1


def shipped_short(shipping: Shipping, reconciling: Reconciling) -> str:
    """An order for three units of which two have left, hours ago; Amazon was told and shows it."""
    (order_id,) = shipping.loaded(an_order(an_item(units=3), minutes_ago=600))
    shipping.ship(order_id, short_by=1)
    shipping.run()
    shipping.an_hour_passes()
    shipping.run()
    reconciling.hours_pass()
    return order_id


def test_a_partly_shipped_order_is_reported_until_the_warehouse_has_written_the_rest(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    order_id = shipped_short(shipping, reconciling)
    reconciling.status(order_id, "PARTIALLY_SHIPPED")
    kind, remedy = reconciling.found()[order_id]
    assert (kind, "another parcel" in remedy) == ("status_differs", True)
    shipping.ship(order_id, shipment_id="REST", short_by=2)
    shipping.run()
    assert reconciling.kinds() == {}
    assert sum(package["packageItems"][0]["quantity"] for package in shipping.packages(order_id)) == 3


def test_an_order_that_was_shipped_short_is_settled_once_its_rest_was_cancelled(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    order_id = shipped_short(shipping, reconciling)
    assert reconciling.kinds() == {}
    reconciling.status(order_id, "SHIPPED")
    assert reconciling.fix() == {order_id: "status_differs"}
    assert shipping.world.statuses() == {order_id: "shipped"}


def test_units_that_amazon_changed_unseen_are_corrected_where_the_warehouse_has_not_begun(
    world: World, reconciling: Reconciling
) -> None:
    item = an_item(units=3)
    new, begun = world.put(an_order(item), an_order(item))
    world.run()
    world.warehouse_moves(begun, "picking")
    for order_id in (new, begun):
        reconciling.missed(order_id, orderItems=[item | {"fulfillment": {"quantityUnfulfilled": 2}}])
    found = reconciling.found()
    assert {order_id: kind for order_id, (kind, _) in found.items()} == dict.fromkeys((new, begun), "units_differ")
    carry_out(found[new][1])
    assert "Correct wms_order_line" in found[begun][1]
    assert reconciling.kinds() == {begun: "units_differ"}
    assert world.lines(new) == [("MUG-BLUE", 2)]
    reconciling.write_lines(begun, quantity=2)
    assert reconciling.kinds() == {}


def test_units_that_had_left_before_and_kits_are_no_difference_and_those_of_the_warehouse_itself_are(
    world: World, reconciling: Reconciling
) -> None:
    partly = an_order(an_item(units=3, shipped=1), status="PARTIALLY_SHIPPED")
    kit, tampered = an_order(an_item(sku="BREAKFAST", units=2)), an_order(an_item(units=2))
    world.put(partly, kit, tampered)
    world.run()
    assert reconciling.kinds() == {}
    reconciling.write_lines(tampered["orderId"], quantity=7)
    assert reconciling.fix() == {tampered["orderId"]: "units_differ"}
    assert world.lines(tampered["orderId"]) == [("MUG-BLUE", 2)]


def test_blanks_around_a_sku_are_no_difference(world: World, reconciling: Reconciling) -> None:
    world.add_items(" MUG", "BOWL ")
    world.put(an_order(an_item(sku=" MUG"), an_item(sku="BOWL ", units=2)))
    assert world.run()["loaded"] == 1
    assert reconciling.kinds() == {}


def test_what_somebody_changed_in_a_row_that_is_not_begun_is_written_again(
    world: World, reconciling: Reconciling
) -> None:
    sku, moved, nobodys = world.put(an_order(), an_order(), an_order())
    world.run()
    before = without_bookkeeping(world)
    reconciling.write_lines(sku, sku="PLATE")
    reconciling.write_order(moved, connection="elsewhere")
    reconciling.write_order(nobodys, connection=None)
    assert reconciling.fix() == {sku: "units_differ", moved: "status_differs", nobodys: "status_differs"}
    assert without_bookkeeping(world) == before


def without_bookkeeping(world: World) -> list[dict[str, Any]]:
    """The rows of orders and lines, but for when and by which run they were written."""
    rows = [*world.rows(), *world.rows(wms_order_line)]
    return [{name: row[name] for name in row if name not in {"batch_id", "updated_at"}} for row in rows]


def test_an_unknown_status_is_reported(world: World, reconciling: Reconciling) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    reconciling.write_order(order_id, status="GARBAGE")
    kind, remedy = reconciling.found()[order_id]
    assert (kind, remedy) == ("status_differs", "Correct wms_order.status: new, picking, shipped, cancelled.")
    reconciling.write_order(order_id, status="new")
    assert reconciling.kinds() == {}


def test_an_order_that_the_warehouse_would_ship_twice_is_reported(shipping: Shipping, reconciling: Reconciling) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.run()
    reconciling.hours_pass()
    order = shipping.world.amazon.orders.get(order_id)
    reconciling.missed(order_id, fulfillment=order["fulfillment"])
    assert reconciling.kinds() == {}
    with shipping.warehouse.working() as database:  # it was put back as it was before
        for table in (wms_shipment_line, wms_shipment):
            database.execute(delete(table))
    shipping.world.warehouse_moves(order_id, "new")
    kind, remedy = reconciling.found()[order_id]
    assert (kind, "a second time" in remedy) == ("shipped_on_amazon", True)
    shipping.world.warehouse_moves(order_id, "cancelled")
    assert reconciling.kinds() == {}


def test_a_dismissed_order_that_the_warehouse_is_about_to_ship_is_reported(
    world: World, reconciling: Reconciling
) -> None:
    loaded, dismissed = world.put(an_order(), held())
    world.run()
    assert dismiss(world.settings, [dismissed], why="shipped by hand") == ()
    reconciling.write_order(loaded, order_number=dismissed)
    assert reconciling.found()[dismissed] == (
        "status_differs",
        "Cancel it in the warehouse, which is about to ship it.",
    )
    world.warehouse_moves(dismissed, "cancelled")
    assert reconciling.kinds() == {loaded: "missing_in_warehouse"}


def test_an_order_that_is_cancelled_here_and_awaited_by_amazon_is_imported_again(
    world: World, reconciling: Reconciling
) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    with world.ledger.writing() as database:
        database.execute(update(TrackedOrder).values(status="cancelled"))
    assert reconciling.fix() == {order_id: "status_differs"}
    assert world.statuses() == {order_id: "loaded"}
    assert len(world.rows()) == 1


def test_an_order_that_earlier_settings_excluded_is_reported_once_they_let_it_through(
    world: World, reconciling: Reconciling
) -> None:
    canada = {"channelName": "AMAZON", "marketplaceId": BY_NAME["CA"].marketplace_id}
    elsewhere, early = world.put(an_order(minutes_ago=60, salesChannel=canada), an_order(minutes_ago=240))
    world.write_connections(not_before=f"'{amazon_time(datetime.now(UTC) - timedelta(minutes=120))}'")
    world.run()
    world.run(order_id=elsewhere)
    assert world.statuses() == dict.fromkeys((elsewhere, early), "ignored")
    assert reconciling.kinds() == {}
    world.write_connections()
    connections = world.home / "connections.yaml"
    connections.write_text(connections.read_text(encoding="utf-8").replace("[US]", "[US, CA]"), encoding="utf-8")
    assert reconciling.fix() == dict.fromkeys((elsewhere, early), "status_differs")
    assert world.statuses() == dict.fromkeys((elsewhere, early), "loaded")


def test_a_parcel_whose_order_the_warehouse_lost_is_confirmed_once_the_row_is_back(
    shipping: Shipping, reconciling: Reconciling
) -> None:
    (order_id,) = shipping.loaded()
    rows, lines = shipping.world.rows(), shipping.world.rows(wms_order_line)
    shipping.ship(order_id, shipped_at=hours_ago(2))
    shipping.world.forget_order(order_id)
    kind, remedy = reconciling.found()[order_id]
    assert kind == "shipment_not_confirmed"
    assert "restore the row of wms_order and its lines" in remedy
    shipping.warehouse.add(wms_order, *rows)
    shipping.warehouse.add(wms_order_line, *lines)
    carry_out(remedy)
    assert len(shipping.packages(order_id)) == 1
    assert reconciling.kinds() == {}


def test_an_order_that_shipped_although_it_was_cancelled_is_reported(world: World, reconciling: Reconciling) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    reconciling.status(order_id, "CANCELLED")
    reconciling.fix()
    world.warehouse_moves(order_id, "shipped")
    kind, remedy = reconciling.found()[order_id]
    assert (kind, "have it returned" in remedy) == ("status_differs", True)
    world.warehouse_moves(order_id, "cancelled")
    assert reconciling.kinds() == {}


def test_an_order_missing_from_the_ledger_is_recorded_without_a_second_warehouse_row(
    world: World, reconciling: Reconciling
) -> None:
    new, begun, shipped, foreign, cancelled = world.put(*(an_order() for _ in range(5)))
    world.run()
    for status, order_id in (("picking", begun), ("shipped", shipped), ("cancelled", cancelled)):
        world.warehouse_moves(order_id, status)
    keep = world.rows()
    forget_orders(world)
    world.amazon.orders.left_out["lastUpdated"].update((new, begun, shipped, foreign, cancelled))
    reconciling.status(shipped, "SHIPPED")
    world.amazon.orders.remove(foreign)
    world.run()
    found = reconciling.found()
    assert {order_id: kind for order_id, (kind, _) in found.items()} == dict.fromkeys(
        (new, begun, shipped, foreign), "unknown_to_ledger"
    )
    assert "wms_order.connection" in found[foreign][1]
    for order_id in (new, begun, shipped):
        carry_out(found[order_id][1])
    reconciling.write_order(foreign, connection="elsewhere")
    assert reconciling.kinds() == {}
    rows = {row["order_number"]: row["status"] for row in world.rows()}
    assert {row["order_number"]: row["status"] for row in keep}.items() <= rows.items()
    assert (len(rows), world.statuses()[begun], world.statuses()[shipped]) == (5, "loaded", "shipped")


def test_a_number_that_is_not_amazons_is_reported_and_not_requested_from_amazon(
    world: World, reconciling: Reconciling
) -> None:
    world.put(an_order())
    world.run()
    with world.writing_warehouse() as database:
        database.execute(insert(wms_order), {"order_number": "SO 1001/A", "connection": "us", "status": "new"})
    summary = reconciling.run()
    (difference,) = summary["differences"]
    assert (difference["order_id"], difference["kind"]) == ("SO 1001/A", "unknown_to_ledger")
    assert "correct wms_order.connection" in difference["remedy"]
    assert "getOrder" not in summary["api_calls"]


def test_overdue_orders_of_long_ago_are_asked_for_one_by_one(world: World, reconciling: Reconciling) -> None:
    old = an_order(minutes_ago=5 * DAY)
    later = {"shipByWindow": {"latestDateTime": amazon_time(datetime.now(UTC) + timedelta(days=9))}}
    not_due = an_order(minutes_ago=5 * DAY, fulfillment=later)
    world.put(old, not_due)
    world.run()
    for order in (old, not_due):
        reconciling.status(order["orderId"], "CANCELLED")
    summary = reconciling.run()
    assert [one["order_id"] for one in summary["differences"]] == [old["orderId"]]
    assert summary["api_calls"] == {"getOrder": 1, "searchOrders": 1}
    assert reconciling.run(since=datetime.now(UTC) - timedelta(days=6))["differing"] == 2


def test_an_order_that_the_search_by_creation_leaves_out_is_asked_for(world: World, reconciling: Reconciling) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.amazon.orders.left_out["created"].add(order_id)
    summary = reconciling.run()
    assert (summary["orders"], summary["differing"], summary["api_calls"]["getOrder"]) == (1, 0, 1)


def test_it_is_noted_when_orders_left_arrived_and_were_cancelled(world: World, reconciling: Reconciling) -> None:
    left, arrived, cancelled, mistyped = world.put(*(an_order() for _ in range(4)))
    world.run()
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)
    year_before = moment - timedelta(days=365)
    for order_id, at, state in (
        (left, moment, "IN_TRANSIT"),
        (arrived, moment, "DELIVERED"),
        (mistyped, year_before, "IN_TRANSIT"),
    ):
        package = {"packageReferenceId": "1", "shipTime": amazon_time(at), "packageStatus": {"status": state}}
        reconciling.missed(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"}, packages=[package])
    reconciling.status(cancelled, "CANCELLED")
    reconciling.run()
    ends = {row.order_id: row for row in ends_of(world.ledger, [left, arrived, cancelled, mistyped])}
    placed_at = moment_in(world.amazon.orders.get(mistyped)["createdTime"])
    assert ends[mistyped].shipped_at == placed_at, "nothing leaves before it was ordered, and its text is kept as long"
    assert (ends[left].shipped_at, ends[left].delivered_at) == (moment, None)
    assert ends[arrived].delivered_at > ends[arrived].shipped_at == moment
    assert ends[cancelled].cancelled_at is not None


def test_it_is_the_same_on_postgresql(world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", postgres_url)
    reconciling = Reconciling(world)
    lost, cancelled, gone = world.put(an_order(), an_order(), an_order())
    (left_out,) = reconciling.left_out(an_order())
    world.run()
    world.forget_order(lost)
    reconciling.status(cancelled, "CANCELLED")
    reconciling.status(gone, "SHIPPED")
    world.warehouse_moves(gone, "cancelled")
    assert reconciling.fix() == {
        lost: "missing_in_warehouse",
        cancelled: "cancelled_on_amazon",
        left_out: "missing_in_ledger",
    }
    ends = {row.order_id: row for row in ends_of(world.ledger, [cancelled, gone])}
    assert ends[cancelled].cancelled_at is not None
    assert ends[gone].shipped_at is not None


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def forget_orders(world: World) -> None:
    """The ledger was put back as it was before these orders came."""
    with world.ledger.writing() as database:
        for model in (BatchOrder, LandedOrder, TrackedOrder):
            database.execute(delete(model))

"""What a confirm run tells Amazon, from a warehouse on SQLite to a local Amazon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from mfn.errors import ConfigurationError, LeaseHeldError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.leases import lease
from mfn.ledger.parcels import parcels_of
from mfn.simulator.clock import amazon_time
from mfn.steps.runs import run_confirm
from mfn.warehouse.tables import wms_order
from tests.world import US, an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def units(package: dict[str, Any]) -> list[int]:
    """How many units of each order item are in a parcel."""
    return [item["quantity"] for item in package["packageItems"]]


def test_a_parcel_that_has_left_is_confirmed_to_amazon_with_all_that_it_needs(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    left_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=7)
    shipment_id = shipping.ship(order_id, carrier="U.P.S.", service="Ground", shipped_at=left_at)
    summary = shipping.run()
    assert (summary["shipments"], summary["sent"], summary["verified"], summary["unverified"]) == (1, 1, 0, 1)
    assert summary["api_calls"] == {"confirmShipment": 1}
    (package,) = shipping.packages(order_id)
    assert (package["carrier"], package["shippingService"]) == ("UPS", "Ground")
    assert package["trackingNumber"] == shipping.parcel(shipment_id).tracking_number
    assert datetime.fromisoformat(package["shipTime"]) == left_at
    item = shipping.world.amazon.orders.get(order_id)["orderItems"][0]["orderItemId"]
    assert package["packageItems"] == [{"orderItemId": item, "quantity": 1}]
    assert shipping.statuses() == {shipment_id: "sent"}
    assert shipping.world.statuses() == {order_id: "shipped"}


def test_a_run_says_what_it_did_and_leaves_a_report(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.warehouse.write_parcel("111-0000000-0000000", shipment_id="LOST", lines=[("1", "MUG-BLUE", 1)])
    summary = shipping.run()
    assert {"batch_id", "shipments", "sent", "held", "skipped", "failed", "pending", "verified", "unverified"} <= set(
        summary
    )
    row = get_batch(shipping.world.ledger, summary["batch_id"])
    assert (row.kind, row.status, row.stage) == ("confirm", "done", "verify")
    page = (shipping.world.home / ".mfn" / "reports" / f"{summary['batch_id']}.html").read_text("utf-8")
    assert "1 parcel was confirmed to Amazon, 1 parcel needs attention." in page
    assert "wms_order has no order 111-0000000-0000000" in page
    assert "The sum adds up" in page


def test_a_second_run_confirms_nothing_again(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.run()
    again = shipping.run()
    assert (again["shipments"], again["unverified"], again["api_calls"]) == (0, 1, {})
    assert shipping.calls() == 1


def test_an_order_in_parts_is_partially_shipped_until_the_last_one(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2), an_item(sku="PLATE", units=3)))
    shipping.ship(order_id, units={1: 2, 2: 1})
    shipping.run()
    assert shipping.world.statuses() == {order_id: "partially_shipped"}
    assert shipping.world.amazon.orders.get(order_id)["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    shipping.ship(order_id, units={2: 2})
    shipping.run()
    assert [units(package) for package in shipping.packages(order_id)] == [[2, 1], [2]]
    assert [package["packageReferenceId"] for package in shipping.packages(order_id)] == ["1", "2"]
    assert shipping.world.statuses() == {order_id: "shipped"}


def test_one_line_in_several_parcels_of_one_run_is_confirmed_part_by_part(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=5)))
    for part in (1, 2, 2):
        shipping.ship(order_id, units={1: part})
    assert shipping.run()["sent"] == 3
    assert sorted(units(package) for package in shipping.packages(order_id)) == [[1], [2], [2]]
    assert shipping.world.amazon.orders.get(order_id)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


def test_a_kit_is_confirmed_in_whole_kits_with_the_parcel_that_completes_it(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(sku="BREAKFAST", units=2)))
    lines = {line["sku"]: line["line_number"] for line in shipping.warehouse.lines(order_id)}
    part = shipping.ship(order_id, units={lines["PLATE"]: 4}, shipped_at=datetime.now(UTC) - timedelta(minutes=9))
    assert shipping.run()["held"] == 1
    assert shipping.reasons(part) == ["kit_incomplete"]
    rest = shipping.ship(order_id, units={lines["BOWL"]: 2})
    summary = shipping.run()
    assert (summary["sent"], summary["skipped"], summary["released"]) == (1, 1, 1)
    assert shipping.reasons(part) == ["kit_in_other_parcel"]
    assert shipping.statuses()[rest] == "sent"
    assert [units(package) for package in shipping.packages(order_id)] == [[2]]
    assert shipping.world.statuses() == {order_id: "shipped"}


def test_another_carrier_or_tracking_number_later_edits_the_same_parcel(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.warehouse.change(shipment_id, carrier="FedEx", tracking_number="123456789012")
    assert shipping.run()["sent"] == 1
    (package,) = shipping.packages(order_id)
    assert (package["carrier"], package["trackingNumber"], package["packageReferenceId"]) == (
        "FedEx",
        "123456789012",
        "1",
    )
    assert shipping.parcel(shipment_id).times_sent == 2


def test_a_change_that_amazon_need_not_know_is_not_sent(shipping: Shipping) -> None:
    shipping.world.write_carriers(",UPS,,UPS,,Standard,")
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.warehouse.change(shipment_id, service="EXPEDITED")
    again = shipping.run()
    assert (again["shipments"], shipping.calls()) == (0, 1)
    assert shipping.statuses() == {shipment_id: "sent"}


def test_open_and_void_parcels_are_left_alone_until_they_are_closed(shipping: Shipping) -> None:
    first, second = shipping.loaded(an_order(), an_order())
    shipping.ship(first, status="open", shipment_id="OPEN")
    shipping.ship(second, status="void", shipment_id="VOID")
    assert shipping.run()["shipments"] == 0
    assert shipping.statuses() == {}
    shipping.warehouse.close("OPEN")
    shipping.run()
    assert shipping.statuses() == {"OPEN": "sent"}


def test_a_parcel_voided_after_it_was_sent_is_reported_once(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.warehouse.void(shipment_id)
    done = shipping.run()
    (conflict,) = get_batch(shipping.world.ledger, done["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "void")
    assert shipping.warnings(shipment_id) == ["voided_after_sending"]
    assert done["shipments"] == 0
    again = shipping.run()
    assert get_batch(shipping.world.ledger, again["batch_id"]).findings["conflicts"] == []
    assert shipping.calls() == 1


def test_a_parcel_voided_before_it_was_sent_is_skipped(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, tracking_number=None)
    shipping.run()
    shipping.warehouse.void(shipment_id)
    assert shipping.run()["skipped"] == 1
    assert shipping.reasons(shipment_id) == ["voided"]
    assert shipping.run()["shipments"] == 0


def test_the_parcel_of_another_connections_order_is_left_alone(shipping: Shipping) -> None:
    shipping.world.add_connection("ca", marketplaces="[CA]")
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    assert run_confirm(shipping.world.settings, "ca")["shipments"] == 0
    assert shipping.statuses() == {}


def test_references_begin_above_those_that_amazon_shows(shipping: Shipping) -> None:
    order = an_order(an_item(units=3, shipped=1), fulfillment={"fulfillmentStatus": "PARTIALLY_SHIPPED"})
    item = order["orderItems"][0]["orderItemId"]
    shown = {"packageReferenceId": "41", "trackingNumber": "EARLIER", "packageStatus": {"status": "SHIPPED"}}
    order["packages"] = [shown | {"packageItems": [{"orderItemId": item, "quantity": 1}]}]
    (order_id,) = shipping.loaded(order)
    shipping.ship(order_id)
    shipping.run()
    assert [package["packageReferenceId"] for package in shipping.packages(order_id)] == ["41", "42"]
    assert [units(package) for package in shipping.packages(order_id)] == [[1], [2]]


def test_late_parcels_go_first(shipping: Shipping) -> None:
    later, sooner = shipping.loaded(an_order(minutes_ago=60), an_order(minutes_ago=60 * 24))
    shipping.ship(later, shipment_id="A-LATER")
    shipping.ship(sooner, shipment_id="B-SOONER")
    shipping.world.amazon.faults.answer("confirmShipment", 403, times=8)
    with pytest.raises(RunFailedError):
        shipping.run()
    due = parcels_of(shipping.world.ledger, "us", statuses=("pending",))
    assert [parcel.shipment_id for parcel in due] == ["B-SOONER", "A-LATER"]


def test_a_warehouse_that_keeps_dates_only_ships_on_the_day_of_the_order(shipping: Shipping) -> None:
    placed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)  # hardly ever the midnight of its date
    (order_id,) = shipping.loaded(an_order(createdTime=amazon_time(placed_at)))
    midnight = placed_at.replace(hour=0, minute=0, second=0)
    with shipping.world.writing_warehouse() as database:
        database.execute(update(wms_order).values(ordered_at=midnight))
    shipment_id = shipping.ship(order_id, shipped_at=midnight)
    assert shipping.run()["sent"] == 1
    (package,) = shipping.packages(order_id)
    assert datetime.fromisoformat(package["shipTime"]) == placed_at
    assert shipping.statuses() == {shipment_id: "sent"}


@pytest.mark.parametrize(
    ("days", "warning"), [(-10, "ship_date_early"), (10, "ship_date_future"), (None, "ship_date_missing")]
)
def test_a_ship_date_that_amazon_would_not_take_is_the_nearest_one_that_it_does(
    shipping: Shipping, days: int | None, warning: str
) -> None:
    order = an_order()
    (order_id,) = shipping.loaded(order)
    moment = None if days is None else datetime.now(UTC) + timedelta(days=days)
    shipment_id = shipping.ship(order_id, shipped_at=moment)
    before = datetime.now(UTC).replace(microsecond=0)
    shipping.run()
    sent = datetime.fromisoformat(shipping.packages(order_id)[0]["shipTime"])
    placed = datetime.fromisoformat(order["createdTime"])
    assert sent == placed.replace(microsecond=0) if days == -10 else before <= sent <= datetime.now(UTC)
    assert warning in shipping.warnings(shipment_id)


def test_a_prime_order_in_several_parcels_is_confirmed_with_a_warning(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2), programs=["PRIME"]))
    parts = [shipping.ship(order_id, units={1: 1}) for _ in range(2)]
    assert shipping.run()["sent"] == 2
    assert all("sfp_split" in shipping.warnings(part) for part in parts)


def test_parcels_of_marketplaces_go_where_their_order_was_placed(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    assert shipping.parcel(shipment_id).marketplace_id == US.marketplace_id


def test_only_one_confirm_run_works_on_a_connection_and_an_import_does_not_block_it(shipping: Shipping) -> None:
    ledger = shipping.world.ledger
    with lease(ledger, "us", "confirm"), pytest.raises(LeaseHeldError, match="another confirm run is working on"):
        shipping.run()
    with lease(ledger, "us", "import"):
        shipping.run()


def test_a_wrong_set_up_is_reported_before_anything_is_started(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LWA_APP_ID")
    with pytest.raises(ConfigurationError, match="LWA_APP_ID"):
        shipping.run()
    assert list_batches(shipping.world.ledger) == []

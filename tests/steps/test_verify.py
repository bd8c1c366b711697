"""Sent is what Amazon took, verified what it shows: asked an hour later, sent again once, then reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.client import AmazonOrders
from mfn.amazon.failures import AmazonUnavailableError
from mfn.errors import RunFailedError
from mfn.ledger.batches import get_batch
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from mfn.amazon.shipments import PackageDetail
    from tests.steps.shipping import Shipping


def test_a_parcel_is_verified_an_hour_after_it_was_sent(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    assert shipping.run()["api_calls"] == {}
    shipping.an_hour_passes()
    summary = shipping.run()
    assert (summary["shipments"], summary["verified"], summary["unverified"]) == (0, 1, 0)
    assert summary["api_calls"] == {"getOrder": 1}
    assert shipping.data_sets() == {"FULFILLMENT", "PACKAGES"}, "nothing of a buyer is needed for it"
    assert shipping.statuses() == {shipment_id: "verified"}
    assert shipping.world.statuses() == {order_id: "confirmed"}
    assert shipping.run()["api_calls"] == {}


def test_one_call_verifies_all_parcels_of_an_order(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    for _ in range(3):
        shipping.ship(order_id, units={1: 1})
    shipping.run()
    shipping.an_hour_passes()
    summary = shipping.run()
    assert (summary["verified"], summary["api_calls"]) == (3, {"getOrder": 1})


def test_what_amazon_does_not_show_is_sent_again_once_and_then_reported(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    for expected in (2, 2):
        shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "UNSHIPPED"})
        shipping.an_hour_passes()
        summary = shipping.run()
        assert shipping.calls() == expected
        assert (summary["verified"], summary["unverified"]) == (0, 1)
    assert shipping.warnings(shipment_id) == ["sent_again", "not_shown"]
    (conflict,) = get_batch(shipping.world.ledger, summary["batch_id"]).findings["conflicts"]
    assert conflict["order_id"] == order_id
    shipping.an_hour_passes()
    assert shipping.run()["api_calls"] == {}


def test_a_parcel_that_was_sent_again_is_not_sent_a_third_time_because_amazon_did_not_answer_for_the_next(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    first, second = (shipping.ship(order_id, units={1: 1}) for _ in range(2))
    shipping.run()
    shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    shipping.an_hour_passes()
    confirm = AmazonOrders.confirm_shipment

    def answers(self: AmazonOrders, order_id: str, package: PackageDetail, **options: Any) -> None:
        if package.package_reference_id == "2":
            raise AmazonUnavailableError(f"confirmShipment {order_id}: HTTP 500.", remedy="Wait.")
        confirm(self, order_id, package, **options)

    with pytest.MonkeyPatch.context() as amazon:
        amazon.setattr(AmazonOrders, "confirm_shipment", answers)
        with pytest.raises(RunFailedError, match="HTTP 500"):
            shipping.run()
    assert (shipping.warnings(first), shipping.warnings(second)) == (["sent_again"], [])
    before = shipping.calls()
    shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    shipping.run()
    assert shipping.calls() == before + 1
    assert shipping.warnings(second) == ["sent_again"]


def test_what_is_shown_after_it_was_sent_again_is_verified(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    shipping.an_hour_passes()
    shipping.run()
    assert [package["packageReferenceId"] for package in shipping.packages(order_id)] == ["1"]
    shipping.an_hour_passes()
    assert shipping.run()["verified"] == 1
    assert shipping.statuses() == {shipment_id: "verified"}


def test_a_parcel_that_is_refused_when_it_is_sent_again_has_failed(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "CANCELLED"})
    shipping.an_hour_passes()
    with pytest.raises(RunFailedError) as failed:
        shipping.run()
    assert failed.value.summary["failed"] == 1
    assert shipping.statuses() == {shipment_id: "failed"}


def test_the_oldest_are_asked_for_first_as_far_as_the_budget_goes(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfn.steps.confirming.verify.WAIT_SECONDS", 0.0)
    orders = shipping.loaded(*(an_order() for _ in range(4)))
    for order_id in reversed(orders):
        shipping.ship(order_id, shipment_id=order_id)
        shipping.run()
    shipping.an_hour_passes()
    shipping.leave_calls("getOrder", 2)
    assert shipping.run()["verified"] == 2
    assert [shipping.statuses()[order_id] for order_id in reversed(orders)] == ["verified"] * 2 + ["sent"] * 2


def test_a_voided_parcel_is_not_asked_for_any_more(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.warehouse.void(shipment_id)
    shipping.an_hour_passes()
    assert shipping.run()["api_calls"] == {}


def test_a_parcel_that_is_open_again_is_sent_again_once_it_is_closed(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.world.change(order_id, packages=[], fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    shipping.warehouse.change(shipment_id, status="open")
    shipping.an_hour_passes()
    shipping.run()
    assert (shipping.packages(order_id), shipping.warnings(shipment_id)) == ([], [])
    shipping.warehouse.close(shipment_id)
    shipping.run()
    assert (len(shipping.packages(order_id)), shipping.warnings(shipment_id)) == (1, ["sent_again"])


def test_an_order_that_may_not_be_read_stops_no_other_from_being_verified(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order(minutes_ago=60 + number) for number in range(3)))
    for order_id in orders:
        shipping.ship(order_id)
    shipping.run()
    shipping.an_hour_passes()
    shipping.world.amazon.faults.answer("getOrder", 403, times=2)
    with pytest.raises(RunFailedError, match="HTTP 403") as failed:
        shipping.run()
    assert (failed.value.summary["verified"], failed.value.summary["unverified"]) == (2, 1)
    assert failed.value.remedy.startswith("Others were answered")
    assert shipping.run()["verified"] == 3


def test_a_request_that_amazon_does_not_take_says_nothing_of_the_parcel(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    shipping.an_hour_passes()
    said = {"errors": [{"code": "InvalidInput", "message": "The input you have submitted is not valid."}]}
    shipping.world.amazon.faults.answer("getOrder", 400, said)
    with pytest.raises(RunFailedError, match="InvalidInput"):
        shipping.run()
    assert (shipping.calls(), shipping.warnings(shipment_id)) == (1, [])
    assert shipping.run()["verified"] == 1


def test_an_order_that_cannot_be_read_says_nothing_of_its_parcel_and_stops_no_other(shipping: Shipping) -> None:
    first, *others = shipping.loaded(*(an_order(minutes_ago=60 + number) for number in range(3)))
    for order_id in (first, *others):
        shipping.ship(order_id)
        shipping.run()
    shipping.an_hour_passes()
    shipping.world.amazon.faults.answer("getOrder", 200, {"order": {"orderId": first, "packages": "none"}})
    summary = shipping.run()
    assert (summary["verified"], summary["unverified"], shipping.calls()) == (2, 1, 3)
    assert shipping.run()["verified"] == 3


def test_an_order_whose_rest_was_cancelled_is_confirmed_once_amazon_shows_that_all_has_left(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    shipping.ship(order_id, short_by=1)
    shipping.run()
    shipping.world.change(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"})
    assert shipping.world.statuses() == {order_id: "partially_shipped"}
    shipping.an_hour_passes()
    shipping.run()
    assert shipping.world.statuses() == {order_id: "confirmed"}


def test_what_the_warehouse_has_still_to_ship_is_not_confirmed_by_what_amazon_shows(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    shipping.ship(order_id, units={1: 2})
    shipping.run()
    shipping.world.change(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"})
    shipping.an_hour_passes()
    shipping.run()
    assert shipping.world.statuses() == {order_id: "partially_shipped"}


def test_what_the_warehouse_has_still_to_ship_is_not_taken_for_shipped_by_an_import(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    shipping.ship(order_id, short_by=1)
    shipping.world.warehouse_moves(order_id, "picking")
    shipping.run()
    shipping.world.change(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"})
    shipping.world.run(order_id=order_id)
    assert shipping.world.statuses() == {order_id: "partially_shipped"}
    shipping.world.warehouse_moves(order_id, "shipped")
    shipping.world.run(order_id=order_id)
    assert shipping.world.statuses() == {order_id: "shipped"}

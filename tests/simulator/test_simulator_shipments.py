"""Confirming parcels: a new reference adds one, a known one changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.simulator.conftest import EVERYTHING, SEARCH

if TYPE_CHECKING:
    from mfn.simulator.local_amazon import LocalAmazon


def confirm(
    caller: httpx.Client, order: dict[str, Any], reference: object, units: int, **changed: object
) -> httpx.Response:
    item = order["orderItems"][0]["orderItemId"]
    detail: dict[str, object] = {
        "packageReferenceId": reference,
        "carrierCode": "UPS",
        "shippingMethod": "Ground",
        "trackingNumber": f"1Z{reference}",
        "shipDate": "2026-11-02T11:00:00Z",
        "orderItems": [{"orderItemId": item, "quantity": units}],
    }
    body = {"marketplaceId": order["salesChannel"]["marketplaceId"], "packageDetail": detail | changed}
    return caller.post(f"/orders/v0/orders/{order['orderId']}/shipmentConfirmation", json=body)


def read(caller: httpx.Client, order: dict[str, Any]) -> dict[str, Any]:
    answer = caller.get(f"{SEARCH}/{order['orderId']}", params={"includedData": EVERYTHING})
    document: dict[str, Any] = answer.json()["order"]
    return document


def test_a_parcel_shows_up_and_what_is_left_falls(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    amazon.clock.move(minutes=1)
    answer = confirm(caller, due_order, "1", 1)
    assert (answer.status_code, answer.content) == (204, b"")
    order = read(caller, due_order)
    ordered = due_order["orderItems"][0]["quantityOrdered"]
    assert order["orderItems"][0]["fulfillment"]["quantityFulfilled"] == 1
    assert order["orderItems"][0]["fulfillment"]["quantityUnfulfilled"] == ordered - 1
    assert order["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert order["lastUpdatedTime"] == "2026-11-02T12:01:00Z"
    assert [package["trackingNumber"] for package in order["packages"]] == ["1Z1"]


def test_a_new_reference_adds_a_parcel_and_the_last_one_completes_the_order(
    caller: httpx.Client, due_order: dict[str, Any]
) -> None:
    ordered = due_order["orderItems"][0]["quantityOrdered"]
    confirm(caller, due_order, "1", 1)
    confirm(caller, due_order, "2", ordered - 1)
    order = read(caller, due_order)
    assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [package["packageReferenceId"] for package in order["packages"]] == ["1", "2"]


def test_a_known_reference_changes_its_parcel(caller: httpx.Client, due_order: dict[str, Any]) -> None:
    ordered = due_order["orderItems"][0]["quantityOrdered"]
    confirm(caller, due_order, "1", ordered)
    answer = confirm(
        caller, due_order, "1", ordered, trackingNumber="CORRECTED", carrierCode="Other", carrierName="Test"
    )
    assert answer.status_code == 204
    (package,) = read(caller, due_order)["packages"]
    assert (package["trackingNumber"], package["carrier"]) == ("CORRECTED", "Test")


def test_a_changed_parcel_keeps_its_place_and_creation_time(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    confirm(caller, due_order, "7", 1)
    confirm(caller, due_order, "8", 1)
    amazon.clock.move(hours=1)
    confirm(caller, due_order, "7", 1, trackingNumber="CORRECTED")
    first, second = read(caller, due_order)["packages"]
    assert (first["packageReferenceId"], first["trackingNumber"], second["packageReferenceId"]) == (
        "7",
        "CORRECTED",
        "8",
    )
    assert first["createdTime"] == "2026-11-02T12:00:00Z"


def test_a_search_shows_the_parcels_if_packages_are_requested(caller: httpx.Client, due_order: dict[str, Any]) -> None:
    confirm(caller, due_order, "1", 1)
    asked = {"createdAfter": "2026-10-01", "includedData": "PACKAGES", "fulfillmentStatuses": "PARTIALLY_SHIPPED"}

    def shown() -> list[Any]:
        orders = caller.get(SEARCH, params=asked).json()["orders"]
        return [order.get("packages") for order in orders if order["orderId"] == due_order["orderId"]]

    ((package,),) = shown()
    assert package["packageItems"] == [{"orderItemId": due_order["orderItems"][0]["orderItemId"], "quantity": 1}]
    asked["includedData"] = "FULFILLMENT"
    assert shown() == [None]


def test_another_parcel_of_a_fulfilled_order_is_refused_in_amazons_words(
    caller: httpx.Client, due_order: dict[str, Any]
) -> None:
    confirm(caller, due_order, "1", due_order["orderItems"][0]["quantityOrdered"])
    answer = confirm(caller, due_order, "2", 1)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, "InvalidInput")
    assert "order already fulfilled" in error["message"]
    assert "errorMetric=PackageToUpdateNotFound" in error["message"]
    assert due_order["orderId"] in error["message"]


def test_more_units_than_are_left_are_refused(caller: httpx.Client, due_order: dict[str, Any]) -> None:
    ordered = due_order["orderItems"][0]["quantityOrdered"]
    confirm(caller, due_order, "1", ordered)
    assert confirm(caller, due_order, "2", 1).status_code == 400
    assert confirm(caller, due_order, "1", ordered + 1).status_code == 400
    assert read(caller, due_order)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


@pytest.mark.parametrize("reference", ["0", "", "A1", "-1", "1.5", "\u0661", 1, None])
def test_a_reference_is_a_positive_number_as_text(
    caller: httpx.Client, due_order: dict[str, Any], reference: object
) -> None:
    assert confirm(caller, due_order, reference, 1).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"carrierCode": ""},
        {"carrierCode": "Other"},
        {"trackingNumber": " "},
        {"shipDate": "02/21/2026"},
        {"shipDate": "2026-11-02T12:02:00Z"},
        {"shipDate": "2026-10-02T12:00:00Z"},
        {"trackingNumber": "1" * 51},
        {"carrierCode": "Other", "carrierName": "T" * 51},
        {"shippingMethod": "G" * 51},
        {"orderItems": []},
        {"orderItems": [{"orderItemId": "1", "quantity": 1}]},
        {"orderItems": {"orderItemId": "1", "quantity": 1}},
    ],
)
def test_a_parcel_that_breaks_a_rule_is_refused(
    caller: httpx.Client, due_order: dict[str, Any], changed: dict[str, object]
) -> None:
    answer = confirm(caller, due_order, "1", 1, **changed)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidInput")
    assert "packages" not in read(caller, due_order)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"packageReferenceId": 1}, "fields with invalid type [packageDetail.packageReferenceId]"),
        ({"orderItems": {}}, "fields with invalid type [packageDetail.orderItems]"),
        ({"orderItems": [{"quantity": 1}]}, "fields that are missing [packageDetail.orderItems[0].orderItemId]"),
        ({"orderItems": [{"orderItemId": "1", "quantity": 1}]}, "please obtain the value through the getOrderItems"),
    ],
)
def test_a_refusal_names_the_field(
    caller: httpx.Client, due_order: dict[str, Any], changed: dict[str, object], said: str
) -> None:
    assert said in confirm(caller, due_order, "1", 1, **changed).json()["errors"][0]["message"]


def test_a_carrier_code_must_match_exactly_if_amazons_list_is_known(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    amazon.accepted_carriers = frozenset({"UPS", "Other"})
    assert "Ups" in confirm(caller, due_order, "1", 1, carrierCode="Ups").json()["errors"][0]["message"]
    assert confirm(caller, due_order, "1", 1).status_code == 204
    assert confirm(caller, due_order, "2", 1, carrierCode="Other", carrierName="Test Carrier").status_code == 204


@pytest.mark.parametrize("units", [0, -1])
def test_an_empty_parcel_is_refused(caller: httpx.Client, due_order: dict[str, Any], units: int) -> None:
    assert confirm(caller, due_order, "1", units).status_code == 400


def test_orders_that_the_seller_may_not_confirm_are_refused(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    for changed in (
        {"programs": ["FBM_SHIP_PLUS"]},
        {"fulfillment": due_order["fulfillment"] | {"fulfilledBy": "AMAZON"}},
        {"fulfillment": due_order["fulfillment"] | {"fulfillmentStatus": "PENDING"}},
        {"fulfillment": due_order["fulfillment"] | {"fulfillmentStatus": "CANCELLED"}},
    ):
        amazon.orders.put(due_order | changed)
        assert confirm(caller, due_order, "1", 1).status_code == 400
    assert confirm(caller, due_order | {"orderId": "111-0000000-0000000"}, "1", 1).status_code == 404
    amazon.orders.put(due_order)
    assert confirm(caller, due_order | {"salesChannel": {"marketplaceId": "ELSEWHERE"}}, "1", 1).status_code == 400


def test_a_lost_reply_leaves_the_parcel_confirmed(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    amazon.faults.answer("confirmShipment", 503, after_deed=True)
    amazon.faults.drop("confirmShipment", after_deed=True)
    amazon.faults.hang("confirmShipment", after_deed=True)
    assert confirm(caller, due_order, "1", 1).status_code == 503
    for lost in (httpx.RemoteProtocolError, httpx.ReadTimeout):
        caller.timeout = httpx.Timeout(5, read=0.2)
        with pytest.raises(lost):
            confirm(caller, due_order, "1", 1)
    assert len(read(caller, due_order)["packages"]) == 1
    assert confirm(caller, due_order, "1", 1).status_code == 204
    assert len(read(caller, due_order)["packages"]) == 1

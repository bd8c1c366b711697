"""Confirming parcels: what Amazon is told, what counts as taken, and that a lost reply is safe to repeat."""

from __future__ import annotations

import json
import pickle
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.packages import read_packages
from mfn.amazon.refusals import OrderFulfilledError, ShipmentRefusedError
from mfn.amazon.shipments import PackageDetail, PackageItem
from mfn.errors import RetriableError
from mfn.simulator.server import SimulatorServer
from tests.faults.adapter import Clock, adapter
from tests.faults.scripted_amazon import ScriptedAmazon, answer
from tests.world import an_amazon, an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.client import AmazonOrders
    from mfn.simulator.local_amazon import LocalAmazon

ORDER_ID = "111-0000001-0000001"
PATH = f"/orders/v0/orders/{ORDER_ID}/shipmentConfirmation"
TAKEN = answer(204)


def a_package(reference: str = "1", item: str = "10000000000001", units: int = 1, **changed: Any) -> PackageDetail:
    fields: dict[str, Any] = {
        "marketplace_id": "ATVPDKIKX0DER",
        "package_reference_id": reference,
        "carrier_code": "UPS",
        "tracking_number": f"1Z{reference}",
        "ship_date": datetime.now(UTC) - timedelta(minutes=5),
        "items": (PackageItem(item, units),),
    }
    return PackageDetail(**fields | changed)


@pytest.fixture
def scripted() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        server.api = [TAKEN]
        yield server


@pytest.fixture
def orders(scripted: ScriptedAmazon, tmp_path: Path) -> Iterator[AmazonOrders]:
    with adapter(scripted.endpoint, tmp_path, Clock()) as made:
        yield made


@pytest.fixture
def amazon() -> LocalAmazon:
    return an_amazon()


@pytest.fixture
def live(amazon: LocalAmazon, tmp_path: Path) -> Iterator[AmazonOrders]:
    with SimulatorServer(amazon) as server, adapter(server.endpoint, tmp_path, Clock()) as made:
        yield made


def test_exactly_what_amazons_model_names_is_sent(scripted: ScriptedAmazon, orders: AmazonOrders) -> None:
    eastern = timezone(timedelta(hours=-5))
    package = a_package(
        "12",
        ship_date=datetime(2026, 11, 24, 5, 30, 15, 999_999, tzinfo=eastern),
        shipping_method="Ground",
        items=(PackageItem("10000000000001", 2), PackageItem("10000000000002", 1)),
    )
    orders.confirm_shipment(ORDER_ID, package)
    (request,) = scripted.arrived(PATH)
    assert json.loads(request.body) == {
        "marketplaceId": "ATVPDKIKX0DER",
        "packageDetail": {
            "packageReferenceId": "12",
            "carrierCode": "UPS",
            "shippingMethod": "Ground",
            "trackingNumber": "1Z12",
            "shipDate": "2026-11-24T10:30:15Z",
            "orderItems": [
                {"orderItemId": "10000000000001", "quantity": 2},
                {"orderItemId": "10000000000002", "quantity": 1},
            ],
        },
    }
    assert (request.query, request.headers["content-type"]) == ({}, "application/json")
    assert request.headers["host"] == scripted.host


def test_a_carrier_that_amazon_does_not_list_goes_with_its_name(scripted: ScriptedAmazon, orders: AmazonOrders) -> None:
    orders.confirm_shipment(ORDER_ID, a_package(carrier_code="Other", carrier_name="Test Carrier Ærø"))
    detail = json.loads(scripted.arrived(PATH)[0].body)["packageDetail"]
    assert (detail["carrierCode"], detail["carrierName"]) == ("Other", "Test Carrier Ærø")
    assert "shippingMethod" not in detail


def test_an_order_id_is_one_part_of_the_path_whatever_it_holds(scripted: ScriptedAmazon, orders: AmazonOrders) -> None:
    orders.confirm_shipment("111/../x?y", a_package())
    assert [request.path for request in scripted.requests[1:]] == [
        "/orders/v0/orders/111%2F..%2Fx%3Fy/shipmentConfirmation"
    ]


def test_a_parcel_that_was_taken_is_shown_and_the_same_reference_changes_it(
    live: AmazonOrders, amazon: LocalAmazon
) -> None:
    order = an_order(an_item(units=3))
    amazon.orders.put(order)
    item = order["orderItems"][0]["orderItemId"]
    live.confirm_shipment(order["orderId"], a_package("1", item, 2))
    live.confirm_shipment(order["orderId"], a_package("1", item, 2, tracking_number="1ZCORRECTED"))
    live.confirm_shipment(order["orderId"], a_package("2", item, 1))
    raw = live.get_order(order["orderId"]) or b""
    assert [(package.package_reference_id, package.tracking_number) for package in read_packages(raw).packages] == [
        ("1", "1ZCORRECTED"),
        ("2", "1Z2"),
    ]
    shown = json.loads(raw)
    assert shown["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [(part["orderItemId"], part["quantity"]) for part in shown["packages"][0]["packageItems"]] == [(item, 2)]


def test_a_reply_that_is_lost_after_the_deed_is_repeated_and_leaves_one_parcel(
    live: AmazonOrders, amazon: LocalAmazon
) -> None:
    order = an_order(an_item(units=2))
    amazon.orders.put(order)
    amazon.faults.drop("confirmShipment", after_deed=True)
    amazon.faults.answer("confirmShipment", 503, after_deed=True)
    live.confirm_shipment(order["orderId"], a_package("1", order["orderItems"][0]["orderItemId"], 2))
    assert live.calls == {"confirmShipment": 3}
    (package,) = amazon.orders.get(order["orderId"])["packages"]
    assert package["trackingNumber"] == "1Z1"


def test_a_refusal_keeps_amazons_words_and_is_not_tried_again(live: AmazonOrders, amazon: LocalAmazon) -> None:
    order = an_order()
    amazon.orders.put(order)
    with pytest.raises(ShipmentRefusedError) as caught:
        live.confirm_shipment(order["orderId"], a_package("0"))
    (words,) = caught.value.words
    assert (words.code, words.message) == (
        "InvalidInput",
        "PackageReferenceId: is invalid, must be a positive numeric value.",
    )
    assert caught.value.status == 400
    assert "Correct in the warehouse what Amazon names" in caught.value.remedy
    assert "then fetch it: mfn import CONNECTION --order ID." in caught.value.remedy, "no search returns it"
    assert f"confirmShipment {order['orderId']}, parcel 0, for the connection us: HTTP 400, " in caught.value.message
    assert str(words).rstrip(": ") in caught.value.message
    assert live.calls == {"confirmShipment": 1}
    assert not isinstance(caught.value, OrderFulfilledError)


def test_an_order_that_is_already_fulfilled_is_distinguished(live: AmazonOrders, amazon: LocalAmazon) -> None:
    order = an_order()
    amazon.orders.put(order)
    item = order["orderItems"][0]["orderItemId"]
    live.confirm_shipment(order["orderId"], a_package("1", item))
    with pytest.raises(OrderFulfilledError, match="already fulfilled") as caught:
        live.confirm_shipment(order["orderId"], a_package("2", item))
    assert "The order is read again" in caught.value.remedy


def test_an_order_that_amazon_does_not_know_stops_no_other(live: AmazonOrders) -> None:
    with pytest.raises(ShipmentRefusedError, match="NotFound") as caught:
        live.confirm_shipment(ORDER_ID, a_package())
    assert caught.value.status == 404
    assert "this account and region" in caught.value.remedy


def test_many_parcels_are_answered_in_their_order_refusals_among_them(live: AmazonOrders, amazon: LocalAmazon) -> None:
    placed = [an_order() for _ in range(8)]
    for order in placed[:5] + placed[6:]:
        amazon.orders.put(order)
    parcels = [(order["orderId"], a_package("1", order["orderItems"][0]["orderItemId"])) for order in placed]
    answers = list(live.confirm_shipments(parcels))
    assert [type(refusal) for refusal in answers] == [type(None)] * 5 + [ShipmentRefusedError] + [type(None)] * 2
    assert answers[5] is not None
    assert parcels[5][0] in answers[5].message
    assert live.calls == {"confirmShipment": 8}


def test_a_few_parcels_are_under_way_at_once_but_never_two_of_one_order(
    orders: AmazonOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, together, lock = orders._session.library.confirm_shipment, threading.Barrier(4, timeout=20), threading.Lock()
    under_way: list[str] = []
    most = 0

    def watched(order_id: str, **body: Any) -> Any:
        nonlocal most
        with lock:
            assert order_id not in under_way
            under_way.append(order_id)
            most = max(most, len(under_way))
        if body["packageDetail"]["packageReferenceId"] == "1":
            together.wait()
        try:
            return send(order_id, **body)
        finally:
            with lock:
                under_way.remove(order_id)

    monkeypatch.setattr(orders._session.library, "confirm_shipment", watched)
    first = [(f"111-{number}", a_package("1")) for number in range(4)]
    rest = [(f"111-{number // 3}", a_package(str(2 + number % 3))) for number in range(12)]
    assert list(orders.confirm_shipments(first + rest)) == [None] * 16
    assert most == 4


def test_what_passes_by_itself_ends_the_bulk_and_what_was_booked_is_there_for_others(
    scripted: ScriptedAmazon, orders: AmazonOrders
) -> None:
    scripted.api = [TAKEN, answer(503)]
    parcels = [(f"111-{number}", a_package()) for number in range(40)]
    with pytest.raises(RetriableError, match="HTTP 503"), closing(orders.confirm_shipments(parcels)) as answers:
        list(answers)
    assert orders._session.budget.take("confirmShipment") < 1


def test_who_stops_reading_sends_no_more(scripted: ScriptedAmazon, orders: AmazonOrders) -> None:
    with closing(orders.confirm_shipments([(f"111-{number}", a_package()) for number in range(40)])) as answers:
        assert next(answers) is None
    assert len(scripted.requests) <= 1 + 4


def test_no_parcels_cost_nothing(scripted: ScriptedAmazon, orders: AmazonOrders) -> None:
    assert list(orders.confirm_shipments([])) == []
    assert scripted.requests == []


def test_a_refusal_survives_the_way_through_a_task_runner(live: AmazonOrders) -> None:
    with pytest.raises(ShipmentRefusedError) as caught:
        live.confirm_shipment(ORDER_ID, a_package())
    restored = pickle.loads(pickle.dumps(caught.value))
    assert type(restored) is type(caught.value)
    assert (restored.message, restored.remedy, restored.status, restored.words) == (
        caught.value.message,
        caught.value.remedy,
        404,
        caught.value.words,
    )

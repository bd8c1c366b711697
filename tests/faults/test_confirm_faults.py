"""Every way in which confirmShipment can fail is one of our errors, and nothing but a 204 counts as confirmed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.calling import ATTEMPTS
from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError
from mfn.amazon.refusals import OrderFulfilledError, ShipmentRefusedError
from mfn.errors import FatalError, RetriableError
from tests.faults.adapter import SECRETS, Clock, adapter
from tests.faults.scripted_amazon import DROPPED, SILENT, Answer, ScriptedAmazon, answer, errors
from tests.faults.test_adapter_faults import DENIED, HTML, PASSING, without_secrets
from tests.unit.test_amazon_shipments import ORDER_ID, PATH, TAKEN, a_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.client import AmazonOrders

FAULTS = {name: fault for name, (fault, _) in PASSING.items()} | {
    "a 200 with a body": answer(200, {"payload": {}}),
    "a 202": answer(202),
    "a 200 with errors": errors(200, "InvalidInput", "Something"),
    "a 204 that breaks off": b"HTTP/1.1 204 No Con",
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


@pytest.fixture
def orders(amazon: ScriptedAmazon, tmp_path: Path, clock: Clock) -> Iterator[AmazonOrders]:
    with adapter(amazon.endpoint, tmp_path, clock) as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_persistent_fault_is_retriable_and_never_a_confirmation(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.api = [fault]
    with pytest.raises(AmazonUnavailableError) as caught:
        orders.confirm_shipment(ORDER_ID, a_package())
    assert f"confirmShipment {ORDER_ID}, parcel 1, for the connection us: " in without_secrets(caught.value)
    assert orders.calls == {"confirmShipment": ATTEMPTS}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_transient_fault_costs_a_retry_of_the_same_request(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.api = [fault, TAKEN]
    orders.confirm_shipment(ORDER_ID, a_package())
    first, second = amazon.arrived(PATH)
    assert first.body == second.body


def test_an_answer_that_never_comes_is_given_up(amazon: ScriptedAmazon, tmp_path: Path, clock: Clock) -> None:
    amazon.api = [SILENT]
    with (
        adapter(amazon.endpoint, tmp_path, clock, timeout_seconds=0.05) as orders,
        pytest.raises(AmazonUnavailableError, match=f"^confirmShipment {ORDER_ID}.*ReadTimeout"),
    ):
        orders.confirm_shipment(ORDER_ID, a_package())


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422])
def test_a_refusal_of_the_parcel_is_reported_with_all_of_amazons_words(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int
) -> None:
    long = "Carrier code is wrong. " * 40
    body = {"errors": [{"code": "InvalidInput", "message": long, "details": "See field 3"}, {"code": "Second"}]}
    amazon.api = [answer(status, body)]
    with pytest.raises(ShipmentRefusedError) as caught:
        orders.confirm_shipment(ORDER_ID, a_package())
    refusal = caught.value
    assert [(words.code, words.message, words.details) for words in refusal.words] == [
        ("InvalidInput", long, "See field 3"),
        ("Second", None, None),
    ]
    assert f"HTTP {status}, InvalidInput: {long}: See field 3; Second (request id request-1)" in refusal.message
    assert refusal.remedy
    assert orders.calls == {"confirmShipment": 1}


@pytest.mark.parametrize(
    ("fault", "said"), [(answer(400), "an empty body"), (answer(400, {"errors": []}), "an empty list of errors")]
)
def test_a_refusal_without_words_is_still_a_refusal(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer, said: str
) -> None:
    amazon.api = [fault]
    with pytest.raises(ShipmentRefusedError, match=f"HTTP 400, {said}") as caught:
        orders.confirm_shipment(ORDER_ID, a_package())
    assert caught.value.words == ()


@pytest.mark.parametrize(
    ("message", "details"),
    [
        ("Failed to create package due to not finding a matching package or order already fulfilled.", ""),
        ("Failed.", "ErrorMessage(errorCode=GeneralError, errorMetric=PackageToUpdateNotFound, packageIndex=null)"),
        ("Order Already Fulfilled", ""),
        ("The shipment has already been confirmed.", ""),
    ],
)
def test_an_already_fulfilled_order_is_recognized_wherever_amazon_says_so(
    amazon: ScriptedAmazon, orders: AmazonOrders, message: str, details: str
) -> None:
    amazon.api = [errors(400, "InvalidInput", message, details)]
    with pytest.raises(OrderFulfilledError):
        orders.confirm_shipment(ORDER_ID, a_package())
    assert orders.calls == {"confirmShipment": 1}


@pytest.mark.parametrize(
    "fault",
    [
        answer(400, HTML),
        answer(404, HTML),
        answer(400, {"message": "Test Buyer"}),
        answer(302, HTML, location="https://login.example.com/"),
    ],
)
def test_a_refusal_that_is_not_from_amazon_stops_the_run_and_blames_no_parcel(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.api = [fault]
    with pytest.raises(FatalError, match="a body that is not Amazon's") as caught:
        orders.confirm_shipment(ORDER_ID, a_package())
    without_secrets(caught.value)
    assert orders.calls == {"confirmShipment": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once_and_then_the_missing_role_is_named(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int
) -> None:
    amazon.api = [errors(status, "Unauthorized", "Access to requested resource is denied.")]
    with pytest.raises(FatalError) as caught:
        orders.confirm_shipment(ORDER_ID, a_package())
    assert "A role is missing (Inventory and Order Tracking)" in caught.value.message
    assert "confirmShipment needs the role Inventory and Order Tracking." in without_secrets(caught.value)
    assert "Tax" not in caught.value.remedy
    assert orders.calls == {"confirmShipment": 2}


def test_a_call_that_would_wait_too_long_for_its_turn_is_not_sent(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [TAKEN]
    for _ in range(10):
        orders.confirm_shipment(ORDER_ID, a_package(), max_wait_seconds=0)
    with pytest.raises(BudgetExhaustedError):
        orders.confirm_shipment(ORDER_ID, a_package(), max_wait_seconds=0.1)
    assert (orders.calls["confirmShipment"], clock.waits) == (10, [])


@pytest.mark.parametrize("fault", [answer(429), answer(503), DROPPED, DENIED])
def test_many_parcels_survive_a_transient_fault(amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer) -> None:
    amazon.api = [TAKEN, fault, fault, TAKEN]
    parcels = [(f"111-{number}", a_package()) for number in range(12)]
    if fault is DENIED:
        amazon.api = [TAKEN, fault, TAKEN]
    assert list(orders.confirm_shipments(parcels)) == [None] * 12
    assert {request.path for request in amazon.requests} >= {
        f"/orders/v0/orders/{order_id}/shipmentConfirmation" for order_id, _ in parcels
    }


@pytest.mark.parametrize(
    ("fault", "kind"), [(answer(503), RetriableError), (DENIED, FatalError), (answer(400, HTML), FatalError)]
)
def test_many_parcels_end_with_the_first_error_that_is_not_about_one(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer, kind: type[Exception]
) -> None:
    amazon.api = [TAKEN, errors(400, "InvalidInput", "No."), TAKEN, fault]
    answers = orders.confirm_shipments([(f"111-{number}", a_package()) for number in range(40)])
    with pytest.raises(kind):
        list(answers)
    # Three in a row end it; the three answers may fall between them, and four calls are under way.
    assert len({request.path for request in amazon.requests if "shipmentConfirmation" in request.path}) <= 16


def test_neither_tokens_nor_bodies_are_logged_even_at_debug_level(
    amazon: ScriptedAmazon, orders: AmazonOrders, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    amazon.api = [answer(503, HTML), TAKEN]
    orders.confirm_shipment(ORDER_ID, a_package(tracking_number="1Z999TEST"))
    assert "HTTP 503" in caplog.text
    for secret in ("Atza|", SECRETS.refresh_token, "Test Buyer", "1Z999TEST", "packageDetail"):
        assert secret not in caplog.text


def test_a_conflict_is_settled_by_what_amazon_shows_too(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [errors(409, "Conflict", "The package exists.")]
    with pytest.raises(OrderFulfilledError):
        orders.confirm_shipment(ORDER_ID, a_package())

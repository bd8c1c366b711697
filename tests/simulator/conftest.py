"""A local Amazon that stands still, and callers of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from mfn.amazon.marketplaces import BY_NAME
from mfn.simulator.clock import Clock
from mfn.simulator.generator import GeneratedOrder, generate_day
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.server import DEMO_SELLER, SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVERYTHING = (
    "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,FULFILLMENT_ORDERS"
)
SEARCH = "/orders/2026-01-01/orders"
LOG_IN = {"grant_type": "refresh_token", "client_id": "client", "client_secret": "secret", "refresh_token": "refresh"}


@pytest.fixture(scope="session")
def day() -> list[GeneratedOrder]:
    """A day of 300 orders until noon."""
    return list(generate_day(300, seed=7, start=NOON, marketplaces=(BY_NAME["US"], BY_NAME["CA"])))


@pytest.fixture
def amazon(day: list[GeneratedOrder]) -> LocalAmazon:
    """It, at a noon at which the clock stands."""
    places = (BY_NAME["US"], BY_NAME["CA"])
    amazon = LocalAmazon(seller_id=DEMO_SELLER, marketplaces=places, clock=Clock(NOON))
    amazon.open_day(day)
    return amazon


@pytest.fixture
def server(amazon: LocalAmazon) -> Iterator[SimulatorServer]:
    """It, served."""
    with SimulatorServer(amazon) as server:
        yield server


@pytest.fixture
def caller(server: SimulatorServer) -> Iterator[httpx.Client]:
    """A caller with an access token."""
    with httpx.Client(base_url=server.endpoint, verify=False) as client:  # certificates take longer than a test
        token = client.post("/auth/o2/token", data=LOG_IN).json()["access_token"]
        client.headers["x-amz-access-token"] = token
        yield client


@pytest.fixture
def due_order(amazon: LocalAmazon) -> dict[str, object]:
    """An ordinary order with one item of two units or more that can be confirmed."""
    for order_id in amazon.orders.ids():
        order = amazon.orders.get(order_id)
        fulfillment = order["fulfillment"]
        if (
            fulfillment["fulfillmentStatus"] == "UNSHIPPED"
            and fulfillment["fulfilledBy"] == "MERCHANT"
            and "FBM_SHIP_PLUS" not in order.get("programs", [])
            and order["orderItems"][0]["quantityOrdered"] > 1
            and len(order["orderItems"]) == 1
        ):
            return order
    raise AssertionError("the day has no such order")

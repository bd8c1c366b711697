"""What is compared of an order: where it stands, in units and parcels, and nothing about its buyer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from mfn.amazon.shown_orders import ShownOrder, read_shown
from tests.world import an_item, an_order

ID = "111-0000001-0000001"


def shown(**order: Any) -> ShownOrder:
    return read_shown(ID, json.dumps(order).encode())


def test_an_order_is_read_without_its_buyer() -> None:
    order = an_order(an_item(units=3, shipped=1), an_item(units=2), programs=["PRIME"], status="PARTIALLY_SHIPPED")
    found = read_shown(order["orderId"], json.dumps(order).encode())
    assert (found.status, found.is_sfp, found.service_level) == ("PARTIALLY_SHIPPED", True, "STANDARD")
    assert list((found.units or {}).values()) == [3, 2]
    assert found.placed_at == found.changed_at == datetime.fromisoformat(order["createdTime"])
    kept = msgspec.json.encode(found).decode()
    assert [word for word in ("Test Buyer", "Example Street", "Seattle", "example.com", "0100") if word in kept] == []


def test_units_that_amazon_cancelled_do_not_count() -> None:
    item = {"orderItemId": "1", "quantityOrdered": 5, "fulfillment": {"quantityFulfilled": 2}}
    assert shown(orderItems=[item]).units == {"1": 5}
    fewer = item | {"fulfillment": {"quantityFulfilled": 2, "quantityUnfulfilled": 1}}
    assert shown(orderItems=[fewer]).units == {"1": 3}
    assert shown().units is None


@pytest.mark.parametrize("units", [-1, 1_000_001, 2**64, 10**30])
def test_units_beyond_all_reason_are_not_read_and_the_order_still_counts(units: int) -> None:
    item = {"orderItemId": "1", "quantityOrdered": 1, "fulfillment": {"quantityUnfulfilled": units}}
    found = shown(fulfillment={"fulfillmentStatus": "UNSHIPPED"}, orderItems=[item])
    assert (found.status, found.units) == ("UNSHIPPED", None)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=ShownOrder) == found


@pytest.mark.parametrize(
    ("states", "is_delivered"),
    [
        (["DELIVERED"], True),
        (["DELIVERED", "CANCELLED"], True),
        (["DELIVERED", "IN_TRANSIT"], False),
        (["UNDELIVERABLE"], False),
        (["CANCELLED"], False),
        ([], False),
    ],
)
def test_an_order_has_arrived_once_each_of_its_parcels_has(states: list[str], is_delivered: bool) -> None:
    packages = [{"packageReferenceId": "1", "packageStatus": {"status": state}} for state in states]
    assert shown(packages=packages).is_delivered is is_delivered


def test_it_left_when_the_last_parcel_that_counts_did() -> None:
    packages = [
        {"packageReferenceId": "1", "shipTime": "2026-11-24T10:00:00Z", "packageStatus": {"status": "SHIPPED"}},
        {"packageReferenceId": "2", "shipTime": "2026-11-25T10:00:00Z", "packageStatus": {"status": "SHIPPED"}},
        {"packageReferenceId": "3", "shipTime": "2026-11-26T10:00:00Z", "packageStatus": {"status": "CANCELLED"}},
        {"packageReferenceId": "4", "shipTime": "whenever"},
    ]
    assert shown(packages=packages).shipped_at == datetime(2026, 11, 25, 10, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "soon", "", 5, None])
def test_a_moment_that_is_none_is_left_out_and_the_order_still_counts(moment: object) -> None:
    fulfillment = {"fulfillmentStatus": "UNSHIPPED", "shipByWindow": {"latestDateTime": moment}}
    found = shown(createdTime=moment, lastUpdatedTime=moment, fulfillment=fulfillment, packages=[{"shipTime": moment}])
    assert found == ShownOrder(ID, "UNSHIPPED")


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b"\xff", b'{"packages": {}}',
        b'{"orderItems": [{"orderItemId": "1", "quantityOrdered": 1e999}]}', b'{"fulfillment": "SHIPPED"}',
        b'{"packages": ' + b"[" * 100_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_an_order_that_cannot_be_read_is_its_id_alone(text: bytes) -> None:
    assert read_shown(ID, text) == ShownOrder(ID)

"""The parcels that Amazon shows of an order, whatever it leaves out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mfn.amazon.packages import ShownPackage, read_packages
from mfn.errors import DataError


def shown(*packages: Any, **order: Any) -> bytes:
    return json.dumps({"orderId": "111-1", "packages": list(packages), **order}).encode()


def test_a_parcel_is_read_as_amazon_shows_it() -> None:
    package = {
        "packageReferenceId": "7",
        "createdTime": "2026-11-24T10:00:00Z",
        "packageStatus": {"status": "IN_TRANSIT", "detailedStatus": "PICKED_UP"},
        "carrier": "UPS",
        "shipTime": "2026-11-24T10:30:00+01:00",
        "shippingService": "Ground",
        "trackingNumber": "1Z7",
        "shipFromAddress": {"name": "Test Warehouse"},
        "packageItems": [{"orderItemId": "10000000000001", "quantity": 2, "transparencyCodes": ["AZ:1"]}],
    }
    assert read_packages(shown(package)).packages == (
        ShownPackage(
            package_reference_id="7",
            tracking_number="1Z7",
            shipped_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
            status="IN_TRANSIT",
        ),
    )


@pytest.mark.parametrize("raw", [b"{}", b'{"packages": null}', b'{"packages": []}'])
def test_an_order_without_parcels_has_none(raw: bytes) -> None:
    order = read_packages(raw)
    assert (order.packages, order.highest_reference) == ((), 0)


@pytest.mark.parametrize(
    "package",
    [
        {}, {"packageStatus": None, "packageItems": None, "shipTime": None}, None, [], "1Z",
        {"packageReferenceId": [], "trackingNumber": {}, "shipTime": 5, "packageStatus": "SHIPPED"},
        {"packageReferenceId": True, "trackingNumber": 1.5, "shipTime": {}, "packageStatus": {"status": ["SHIPPED"]}},
    ],
)  # fmt: skip
def test_an_unreadable_parcel_still_counts_and_hides_no_other(
    package: Any,
) -> None:
    read = read_packages(shown(package, {"packageReferenceId": "7"})).packages
    assert read == (ShownPackage(None, None, None, None), ShownPackage("7", None, None, None))


def test_a_reference_and_a_tracking_number_written_as_numbers_are_read_like_texts() -> None:
    (package,) = read_packages(shown({"packageReferenceId": 7, "trackingNumber": 794644790138})).packages
    assert (package.package_reference_id, package.tracking_number) == ("7", "794644790138")


@pytest.mark.parametrize("text", ["yesterday", "", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_hides_no_parcel(text: str) -> None:
    (package,) = read_packages(shown({"packageReferenceId": "1", "shipTime": text})).packages
    assert (package.package_reference_id, package.shipped_at) == ("1", None)


def test_an_order_that_is_broken_elsewhere_still_shows_its_parcels() -> None:
    raw = shown({"trackingNumber": "1Z"}, orderItems="broken", createdTime="yesterday")
    assert [package.tracking_number for package in read_packages(raw).packages] == ["1Z"]


@pytest.mark.parametrize(
    ("references", "highest"),
    [
        (["1", "12", "3"], 12),
        (["A7", "", None, "-9", "1.5", "\u0669"], 0),
        (["A7", "4"], 4),
        (["99999999999999999999"], 99_999_999_999_999_999_999),
        (["4", "9" * 51], 4),
        (["4", "9" * 5_000], 4),  # Python itself reads no number of more than 4,300 digits
        ([7, "4"], 7),
    ],
)
def test_the_highest_reference_is_that_of_the_numbers_among_them(
    references: list[str | int | None], highest: int
) -> None:
    order = read_packages(shown(*({"packageReferenceId": reference} for reference in references)))
    assert order.highest_reference == highest


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"no order", "malformed"),
        (b'{"packages": [{"trackingNumber": "\xff"}]}', "utf-8"),
        (b'{"packages": "Test Buyer"}', r"Expected `array \| null`, got `str` - at `\$.packages"),
    ],
)
def test_unreadable_parcels_are_reported_by_their_path_without_any_value(raw: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_packages(raw)
    assert "Test Buyer" not in f"{caught.value.message} {caught.value.remedy}"

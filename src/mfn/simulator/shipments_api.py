"""confirmShipment, version 0: parcels that the seller has shipped.

Rules: Amazon's model ordersV0.json of 2026-05-27, documentation "Confirm the shipment status", and what
sellers report of its answers: amzn/selling-partner-api-models, issues 492, 5037 and 5094. Where none of them says
anything (the length of texts, the bounds of a ship date, the words of most refusals), this one is strict.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time, parse_time
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import AmazonError, invalid_input, not_found

SHIP_PLUS = "FBM_SHIP_PLUS"
DUE = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"})
"""An order that has been shipped still takes changes of its parcels."""

LONGEST_TEXT = 50
"""Of a tracking number, a carrier's name and its service, as in Amazon's schema of order fulfillment feeds."""

CLOCKS_APART = timedelta(minutes=1)
FIELD = re.compile(r"`\$\.?(.*)`$")
MISSING = re.compile(r"missing required field `(\w+)`")

router = operations()


class ConfirmedItem(msgspec.Struct, rename="camel"):
    """What of an order item is in the parcel."""

    order_item_id: str
    quantity: int
    transparency_codes: list[str] | None = None


class PackageDetail(msgspec.Struct, rename="camel"):
    """One parcel."""

    package_reference_id: str
    carrier_code: str
    tracking_number: str
    ship_date: str
    order_items: list[ConfirmedItem]
    carrier_name: str = ""
    shipping_method: str = ""
    ship_from_supply_source_id: str = ""


class Confirmation(msgspec.Struct, rename="camel"):
    """What confirmShipment is sent."""

    marketplace_id: str
    package_detail: PackageDetail
    cod_collection_method: Literal["DirectPayment"] | None = None


@router.post("/orders/v0/orders/{order_id}/shipmentConfirmation", operation_id="confirmShipment")
async def confirm_shipment(request: Request) -> Response:
    """Add a parcel to an order, or change the one with the same reference."""
    amazon, order_id = local_amazon(request), request.path_params["order_id"]
    try:
        confirmation = msgspec.json.decode(await request.body(), type=Confirmation)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid_input(_unreadable(str(error)), str(error)) from None
    if order_id not in amazon.orders:
        raise not_found(f"Order {order_id}")
    order, parcel = amazon.orders.get(order_id), confirmation.package_detail
    now = amazon.clock.now()
    _check_parcel(parcel, amazon.accepted_carriers)
    _check_ship_date(parcel, order, now)
    _check_order(order, confirmation.marketplace_id)
    packages = {package["packageReferenceId"]: package for package in order.get("packages", [])}
    former = packages.get(parcel.package_reference_id)
    if former is None and order["fulfillment"]["fulfillmentStatus"] == "SHIPPED":
        raise _fulfilled(order_id)
    others = [package for package in packages.values() if package is not former]
    _check_items(order, parcel, others)
    packages[parcel.package_reference_id] = _package(parcel, former["createdTime"] if former else amazon_time(now))
    _note(order, list(packages.values()), now)
    amazon.orders.put(order)
    return Response(status_code=204)


def _unreadable(error: str) -> str:
    """Amazon names the field and whether it is missing or of a wrong type."""
    place, missing = FIELD.search(error), MISSING.search(error)
    path = ".".join(part for part in (place and place[1], missing and missing[1]) if part)
    return f"The request has fields that are missing [{path}]" if missing else f"fields with invalid type [{path}]"


def _fulfilled(order_id: str) -> AmazonError:
    return invalid_input(
        "Failed to create package due to not finding a matching package or order already fulfilled. "
        "ErrorMessage(errorCode=GeneralError, "
        f"errorDescription=Unable to find package to update for order ({order_id}), "
        "errorMetric=PackageToUpdateNotFound, packageIndex=null)"
    )


def _check_parcel(parcel: PackageDetail, accepted_carriers: frozenset[str] | None) -> None:
    reference = parcel.package_reference_id
    if not (reference.isascii() and reference.isdigit() and int(reference) > 0):
        raise invalid_input("PackageReferenceId: is invalid, must be a positive numeric value.")
    if not parcel.carrier_code.strip():
        raise invalid_input("CarrierCode is required.")
    if accepted_carriers is not None and parcel.carrier_code not in accepted_carriers:
        raise invalid_input(f"CarrierCode {parcel.carrier_code} is not on Amazon's list.")
    if parcel.carrier_code == "Other" and not parcel.carrier_name.strip():
        raise invalid_input("CarrierName is required where CarrierCode is Other.")
    if not parcel.tracking_number.strip():
        raise invalid_input("TrackingNumber is required.")
    for name in ("carrier_name", "shipping_method", "tracking_number"):
        if len(getattr(parcel, name)) > LONGEST_TEXT:
            raise invalid_input(f"{name.title().replace('_', '')} has more than {LONGEST_TEXT} characters.")


def _check_ship_date(parcel: PackageDetail, order: dict[str, Any], now: datetime) -> None:
    try:
        shipped = parse_time(parcel.ship_date)
    except ValueError:
        raise invalid_input(f"ShipDate must be a date and time in ISO 8601, not {parcel.ship_date}.") from None
    if not parse_time(order["createdTime"]) <= shipped <= now + CLOCKS_APART:
        raise invalid_input(f"ShipDate {parcel.ship_date} is before the order or in the future.")


def _check_order(order: dict[str, Any], marketplace_id: str) -> None:
    fulfillment = order["fulfillment"]
    if order["salesChannel"]["marketplaceId"] != marketplace_id:
        raise invalid_input("MarketplaceId is not where the order was placed.")
    if SHIP_PLUS in order.get("programs", []):
        raise invalid_input("The shipment of a Ship+ order cannot be confirmed; Amazon does it with the label.")
    if fulfillment["fulfilledBy"] != "MERCHANT" or fulfillment["fulfillmentStatus"] not in DUE:
        raise invalid_input(f"The order is {fulfillment['fulfillmentStatus']} and cannot be confirmed by the seller.")


def _check_items(order: dict[str, Any], parcel: PackageDetail, others: list[dict[str, Any]]) -> None:
    if not parcel.order_items:
        raise invalid_input("OrderItems must not be empty.")
    wanted = _units(others)
    ordered = {item["orderItemId"]: item["quantityOrdered"] for item in order["orderItems"]}
    for item in parcel.order_items:
        if item.order_item_id not in ordered:
            raise invalid_input(
                "OrderItemId is invalid, please obtain the value through the getOrderItems API or Manage Orders page"
            )
        if item.quantity < 1:
            raise invalid_input(f"Quantity of {item.order_item_id} must be positive.")
        wanted[item.order_item_id] = wanted.get(item.order_item_id, 0) + item.quantity
        if wanted[item.order_item_id] > ordered[item.order_item_id]:
            raise invalid_input(f"Quantity of {item.order_item_id} is more than what is left to ship.")


def _package(parcel: PackageDetail, created: str) -> dict[str, Any]:
    package = {
        "packageReferenceId": parcel.package_reference_id,
        "createdTime": created,
        "packageStatus": {"status": "SHIPPED"},
        "carrier": parcel.carrier_name if parcel.carrier_code == "Other" else parcel.carrier_code,
        "shipTime": amazon_time(parse_time(parcel.ship_date)),
        "trackingNumber": parcel.tracking_number,
        "packageItems": [
            {"orderItemId": item.order_item_id, "quantity": item.quantity}
            | ({"transparencyCodes": item.transparency_codes} if item.transparency_codes else {})
            for item in parcel.order_items
        ],
    }
    return package | ({"shippingService": parcel.shipping_method} if parcel.shipping_method else {})


def _note(order: dict[str, Any], packages: list[dict[str, Any]], now: datetime) -> None:
    shipped = _units(packages)
    left = 0
    for item in order["orderItems"]:
        quantity = shipped.get(item["orderItemId"], 0)
        left += item["quantityOrdered"] - quantity
        item["fulfillment"] |= {
            "quantityFulfilled": quantity,
            "quantityUnfulfilled": item["quantityOrdered"] - quantity,
        }
    order["packages"] = packages
    order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
    order["lastUpdatedTime"] = amazon_time(now)


def _units(packages: list[dict[str, Any]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for package in packages:
        for item in package["packageItems"]:
            units[item["orderItemId"]] = units.get(item["orderItemId"], 0) + item["quantity"]
    return units

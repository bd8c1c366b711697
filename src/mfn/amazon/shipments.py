"""A parcel as confirmShipment takes it.

Fields and their names: Amazon's model ordersV0.json of 2026-05-27, definition ConfirmShipmentRequest. Cash on delivery
(Japan only), supply sources and transparency codes are not sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.moments import iso_seconds

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class PackageItem:
    """The units of an order item in a parcel.

    Attributes:
        order_item_id: Amazon's order item id.
        quantity: Units, at least 1.
    """

    order_item_id: str
    quantity: int


@dataclass(frozen=True)
class PackageDetail:
    """One parcel of an order.

    Attributes:
        marketplace_id: Where the order was placed.
        package_reference_id: Digits, above zero; the same one again edits the parcel, another one adds one.
        carrier_code: A code that Amazon accepts, to the letter.
        tracking_number: As the carrier wrote it.
        ship_date: When the carrier took it; aware, sent in UTC and whole seconds.
        items: Its contents.
        carrier_name: The carrier if the code is `Other`, at most 50 characters; empty otherwise.
        shipping_method: The carrier's service; may be empty.
    """

    marketplace_id: str
    package_reference_id: str
    carrier_code: str
    tracking_number: str
    ship_date: datetime
    items: tuple[PackageItem, ...]
    carrier_name: str = ""
    shipping_method: str = ""


def confirmation(package: PackageDetail) -> dict[str, Any]:
    """The body of the request, in Amazon's terms."""
    optional = {"carrierName": package.carrier_name, "shippingMethod": package.shipping_method}
    return {
        "marketplaceId": package.marketplace_id,
        "packageDetail": {
            "packageReferenceId": package.package_reference_id,
            "carrierCode": package.carrier_code,
            **{name: value for name, value in optional.items() if value},
            "trackingNumber": package.tracking_number,
            "shipDate": iso_seconds(package.ship_date),
            "orderItems": [{"orderItemId": item.order_item_id, "quantity": item.quantity} for item in package.items],
        },
    }

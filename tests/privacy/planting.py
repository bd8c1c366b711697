"""Buyers who do not exist, with data that stands nowhere else: orders in which every field of a buyer's is planted."""

from __future__ import annotations

from typing import Any

from mfn.amazon.credentials import NAMES
from tests.world import address, an_item, an_order

FAMILY = "Wyxkvarn"
"""What every text of these buyers has in it."""

PHONE = "+1 907 555 0143"
POSTAL_CODE = "99926-0417"
PLANTED = (FAMILY, PHONE, "9075550143", "907-555-0143", POSTAL_CODE, "999260417", "99926 0417")

SECRETS = {name: f"planted-{name}-Zq7Xv" for name in NAMES}
"""The secrets of a connection, and with them what Login with Amazon gives for them."""

ACCESS_TOKEN = "Atza|"
"""How every access token begins."""

BUYER = {
    "buyerName": f"Åsa {FAMILY}",
    "buyerEmail": f"aasa.{FAMILY.lower()}@marketplace.example.com",
    "buyerPurchaseOrderNumber": f"{FAMILY}/2026/11",
}
ADDRESS = {
    "name": f"Åsa {FAMILY}-O'Hara",
    "companyName": f"{FAMILY} & Söner",
    "addressLine1": f"17 {FAMILY} Street",
    "addressLine2": f"{FAMILY} House, door 4",
    "addressLine3": f'the "{FAMILY}" bell',
    "city": f"{FAMILY} Falls",
    "districtOrCounty": f"{FAMILY} County",
    "municipality": f"{FAMILY} Township",
    "stateOrRegion": "AK",
    "postalCode": POSTAL_CODE,
    "phone": PHONE,
}
PREFERENCE = {"dropOffLocation": f"{FAMILY}'s shed", "addressInstruction": f"Ring twice at <{FAMILY}>"}
GIFT = {"giftMessage": f'Dear Åsa,\n"many happy returns" & love\nthe {FAMILY}s', "giftWrapLevel": "CLASSIC"}
ASKED = {"cancellationRequest": {"requester": "BUYER", "cancelReason": f"the {FAMILY}s have moved"}}
"""A buyer who asks for a cancellation, in words of their own."""

CUSTOMIZED = {"customizedUrl": f"https://customisation.example.com/{FAMILY.lower()}.zip?of=Åsa"}


def planted_item(sku: str | None = "MUG-BLUE", **changes: Any) -> dict[str, Any]:
    """An order item with a gift message and a customisation."""
    item = an_item(1, sku, **changes)
    item["product"]["customization"] = CUSTOMIZED
    item["fulfillment"]["packing"] = {"giftOption": GIFT}
    return item


def planted_order(
    *items: dict[str, Any], delivery: dict[str, Any] | None = None, buyer: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """An order that may be loaded as it is, unless it is changed.

    Args:
        items: Its items; one without any.
        delivery: Fields of the delivery address that differ.
        buyer: Fields of the buyer that differ.
        changes: As `an_order` takes them.
    """
    recipient = {"deliveryAddress": address(**(ADDRESS | (delivery or {}))), "deliveryPreference": PREFERENCE}
    given = {"buyer": BUYER | (buyer or {}), "recipient": recipient} | changes
    return an_order(*(items or (planted_item(),)), **given)


def held_orders() -> list[dict[str, Any]]:
    """Orders that are held, each for a reason that a report could tell with a buyer's words."""
    return [
        planted_order(planted_item("NO-SUCH-SKU")),
        planted_order(delivery={"stateOrRegion": f"{FAMILY}shire"}),
        planted_order(delivery={"countryCode": FAMILY}),
        planted_order(delivery={"postalCode": f"{FAMILY}-1"}),
        planted_order(delivery={"city": None, "postalCode": None}),
        planted_order(delivery={"phone": FAMILY * 30}),
        planted_order(level="NO_SUCH_LEVEL"),
        planted_order(planted_item(cancellation=ASKED)),
    ]


def broken_orders() -> list[dict[str, Any]]:
    """Orders of a shape that Amazon does not document, in fields of the buyer's and elsewhere."""
    return [
        planted_order(delivery={"phone": {"number": PHONE}}),
        planted_order(delivery={"name": [FAMILY]}),
        planted_order(delivery={"postalCode": 999260417}),
        planted_order(buyer={"buyerEmail": {FAMILY: FAMILY}}),
        planted_order(createdTime=f"{FAMILY}'s birthday"),
        planted_order(planted_item(fulfillment={"quantityUnfulfilled": FAMILY})),
        planted_order(planted_item(product={"customization": [CUSTOMIZED]})),
        planted_order(fulfillment={"fulfillmentStatus": FAMILY}),
        planted_order() | {"orderId": {FAMILY: FAMILY}},
        planted_order() | {"orderItems": FAMILY},
    ]

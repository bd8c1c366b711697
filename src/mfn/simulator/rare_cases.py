"""Programmes and requirements that a seller meets once in a while; each changes an ordinary order in place.

Names and values: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.simulator import cases

if TYPE_CHECKING:
    from random import Random

    from mfn.simulator.cases import Case
    from mfn.simulator.drafts import Document, Seller


def _program(name: str) -> Case:
    def case(_chance: Random, order: Document, _seller: Seller) -> None:
        order["programs"].append(name)

    return case


def _constraint(name: str) -> Case:
    def case(_chance: Random, order: Document, _seller: Seller) -> None:
        order["orderItems"][0]["fulfillment"]["shipping"] = {"shippingConstraints": {name: "MANDATORY"}}

    return case


def _import_tax_paid(chance: Random, order: Document, _seller: Seller) -> None:
    number = f"IM{chance.randrange(10**10):010d}"
    for item in order["orderItems"]:
        item["fulfillment"]["shipping"] = {"internationalShipping": {"iossNumber": number}}
        item["tax"] = {"taxCalculationBreakdowns": [{"reportingScheme": "IOSS"}]}


def _serial_numbers(_chance: Random, order: Document, _seller: Seller) -> None:
    order["orderItems"][0]["fulfillment"]["packing"] = {"serialNumberRequirement": {"requirementType": "REQUIRED"}}


def _transparency(_chance: Random, order: Document, _seller: Seller) -> None:
    order["orderItems"][0]["programs"] = ["TRANSPARENCY"]


def _customised(chance: Random, order: Document, _seller: Seller) -> None:
    url = f"https://customisation.example.com/{chance.randrange(16**8):08x}.zip"
    order["orderItems"][0]["product"]["customization"] = {"customizedUrl": url}


def _replacement(chance: Random, order: Document, _seller: Seller) -> None:
    original = f"113-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}"
    order["associatedOrders"] = [{"orderId": original, "associationType": "REPLACEMENT_ORIGINAL_ID"}]


def _pickup_point(_chance: Random, order: Document, _seller: Seller) -> None:
    order["recipient"]["deliveryAddress"]["addressType"] = "PICKUP_POINT"
    order["recipient"]["deliveryPreference"] = {
        "dropOffLocation": "Locker 7",
        "addressInstruction": "Behind the test counter",
    }


RARE_CASES: dict[str, Case] = {
    "in_store_pick_up": _program("IN_STORE_PICK_UP"),
    "ship_plus": _program("FBM_SHIP_PLUS"),
    "serial_numbers": _serial_numbers,
    "transparency": _transparency,
    "same_sku_twice": cases.same_sku_twice,
    "prime_business": cases.prime_business,
    "signature": _constraint("signatureConfirmation"),
    "unmapped_kit": cases.unmapped_kit,
    "easy_ship": _program("AMAZON_EASY_SHIP"),
    "import_tax_paid": _import_tax_paid,
    "replacement": _replacement,
    "age_check": _constraint("recipientAgeVerification"),
    "customised": _customised,
    "inactive_item": cases.inactive_item,
    "pickup_point": _pickup_point,
    "delivery_by_amazon": _program("DELIVERY_BY_AMAZON"),
    "unmapped_alias": cases.unmapped_alias,
    "identity_check": _constraint("recipientIdentityVerification"),
    "program_of_the_future": _program("EXAMPLE_PROGRAM_OF_THE_FUTURE"),
    "shipped": cases.shipped,
}

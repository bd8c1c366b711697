"""Special cases of orders; each changes an ordinary order in place.

How such orders look: Amazon's model orders_2026-01-01.json of 2026-07-29 and its samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.simulator.catalogue import Alias, build_catalogue
from mfn.simulator.clock import amazon_time, parse_time
from mfn.simulator.drafts import add_item, promise

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from mfn.simulator.drafts import Document, Seller

    Case = Callable[[Random, Document, Seller], None]

GIFT_MESSAGES = (
    "Happy test day!",
    "おめでとう!",
    "Alles Gute zum Prüftag",
    "Поздравляем!",
    "🎁🎂 line one\nline two",
)
CANCEL_REASONS = ("CHANGED_MIND", "ORDERED_BY_MISTAKE", "NO_LONGER_NEEDED")


def plain(_chance: Random, _order: Document, _seller: Seller) -> None:
    """Nothing is special."""


def seller_fulfilled_prime(chance: Random, order: Document, seller: Seller) -> None:
    """PRIME and fulfilled by MERCHANT, to be shipped the same day."""
    order["programs"].append("PRIME")
    _promise(order, seller, chance.choice(("STANDARD", "SECOND_DAY", "NEXT_DAY")))


def premium(chance: Random, order: Document, seller: Seller) -> None:
    """Premium Shipping."""
    order["programs"].append("PREMIUM")
    _promise(order, seller, chance.choice(("EXPEDITED", "SECOND_DAY", "NEXT_DAY")))


def business(chance: Random, order: Document, _seller: Seller) -> None:
    """A company buys, mostly with a purchase order number."""
    order["programs"].append("AMAZON_BUSINESS")
    order["buyer"]["buyerCompanyName"] = "Example Trading Co."
    if chance.random() < 4 / 5:
        order["buyer"]["buyerPurchaseOrderNumber"] = f"PO-{chance.randrange(10**6):06d}"
    order["recipient"]["deliveryAddress"] |= {"companyName": "Example Trading Co.", "addressType": "COMMERCIAL"}
    _multiply(order["orderItems"][0], chance.choice((4, 6, 10, 24)))


def prime_business(chance: Random, order: Document, seller: Seller) -> None:
    """A company buys with Prime."""
    business(chance, order, seller)
    seller_fulfilled_prime(chance, order, seller)


def gift(chance: Random, order: Document, _seller: Seller) -> None:
    """A gift, with a message and mostly wrapped."""
    option = {"giftMessage": chance.choice(GIFT_MESSAGES)}
    if chance.random() < 2 / 3:
        option["giftWrapLevel"] = "STANDARD"
    order["orderItems"][0]["fulfillment"]["packing"] = {"giftOption": option}


def kit(chance: Random, order: Document, seller: Seller) -> None:
    """A set that the warehouse packs from several items."""
    _replace(chance, order, seller, _mapped(build_catalogue().kits, seller))


def unmapped_kit(chance: Random, order: Document, seller: Seller) -> None:
    """A set that the warehouse does not know."""
    _replace(chance, order, seller, [alias for alias in build_catalogue().kits if not alias.is_mapped])


def alias(chance: Random, order: Document, seller: Seller) -> None:
    """Amazon's SKU is another one than the warehouse's."""
    _replace(chance, order, seller, _mapped(build_catalogue().aliases, seller))


def unmapped_alias(chance: Random, order: Document, seller: Seller) -> None:
    """An old SKU that the warehouse does not know."""
    _replace(chance, order, seller, [alias for alias in build_catalogue().aliases if not alias.is_mapped])


def inactive_item(chance: Random, order: Document, seller: Seller) -> None:
    """Amazon still sells what the warehouse has given up."""
    given_up = [item for item in build_catalogue().items if not item.is_active]
    order["orderItems"].clear()
    add_item(chance, order, seller, chance.choice(given_up).sku, 1)


def many_lines(chance: Random, order: Document, seller: Seller) -> None:
    """A full basket."""
    for item in chance.sample(build_catalogue().sold_as_they_are, 8):
        add_item(chance, order, seller, item.sku, chance.choice((1, 2)))


def same_sku_twice(chance: Random, order: Document, seller: Seller) -> None:
    """One SKU on two lines, which is legal."""
    add_item(chance, order, seller, order["orderItems"][0]["product"]["sellerSku"], 1)


def partially_shipped(chance: Random, order: Document, _seller: Seller) -> None:
    """One unit has left in a parcel that Amazon knows of; the others have not."""
    item = order["orderItems"][0]
    _multiply(item, 3)
    item["fulfillment"] |= {"quantityFulfilled": 1, "quantityUnfulfilled": 2}
    shipped = amazon_time(parse_time(order["lastUpdatedTime"]))
    order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED"
    order["packages"] = [
        {
            "packageReferenceId": "1",
            "createdTime": shipped,
            "packageStatus": {"status": "SHIPPED"},
            "carrier": "UPS",
            "shipTime": shipped,
            "shippingService": "Ground",
            "trackingNumber": f"1Z{chance.randrange(10**16):016d}",
            "packageItems": [{"orderItemId": item["orderItemId"], "quantity": 1}],
        }
    ]


def shipped(chance: Random, order: Document, seller: Seller) -> None:
    """Everything has left."""
    partially_shipped(chance, order, seller)
    order["fulfillment"]["fulfillmentStatus"] = "SHIPPED"
    for item in order["orderItems"]:
        item["fulfillment"] |= {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}
    order["packages"][0]["packageItems"] = [
        {"orderItemId": item["orderItemId"], "quantity": item["quantityOrdered"]} for item in order["orderItems"]
    ]


def cancel_requested(chance: Random, order: Document, _seller: Seller) -> None:
    """The buyer asks for a cancellation; the order stays due until the seller acts."""
    request = {"requester": "BUYER", "cancelReason": chance.choice(CANCEL_REASONS)}
    order["orderItems"][0]["cancellation"] = {"cancellationRequest": request}


def cancelled(chance: Random, order: Document, _seller: Seller) -> None:
    """Cancelled: nothing to ship, nobody to ship it to."""
    by = chance.choice(("BUYER", "MERCHANT", "AMAZON"))
    order["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
    del order["recipient"], order["fulfillment"]["deliverByWindow"]
    for item in order["orderItems"]:
        item["fulfillment"]["quantityUnfulfilled"] = 0
        item["cancellation"] = {"cancellationExecution": {"cancelledBy": by, "cancelReason": "OTHER"}}


def as_pending(order: Document) -> None:
    """What Amazon shows of an order until it is paid: no buyer, no address, no price."""
    order["fulfillment"]["fulfillmentStatus"] = "PENDING"
    order["lastUpdatedTime"] = order["createdTime"]
    for name in ("buyer", "recipient", "proceeds"):
        order.pop(name, None)
    del order["fulfillment"]["deliverByWindow"]
    for item in order["orderItems"]:
        del item["proceeds"], item["product"]["price"]
        item["fulfillment"].pop("packing", None)


def fulfilled_by_amazon(chance: Random, order: Document, _seller: Seller) -> None:
    """Amazon ships it from its own warehouse."""
    order["fulfillment"] |= {"fulfilledBy": "AMAZON", "fulfillmentStatus": chance.choice(("UNSHIPPED", "SHIPPED"))}
    del order["recipient"], order["buyer"]["buyerEmail"], order["fulfillment"]["shipByWindow"]
    if order["fulfillment"]["fulfillmentStatus"] == "SHIPPED":
        for item in order["orderItems"]:
            item["fulfillment"] |= {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}


def prime_by_amazon(chance: Random, order: Document, seller: Seller) -> None:
    """PRIME, but not the seller's to ship."""
    order["programs"].append("PRIME")
    fulfilled_by_amazon(chance, order, seller)


def sku_in_lower_case(_chance: Random, order: Document, _seller: Seller) -> None:
    """The listing was made with another case than the warehouse has."""
    product = order["orderItems"][0]["product"]
    product["sellerSku"] = product["sellerSku"].lower()


def sku_with_a_wrong_character(_chance: Random, order: Document, _seller: Seller) -> None:
    """The listing was made with the letter O for a zero."""
    product = order["orderItems"][0]["product"]
    product["sellerSku"] = product["sellerSku"].replace("0", "O", 1)


def sku_with_a_blank(chance: Random, order: Document, _seller: Seller) -> None:
    """The listing was made with a blank that nobody sees, or one in the middle."""
    product = order["orderItems"][0]["product"]
    sku = product["sellerSku"]
    product["sellerSku"] = chance.choice((f"{sku} ", sku.replace("-", " -", 1)))


def unmapped_method(chance: Random, order: Document, seller: Seller) -> None:
    """A service level that the demonstration's mappings leave out."""
    _promise(order, seller, chance.choice(("SCHEDULED", "SAME_DAY")))


def no_address(_chance: Random, order: Document, _seller: Seller) -> None:
    """No recipient on this order, though there is on others."""
    del order["recipient"]


def incomplete_address(chance: Random, order: Document, _seller: Seller) -> None:
    """Something that every label needs is missing."""
    address = order["recipient"]["deliveryAddress"]
    del address[chance.choice([name for name in ("addressLine1", "city", "postalCode") if name in address])]


def _promise(order: Document, seller: Seller, level: str) -> None:
    promise(order, seller, parse_time(order["createdTime"]), level, handling_days=0)


def _multiply(item: Document, units: int) -> None:
    price = item["product"]["price"]["unitPrice"]
    digits = len(price["amount"].partition(".")[2])
    total: dict[str, Any] = price | {"amount": f"{float(price['amount']) * units:.{digits}f}"}
    item["quantityOrdered"] = item["fulfillment"]["quantityUnfulfilled"] = units
    item["proceeds"] = {"proceedsTotal": total, "breakdowns": [{"type": "ITEM", "subtotal": total}]}


def _replace(chance: Random, order: Document, seller: Seller, candidates: list[Alias]) -> None:
    order["orderItems"].pop()
    add_item(chance, order, seller, chance.choice(candidates).seller_sku, chance.choice((1, 1, 2)))


def _mapped(aliases: tuple[Alias, ...], seller: Seller) -> list[Alias]:
    return [alias for alias in aliases if alias.is_mapped and alias.marketplace in {"", seller.marketplace.name}]

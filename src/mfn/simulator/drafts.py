"""An ordinary order in Amazon's form: due, paid, with an address; what is special is made of it in cases.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.clock import amazon_time
from mfn.simulator.markets import BUYERS, MARKETS, Market

if TYPE_CHECKING:
    from mfn.amazon.marketplaces import Marketplace

Document = dict[str, Any]
"""An order, or a part of one, as JSON knows it."""

LEVELS = {"STANDARD": 68, "FREE_ECONOMY": 6, "EXPEDITED": 12, "SECOND_DAY": 7, "NEXT_DAY": 4, "PRIORITY": 3}
"""Service levels and how often buyers take them, in percent."""
TRANSIT_DAYS = {"FREE_ECONOMY": 8, "STANDARD": 5, "EXPEDITED": 3, "SECOND_DAY": 2, "PRIORITY": 2, "NEXT_DAY": 1}
CUT_OFF_HOUR = 14
SATURDAY = 5
LINES = (1, 1, 1, 1, 1, 1, 2, 2, 3)
UNITS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)
PAYMENT = timedelta(minutes=30)


@dataclass(frozen=True)
class Seller:
    """What goes into every order of a marketplace.

    Attributes:
        marketplace: The marketplace.
        market: What is known of it.
        zone: Where its ship-by days end.
    """

    marketplace: Marketplace
    market: Market
    zone: ZoneInfo


def seller_in(marketplace: Marketplace) -> Seller:
    """The seller, in one marketplace."""
    market = MARKETS[marketplace.name]
    return Seller(marketplace, market, ZoneInfo(market.zone))


def seeded(*parts: object) -> Random:
    """A source of chance that gives the same for the same parts."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - test data, nothing secret


def draft_order(chance: Random, seller: Seller, created: datetime) -> Document:
    """An order that was paid half an hour after it was placed.

    Args:
        chance: What decides.
        seller: Where.
        created: When it was placed.
    """
    level = chance.choices(tuple(LEVELS), tuple(LEVELS.values()))[0]
    order: Document = {
        "orderId": f"{chance.choice((111, 112, 113, 114))}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}",
        "createdTime": amazon_time(created),
        "lastUpdatedTime": amazon_time(created + PAYMENT),
        "programs": [],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": seller.marketplace.marketplace_id,
            "marketplaceName": seller.market.domain.removeprefix("www.").capitalize(),
        },
        "buyer": {
            "buyerName": buyer_name(chance),
            "buyerEmail": f"test{chance.randrange(16**10):010x}@marketplace.example.com",
        },
        "recipient": {"deliveryAddress": _address(chance, seller)},
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "orderItems": [],
    }
    promise(order, seller, created, level)
    items = build_catalogue().sold_as_they_are
    for item in chance.sample(items, chance.choice(LINES)):
        add_item(chance, order, seller, item.sku, chance.choice(UNITS))
    return order


def add_item(chance: Random, order: Document, seller: Seller, seller_sku: str, units: int) -> Document:
    """Add an order item.

    Args:
        chance: What decides on its id.
        order: What to add it to.
        seller: For the currency.
        seller_sku: A SKU of the catalogue, as Amazon knows it.
        units: How many.

    Returns:
        The item, to be changed further.
    """
    asin, title, cents = OFFERS[seller_sku]
    item: Document = {
        "orderItemId": f"{chance.randrange(10**13, 10**14)}",
        "quantityOrdered": units,
        "product": {
            "asin": asin,
            "title": title,
            "sellerSku": seller_sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": money(seller.market, cents)},
        },
        "proceeds": {
            "proceedsTotal": money(seller.market, cents * units),
            "breakdowns": [{"type": "ITEM", "subtotal": money(seller.market, cents * units)}],
        },
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": units},
    }
    order["orderItems"].append(item)
    return item


def promise(order: Document, seller: Seller, created: datetime, level: str, handling_days: int = 1) -> None:
    """Set the service level, and the windows that go with it.

    Args:
        order: What to set it on.
        seller: For the time zone.
        created: When it was placed; in the afternoon the next day counts.
        level: Amazon's fulfillmentServiceLevel.
        handling_days: Working days until it must be shipped.
    """
    local = created.astimezone(seller.zone)
    first = local.date() if local.hour < CUT_OFF_HOUR else local.date() + timedelta(days=1)
    ship = _working_days_after(first, handling_days)
    deliver = _working_days_after(ship, TRANSIT_DAYS.get(level, 1))
    order["fulfillment"] |= {
        "fulfillmentServiceLevel": level,
        "shipByWindow": _window(seller, _working_days_after(first, 0), ship),
        "deliverByWindow": _window(seller, _working_days_after(ship, 1), deliver),
    }


def money(market: Market, cents: float) -> Document:
    """An amount of US cents in a marketplace's currency."""
    amount = round(cents * market.rate) / 10**market.decimals
    return {"amount": f"{amount:.{market.decimals}f}", "currencyCode": market.currency}


def buyer_name(chance: Random) -> str:
    """A name in some script, or one with a number."""
    return chance.choice(BUYERS) if chance.random() < 1 / 3 else f"Test Buyer {chance.randrange(10_000)}"


def set_totals(order: Document, seller: Seller) -> None:
    """Compute what the order brings from what its items do; the last thing before it is done.

    Args:
        order: What to set it on.
        seller: For the currency.
    """
    total = sum(
        float(item["proceeds"]["proceedsTotal"]["amount"]) for item in order["orderItems"] if "proceeds" in item
    )
    amount = {"amount": f"{total:.{seller.market.decimals}f}", "currencyCode": seller.market.currency}
    order["proceeds"] = {"grandTotal": amount, "breakdowns": [{"type": "ITEM", "subtotal": amount}]}
    if not order["programs"]:
        del order["programs"]


def _address(chance: Random, seller: Seller) -> Document:
    place = chance.choice(seller.market.places)
    street = place.street.format(chance.randrange(1, 999))
    address = {
        "name": buyer_name(chance),
        "addressLine1": street,
        "addressLine2": chance.choice(("", "", "", f"Unit {chance.randrange(1, 60)}")),
        "city": place.city,
        "districtOrCounty": place.district,
        "stateOrRegion": place.state,
        "postalCode": place.postal_code,
        "countryCode": seller.marketplace.country_code,
        "phone": "".join(str(chance.randrange(10)) if sign == "#" else sign for sign in seller.market.phone),
        "addressType": chance.choice(("RESIDENTIAL", "RESIDENTIAL", "RESIDENTIAL", "COMMERCIAL")),
    }
    filled: Document = {name: value for name, value in address.items() if value}
    if seller.marketplace.name == "BR":
        name, number = street.rsplit(", ", 1)
        filled["extendedFields"] = {"streetName": name, "streetNumber": number, "neighborhood": "Centro"}
    return filled


def _working_days_after(day: date, days: int) -> date:
    while days > 0 or day.weekday() >= SATURDAY:
        day += timedelta(days=1)
        days -= day.weekday() < SATURDAY
    return day


def _window(seller: Seller, first: date, last: date) -> Document:
    return {
        "earliestDateTime": _ends_of_day(seller.zone, first)[0],
        "latestDateTime": _ends_of_day(seller.zone, last)[1],
    }


@cache  # a thousand orders share a handful of days
def _ends_of_day(zone: ZoneInfo, day: date) -> tuple[str, str]:
    opens, closes = datetime.combine(day, time(), zone), datetime.combine(day, time(23, 59, 59), zone)
    return amazon_time(opens), amazon_time(closes)


def _offers() -> dict[str, tuple[str, str, int]]:
    catalogue = build_catalogue()
    prices = {item.sku: item.cents for item in catalogue.items}
    offers = {item.sku: (item.asin, item.title, item.cents) for item in catalogue.items}
    for number, alias in enumerate((*catalogue.aliases, *catalogue.kits)):
        cents = sum(prices[sku] * units for sku, units in alias.components)
        offers[alias.seller_sku] = (f"B1{number:08d}", alias.title, cents)
    return offers


OFFERS = _offers()
"""Everything on sale at Amazon: seller SKU to ASIN, title and price in US cents."""

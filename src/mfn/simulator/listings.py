"""The seller's listings: what they contain, and what a patch does to it.

How patches work: Amazon's model listingsItems_2021-08-01.json of 2026-07-30 and documentation "Merge a listing".
"""

from __future__ import annotations

import copy
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.drafts import OFFERS, money
from mfn.simulator.markets import MARKETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.amazon.marketplaces import Marketplace

AVAILABILITY = "fulfillment_availability"
CHANNEL = "fulfillment_channel_code"
MERCHANT_CHANNEL = "DEFAULT"
PREFIX = "/attributes/"
FIRST_QUANTITY = 20
LEAD_DAYS = 2


@dataclass
class Listing:
    """One SKU in one marketplace.

    Attributes:
        sku: The seller SKU.
        asin: Amazon's number.
        title: What it is called.
        marketplace_id: Where.
        attributes: As Amazon keeps them, by name.
        created: When it was made.
        updated: When it last changed.
        fn_sku: What Amazon's own warehouses call it; empty where they have never had it.
    """

    sku: str
    asin: str
    title: str
    marketplace_id: str
    attributes: dict[str, list[dict[str, Any]]]
    created: datetime
    updated: datetime
    fn_sku: str = ""

    @property
    def quantity(self) -> int:
        """What the seller has on offer from the own warehouse."""
        entries = self.attributes.get(AVAILABILITY, [])
        return next((entry.get("quantity", 0) for entry in entries if entry[CHANNEL] == MERCHANT_CHANNEL), 0)


class Listings:
    """Every listing of the seller, by marketplace and SKU.

    Args:
        marketplaces: Where the seller takes part.
        now: When they were made.
    """

    def __init__(self, marketplaces: Sequence[Marketplace], now: datetime) -> None:
        self._listings: dict[tuple[str, str], Listing] = {}
        for place in marketplaces:
            for sku, (asin, title, cents) in OFFERS.items():
                self.add(place, sku, asin=asin, title=title, cents=cents, now=now)
            for offer in build_catalogue().fulfilled_by_amazon:
                self.add(
                    place,
                    offer.seller_sku,
                    asin=offer.asin,
                    title=offer.title,
                    cents=offer.cents,
                    channel=amazons_channel(place),
                    now=now,
                )

    def add(
        self,
        place: Marketplace,
        sku: str,
        *,
        now: datetime,
        channel: str = MERCHANT_CHANNEL,
        quantity: int = FIRST_QUANTITY,
        asin: str = "B0TEST0000",
        title: str = "Test item",
        cents: int = 1000,
    ) -> Listing:
        """List one more SKU, or the same one again.

        Args:
            place: Where.
            sku: The seller SKU.
            now: When.
            channel: `DEFAULT`, or one of Amazon's own; empty for none, and no quantity, yet.
            quantity: What the seller has on offer; Amazon's own quantities are not shown.
            asin: Amazon's number.
            title: What it is called.
            cents: Its price in US cents.
        """
        own = {"quantity": quantity, "lead_time_to_ship_max_days": LEAD_DAYS} if channel == MERCHANT_CHANNEL else {}
        listing = Listing(
            sku=sku,
            asin=asin,
            title=title,
            marketplace_id=place.marketplace_id,
            attributes={
                AVAILABILITY: [{CHANNEL: channel, **own}] if channel else [],
                "list_price": [_price(place, cents)],
            },
            created=now,
            updated=now,
            fn_sku=f"X0{zlib.crc32(sku.encode()):08X}" if channel not in {"", MERCHANT_CHANNEL} else "",
        )
        self._listings[place.marketplace_id, sku] = listing
        return listing

    def remove(self, marketplace_id: str, sku: str) -> None:
        """Take a listing away, as a seller does who deletes it."""
        del self._listings[marketplace_id, sku]

    def find(self, marketplace_id: str, sku: str) -> Listing | None:
        """The listing of a SKU in a marketplace; None where there is none."""
        return self._listings.get((marketplace_id, sku))

    def within(self, marketplace_ids: Sequence[str]) -> list[Listing]:
        """Every listing in some marketplaces."""
        return [listing for listing in self._listings.values() if listing.marketplace_id in marketplace_ids]

    def sell(self, marketplace_id: str, sku: str, units: int, now: datetime) -> None:
        """Lower what is on offer, as a checkout does at once.

        Args:
            marketplace_id: Where.
            sku: What.
            units: How many.
            now: When.
        """
        listing = self._listings[marketplace_id, sku]
        for entry in listing.attributes[AVAILABILITY]:
            if entry[CHANNEL] == MERCHANT_CHANNEL:
                entry["quantity"] = max(0, entry["quantity"] - units)
        listing.updated = now


def amazons_channel(place: Marketplace) -> str:
    """Amazon's code for its own warehouses in a marketplace."""
    return "AMAZON_JP" if place.name == "JP" else f"AMAZON_{place.region.upper()}"


def patch_faults(patches: list[dict[str, Any]]) -> list[str]:
    """What Amazon would not accept in a patch, in words; empty for a good one.

    Args:
        patches: Operations, each with `op`, `path` and `value`.
    """
    faults = []
    for patch in patches:
        path = str(patch.get("path", ""))
        if not path.startswith(PREFIX):
            faults.append(f"The path {path} does not begin with {PREFIX}.")
        elif patch.get("op") != "delete" and path.removeprefix(PREFIX) == AVAILABILITY:
            faults += [fault for entry in patch.get("value") or [{}] for fault in _entry_faults(entry)]
    return faults


def _entry_faults(entry: dict[str, Any]) -> list[str]:
    faults = []
    if not entry.get(CHANNEL):
        faults.append(f"'{CHANNEL}' is required but missing.")
    quantity = entry.get("quantity")
    if quantity is None and "lead_time_to_ship_max_days" in entry:
        faults.append("'lead_time_to_ship_max_days' cannot be changed without 'quantity'.")
    elif not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
        faults.append(f"'quantity' must be a whole number from 0, not {quantity}.")
    return faults


def apply_patches(listing: Listing, patches: list[dict[str, Any]], now: datetime) -> None:
    """Change a listing.

    `merge` changes what is named within the entry of the same channel and leaves the rest; `add` and `replace` put
    the new value in place of the old one, so that a lead time which is not repeated is gone.

    Args:
        listing: What to change.
        patches: Operations without faults.
        now: When.
    """
    for patch in patches:
        name, value = patch["path"].removeprefix(PREFIX), copy.deepcopy(patch.get("value") or [])
        if patch["op"] == "delete":
            listing.attributes.pop(name, None)
        elif patch["op"] == "merge":
            listing.attributes[name] = _merged(listing.attributes.get(name, []), value)
        else:
            listing.attributes[name] = value
    listing.updated = now


def _merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    merged = {entry.get(CHANNEL, ""): entry for entry in old}
    for entry in new:
        channel = entry.get(CHANNEL, "")
        merged[channel] = merged.get(channel, {}) | entry
    return list(merged.values())


def _price(place: Marketplace, cents: int) -> dict[str, Any]:
    amount = money(MARKETS[place.name], cents)
    return {"value": float(amount["amount"]), "currency": amount["currencyCode"]}

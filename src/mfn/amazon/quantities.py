"""What is sent to Amazon about a listing's quantity, one by one or in a feed.

Fields: Amazon's models listingsItems_2021-08-01.json of 2026-07-30 (ListingsItemPatchRequest) and
listings-feed-schema-v2.json of 2026-01-22. Only `merge` leaves the seller's handling time and restock date as they are
(documentation "Merge a listing", since June 2025), and only with the channel named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

FEED_VERSION = "2.0"
MOST_MESSAGES = 25_000
"""The most messages in a feed. Source: listings-feed-schema-v2.json."""

MOST_SHOWN = 2**31 - 1
"""No listing offers more units than that: a larger number is not a quantity."""

MERCHANT_CHANNEL = "DEFAULT"
"""Amazon's code for what the seller's own warehouse fulfils."""


def patch_of(quantity: int) -> dict[str, Any]:
    """The body of patchListingsItem, which a message of a feed contains too.

    Args:
        quantity: Units on offer, from 0.
    """
    availability = {"fulfillment_channel_code": MERCHANT_CHANNEL, "quantity": quantity}
    return {
        "productType": "PRODUCT",
        "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [availability]}],
    }


def feed_of(seller_id: str, levels: Sequence[tuple[str, int]]) -> bytes:
    """The document of a JSON_LISTINGS_FEED in UTF-8.

    Args:
        seller_id: Whose listings.
        levels: Seller SKUs, each once, and their units on offer; the message ids count them from 1.
    """
    messages = [
        {"messageId": number, "sku": sku, "operationType": "PATCH", **patch_of(quantity)}
        for number, (sku, quantity) in enumerate(levels, start=1)
    ]
    return msgspec.json.encode({"header": {"sellerId": seller_id, "version": FEED_VERSION}, "messages": messages})

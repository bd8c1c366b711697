"""Every order of the local Amazon, found by time, and encoded once for each set of data that is requested.

Which data set brings which fields: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from mfn.simulator.clock import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

ORDER_FIELDS = {
    "buyer": "BUYER",
    "recipient": "RECIPIENT",
    "proceeds": "PROCEEDS",
    "fulfillment": "FULFILLMENT",
    "packages": "PACKAGES",
    "tax": "TAX",
    "payment": "PAYMENT",
    "fulfillmentOrders": "FULFILLMENT_ORDERS",
}
ITEM_FIELDS = {
    "proceeds": "PROCEEDS",
    "expense": "EXPENSE",
    "promotion": "PROMOTION",
    "cancellation": "CANCELLATION",
    "fulfillment": "FULFILLMENT",
    "tax": "TAX",
}
DATA_SETS = frozenset({*ORDER_FIELDS.values(), *ITEM_FIELDS.values()})

Family = Literal["created", "lastUpdated"]
Cursor = tuple[float, str]
"""Where a page ended: the time in seconds since 1970, and the order id."""


@dataclass(frozen=True)
class Search:
    """What a search asks for.

    Attributes:
        family: By which time.
        after: From, inclusive.
        before: Until, inclusive.
        statuses: Only these; empty for all.
        fulfilled_by: Only these; empty for all.
        marketplace_ids: Only these; empty for all.
    """

    family: Family
    after: datetime
    before: datetime
    statuses: frozenset[str]
    fulfilled_by: frozenset[str]
    marketplace_ids: frozenset[str]


@dataclass(slots=True)
class _Entry:
    raw: bytes
    times: dict[Family, float]
    status: str | None
    fulfilled_by: str | None
    marketplace_id: str | None
    encoded: dict[frozenset[str], bytes] = field(default_factory=dict)

    def answers(self, search: Search) -> bool:
        return (
            (not search.statuses or self.status in search.statuses)
            and (not search.fulfilled_by or self.fulfilled_by in search.fulfilled_by)
            and (not search.marketplace_ids or self.marketplace_id in search.marketplace_ids)
        )


class OrderBook:
    """The orders of one seller account.

    Args:
        on_change: Told every order that is put in, as it is then.

    Attributes:
        left_out: Orders that a search by the one time or the other does not return, as happens at Amazon; getOrder
            knows them.
    """

    def __init__(self, on_change: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._on_change = on_change
        self.left_out: dict[Family, set[str]] = {"created": set(), "lastUpdated": set()}
        self._entries: dict[str, _Entry] = {}
        self._index: dict[Family, list[Cursor]] = {"created": [], "lastUpdated": []}

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, documents: Iterable[dict[str, Any]]) -> None:
        """Take in many new orders at once.

        Args:
            documents: Orders with all their data, in Amazon's form.
        """
        for document in documents:
            self._entries[document["orderId"]] = _entry(document)
        for family, index in self._index.items():
            index[:] = sorted((entry.times[family], order_id) for order_id, entry in self._entries.items())

    def put(self, document: dict[str, Any]) -> None:
        """Take in an order, or put it in place of the one with its id; its `lastUpdatedTime` says when that happened.

        Args:
            document: The order with all its data, in Amazon's form; it need not be well-formed.
        """
        order_id = document["orderId"]
        former = self._entries.get(order_id)
        entry = self._entries[order_id] = _entry(document)
        for family, index in self._index.items():
            if former is not None:
                del index[bisect_left(index, (former.times[family], order_id))]
            insort(index, (entry.times[family], order_id))
        if self._on_change is not None:
            self._on_change(document)

    def remove(self, order_id: str) -> None:
        """Forget an order: nobody knows it any more.

        Raises:
            KeyError: There is none with this id.
        """
        entry = self._entries.pop(order_id)
        for family, index in self._index.items():
            del index[bisect_left(index, (entry.times[family], order_id))]

    def get(self, order_id: str) -> dict[str, Any]:
        """An order with all its data; changing what is returned changes nothing here.

        Raises:
            KeyError: There is none with this id.
        """
        document: dict[str, Any] = msgspec.json.decode(self._entries[order_id].raw)
        return document

    def ids(self) -> list[str]:
        """Every order id, in the order of entry."""
        return list(self._entries)

    def encoded(self, order_id: str, included: frozenset[str]) -> bytes:
        """An order as JSON, with the requested data and no other.

        Args:
            order_id: Which order.
            included: Data sets.

        Raises:
            KeyError: There is none with this id.
        """
        entry = self._entries[order_id]
        if included not in entry.encoded:
            entry.encoded[included] = msgspec.json.encode(_reduced(msgspec.json.decode(entry.raw), included))
        return entry.encoded[included]

    def search(self, search: Search, cursor: Cursor | None, limit: int) -> tuple[list[str], Cursor | None]:
        """One page.

        Args:
            search: What is requested.
            cursor: Where the page before ended; None for the first one.
            limit: How many orders at most.

        Returns:
            Order ids, oldest first, and where the next page continues; None where this was the last one.
        """
        index, left_out = self._index[search.family], self.left_out[search.family]
        start = bisect_right(index, cursor) if cursor else bisect_left(index, (search.after.timestamp(), ""))
        end = search.before.timestamp()
        found: list[str] = []
        last: Cursor | None = None
        for position in range(start, len(index)):
            key = index[position]
            if key[0] > end:
                break
            if key[1] not in left_out and self._entries[key[1]].answers(search):
                if len(found) == limit:
                    return found, last
                found.append(key[1])
                last = key
        return found, None


def _entry(document: dict[str, Any]) -> _Entry:
    fulfillment = document.get("fulfillment") or {}
    return _Entry(
        raw=msgspec.json.encode(document),
        times={
            "created": parse_time(document["createdTime"]).timestamp(),
            "lastUpdated": parse_time(document["lastUpdatedTime"]).timestamp(),
        },
        status=fulfillment.get("fulfillmentStatus"),
        fulfilled_by=fulfillment.get("fulfilledBy"),
        marketplace_id=document["salesChannel"].get("marketplaceId"),
    )


def _reduced(document: dict[str, Any], included: frozenset[str]) -> dict[str, Any]:
    items = [
        {name: value for name, value in item.items() if ITEM_FIELDS.get(name) in included or name not in ITEM_FIELDS}
        for item in document["orderItems"]
    ]
    kept = {
        name: value
        for name, value in document.items()
        if ORDER_FIELDS.get(name) in included or name not in ORDER_FIELDS
    }
    return kept | {"orderItems": items}

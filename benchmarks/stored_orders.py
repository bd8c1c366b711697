"""Orders in a file, so that a million of them take no memory beside what is measured.

One order a line, as Amazon answers it to what the connection asks for. A local Amazon serves the file page by page
(`StoredOrders`); what needs no HTTP reads the same pages from it (`stored_pages`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from benchmarks.floor import QUERY
from mfn.amazon.marketplaces import find_marketplace
from mfn.simulator.generator import generate_day
from mfn.simulator.orderbook import OrderBook, Search
from mfn.simulator.server import DEMO_MARKETPLACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.simulator.orderbook import Cursor

SEED = 1
AT_ONCE = 10_000
PAGE = 100
WEEK = timedelta(days=7)


def store_orders(path: Path, orders: int) -> int:
    """Make a day of orders, and write down those that a search of the connection returns.

    Args:
        path: The file, which is overwritten.
        orders: How many Amazon has; about three of a hundred are fulfilled by Amazon, and never returned.

    Returns:
        How many a search returns.
    """
    now = datetime.now(UTC)
    markets = [market for name in DEMO_MARKETPLACES if (market := find_marketplace(name)) is not None]
    made = generate_day(orders, seed=SEED, start=now, marketplaces=markets)
    search = Search(
        family="lastUpdated",
        after=now - WEEK,
        before=now,
        statuses=frozenset(QUERY["fulfillmentStatuses"].split(",")),
        fulfilled_by=frozenset(QUERY["fulfilledBy"].split(",")),
        marketplace_ids=frozenset(QUERY["marketplaceIds"].split(",")),
    )
    included = frozenset(QUERY["includedData"].split(","))
    seen: set[str] = set()
    with path.open("wb") as file:
        while some := list(islice(made, AT_ONCE)):
            book = OrderBook()
            book.load(order.document for order in some)
            # Ids are drawn by chance, and of a million a few would be drawn twice.
            found = [one for one in book.search(search, None, AT_ONCE)[0] if one not in seen]
            seen.update(found)
            file.writelines(book.encoded(order_id, included) + b"\n" for order_id in found)
    return len(seen)


def stored_pages(path: Path) -> Iterator[bytes]:
    """The pages that searchOrders would answer, one after the other.

    Args:
        path: What `store_orders` wrote.
    """
    with path.open("rb") as file:
        while lines := list(islice(file, PAGE)):
            yield b'{"orders":[' + b",".join(lines) + b"]}"


def first_stored(path: Path) -> str:
    """The id of the first order of a file."""
    with path.open("rb") as file:
        return str(msgspec.json.decode(file.readline())["orderId"])


class StoredOrders(OrderBook):
    """The orders of a file, in its order, whatever a search asks for; nothing of them is kept in memory.

    A search calls them by their places in the file; getOrder knows the first one only.

    Args:
        path: What `store_orders` wrote.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._first = first_stored(path)

    def __contains__(self, order_id: object) -> bool:
        return order_id == self._first

    def search(self, search: Search, cursor: Cursor | None, limit: int) -> tuple[list[str], Cursor | None]:  # noqa: ARG002 - every order of the file answers
        """One page: the places of its orders, and where the next one begins."""
        self._file.seek(int(cursor[0]) if cursor else 0)
        found: list[str] = []
        for _ in range(limit):
            place = self._file.tell()
            if not self._file.readline():
                return found, None
            found.append(str(place))
        end = self._file.tell()
        return found, (float(end), "") if self._file.read(1) else None

    def encoded(self, order_id: str, included: frozenset[str]) -> bytes:  # noqa: ARG002 - what was asked for is what was stored
        """The order at a place, or the first one by its id."""
        self._file.seek(0 if order_id == self._first else int(order_id))
        return self._file.readline().rstrip(b"\n")

"""The state of the local Amazon: one seller account in one region, and the calls that it has received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mfn.simulator.access import AccessTokens
from mfn.simulator.clock import Agenda, Clock, amazon_time
from mfn.simulator.documents import Documents
from mfn.simulator.faults import Faults
from mfn.simulator.feeds import Feeds
from mfn.simulator.generator import GeneratedOrder, checkout_order
from mfn.simulator.listings import Listings
from mfn.simulator.order_changes import order_change
from mfn.simulator.orderbook import OrderBook
from mfn.simulator.plans import UsagePlans
from mfn.simulator.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from mfn.amazon.marketplaces import Marketplace
PENDING_FOR = timedelta(minutes=30)
"""How long a payment takes at the speed of 1."""


@dataclass(frozen=True)
class Call:
    """One request that was answered, or was to be.

    Attributes:
        operation: Amazon's name.
        query: The query string as it came.
        status: The HTTP status that was meant; 0 where the connection was dropped or left hanging before the deed.
    """

    operation: str
    query: str
    status: int


class LocalAmazon:
    """One seller account in one region.

    Args:
        seller_id: The seller's id.
        marketplaces: Where the seller takes part.
        clock: Where time comes from.
        speed: What the rates of the usage plans and the pace of feeds, reports and patches are multiplied with.
        life_speed: What the pace of the orders' own life, from PENDING to UNSHIPPED, is multiplied with.

    Attributes:
        orders: The orders.
        listings: What the seller offers.
        documents: The documents of feeds and reports.
        feeds: What the seller has handed in.
        reports: What the seller has ordered.
        faults: What is to go wrong.
        calls: Every request so far, in order.
        sells_in: Where the seller takes part, as Amazon shows it; at first the marketplaces.
        suspended: Ids of marketplaces in which the seller's listings are suspended.
        accepted_carriers: The carrier codes that Amazon takes, to the letter; None for any.
        notify: Given an ORDER_CHANGE notification whenever an order changes, or a new one comes; None: nobody has
            subscribed to them. The day's orders count as notified.
    """

    def __init__(
        self,
        *,
        seller_id: str,
        marketplaces: Sequence[Marketplace],
        clock: Clock,
        speed: float = 1.0,
        life_speed: float = 1.0,
    ) -> None:
        self.seller_id = seller_id
        self.marketplaces = tuple(marketplaces)
        self.clock = clock
        self.agenda = Agenda(clock)
        self.speed = speed
        self.life_speed = life_speed
        self.plans = UsagePlans(clock, speed)
        self.access = AccessTokens()
        self.faults = Faults()
        self.orders = OrderBook(on_change=self._notify)
        self.listings = Listings(self.marketplaces, clock.now())
        self.documents = Documents()
        self.feeds = Feeds(
            self.listings, self.documents, self.faults, seller_id=seller_id, agenda=self.agenda, speed=speed
        )
        self.reports = Reports(self.listings, self.documents, self.faults, agenda=self.agenda, speed=speed)
        self.calls: list[Call] = []
        self.sells_in = self.marketplaces
        self.suspended: set[str] = set()
        self.accepted_carriers: frozenset[str] | None = None
        self.notify: Callable[[dict[str, Any]], None] | None = None

    def _notify(self, order: dict[str, Any]) -> None:
        if self.notify is not None:
            self.notify(order_change(order, seller_id=self.seller_id, at=self.clock.now()))

    def note(self, operation: str, query: str, status: int) -> None:
        """Remember a request; see `Call`."""
        self.calls.append(Call(operation, query, status))

    def open_day(self, orders: Iterable[GeneratedOrder]) -> None:
        """Take in a day's orders; the pending ones become unshipped half an hour from now, at the pace of life.

        Args:
            orders: As the generator makes them.
        """
        pending: list[GeneratedOrder] = []

        def remembered() -> Iterable[dict[str, object]]:
            for order in orders:
                if order.once_paid is not None:
                    pending.append(order)
                yield order.document

        self.orders.load(remembered())
        for order in pending:
            self._pay_later(order)

    def check_out(self, marketplace: Marketplace, seller_sku: str, units: int = 1) -> str:
        """Let a buyer check out: what is on offer goes down at once, and the order is pending until it is paid.

        Args:
            marketplace: Where.
            seller_sku: A SKU of the catalogue, as Amazon knows it.
            units: How many.

        Returns:
            The order id.
        """
        now = self.clock.now()
        order = checkout_order(
            seed=f"checkout:{len(self.orders)}",
            marketplace=marketplace,
            seller_sku=seller_sku,
            units=units,
            created=now,
        )
        self.listings.sell(marketplace.marketplace_id, seller_sku, units, now)
        self.orders.put(order.document)
        self._pay_later(order)
        return str(order.document["orderId"])

    def _pay_later(self, order: GeneratedOrder) -> None:
        def pay(due: datetime) -> None:
            if order.once_paid is not None:
                self.orders.put(order.once_paid | {"lastUpdatedTime": amazon_time(due)})

        self.agenda.at(self.clock.now() + PENDING_FOR / self.life_speed, pay)

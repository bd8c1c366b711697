"""A day of buyers, a warehouse and runs, one step after the other in any order, and what must hold after each of them.

An offer may show no more than the last level that landed knew to be there, less what it has sold that this level did
not know from an import. But for one thing: what is bought after Amazon was read and before the level that was computed
from that has landed, that level wipes out. So many units may be offered again, until all orders of the offer so far are
imported.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mfn.steps.report import report
from mfn.steps.runs import import_parameters, inventory_parameters, new_run
from mfn.steps.stages import STEPS, perform
from tests.stock_oracle import Limits, Promise, Shelves, components_of
from tests.stock_world import CA, US

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from random import Random

    from mfn.models import BatchRef
    from tests.stock_world import Stock

PLACES = {"us": US, "ca": CA}
ALIASES = (
    ("", "", "AMZ-LAMP", "LAMP", 1),
    ("us", "", "BREAKFAST", "PLATE", 2),
    ("us", "", "BREAKFAST", "BOWL", 1),
    ("", "", "FEAST", "PLATE", 1),
    ("", "", "FEAST", "GLASS", 4),
    ("", "CA", "JUG", "KRUG", 1),
    ("", "", "SIX-FORKS", "FORK", 6),
)
OFFERS = {
    "us": ("VASE", "LAMP", "AMZ-LAMP", "PLATE", "BREAKFAST", "FEAST", "JUG", "SIX-FORKS", "SPOON", "00123"),
    "ca": ("JUG", "FEAST", "SPOON", "KNIFE"),
}
ALONE = {("us", "VASE"), ("us", "JUG"), ("us", "SIX-FORKS"), ("us", "00123"), ("ca", "JUG"), ("ca", "KNIFE")}
"""Offers whose stock no other one sells."""

Offer = tuple[str, str]
"""Connection and seller SKU."""


@dataclass
class Sale:
    """One order.

    Attributes:
        order_id: Amazon's.
        offer: What was bought.
        units: How many of it.
        stage: `pending`, `paid`, `begun`, `shipped` or `cancelled`.
        is_wiped: Whether a level wiped it out that was on its way by then.
    """

    order_id: str
    offer: Offer
    units: int
    stage: str = "pending"
    is_wiped: bool = False


@dataclass
class Known:
    """What a run knew of the world when it read it.

    Attributes:
        shelves: The warehouse.
        accepted: The orders that imports had brought.
        sales: How many orders there were.
    """

    shelves: Shelves
    accepted: frozenset[str]
    sales: int


@dataclass
class Day:
    """One day.

    Attributes:
        stock: The world.
        chance: What decides.
        notes_it: Whether the warehouse fills `allocated_at`.
        limits: What every connection keeps back.
        hurry: How likely somebody buys right after a call to Amazon.
    """

    stock: Stock
    chance: Random
    notes_it: bool
    limits: Limits = field(default_factory=Limits)
    hurry: float = 0
    sales: list[Sale] = field(default_factory=list)
    landed: dict[Offer, Known] = field(default_factory=dict)
    read: dict[str, Known] = field(default_factory=dict)
    flying: Counter[Offer] = field(default_factory=Counter)
    looked_at: int = 0
    had: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)

    def set_up(self) -> None:
        """Fill the shelves and list the offers, with nothing on offer yet."""
        self.stock.write_aliases(*ALIASES)
        skus = {sku for offer in self.offers() for sku, _ in self.parts(offer)}
        self.stock.world.forget_items()
        self.stock.world.add_items(*sorted(skus))
        for sku in sorted(skus):
            units = self.chance.choice((0, 3, 8, 20, 40))
            self.had[sku] = units
            self.stock.receive(sku, units)
        for name, sku in self.offers():
            self.stock.list_offer(sku, place=PLACES[name])
        self._watch()

    def _watch(self) -> None:
        """Know of every level that is on its way, and when it lands; buyers may come after any call."""
        amazon = self.stock.world.amazon
        agree, note = amazon.agenda.at, amazon.note
        names = {place.marketplace_id: name for name, place in PLACES.items()}

        def agreeing(due: datetime, action: Any) -> None:
            listing = action.args[0]
            offer = (names[listing.marketplace_id], listing.sku)
            known, since = self.read[offer[0]], self.looked_at if self.hurry else len(self.sales)
            self.flying[offer] += 1

            def landing(at: datetime) -> None:
                action(at)
                self.flying[offer] -= 1
                for sale in self.sales[since:]:
                    sale.is_wiped |= sale.offer == offer
                self._has_landed(offer, known)

            agree(due, landing)

        def noting(operation: str, query: str, status: int) -> None:
            note(operation, query, status)
            if operation == "searchListingsItems":
                self.looked_at = len(self.sales)
            if self.hurry and self.chance.random() < self.hurry:
                self.somebody_buys()

        watched: Any = amazon
        watched.agenda.at, watched.note = agreeing, noting

    def _has_landed(self, offer: Offer, known: Known) -> None:
        self.landed[offer] = known
        so_far = [sale for sale in self.sales[: known.sales] if sale.offer == offer and sale.stage != "cancelled"]
        if all(sale.order_id in known.accepted for sale in so_far):
            for sale in so_far:
                sale.is_wiped = False

    def offers(self) -> list[Offer]:
        """Every offer."""
        return [(name, sku) for name, skus in OFFERS.items() for sku in skus]

    def parts(self, offer: Offer) -> list[tuple[str, int]]:
        """What an offer is made of."""
        columns = ("connection", "marketplace", "seller_sku", "warehouse_sku", "units")
        rows = [dict(zip(columns, row, strict=True)) for row in ALIASES]
        return components_of(offer[1], rows, connection=offer[0], marketplace=PLACES[offer[0]].name)

    def shown(self, offer: Offer) -> int:
        """What Amazon has on offer."""
        return self.stock.shown(offer[1], PLACES[offer[0]])

    def buy(self, offer: Offer, units: int) -> None:
        """Somebody buys."""
        order_id = self.stock.check_out(offer[1], units, place=PLACES[offer[0]])
        self.sales.append(Sale(order_id, offer, units))
        self.log.append(f"{order_id} buys {units} {offer}")

    def accepted(self) -> frozenset[str]:
        """The orders of which the ledger has noted what is promised to them."""
        return frozenset(promise.order_number for promise in self.stock.shelves().promises)

    def knowledge(self) -> Known:
        """What is to be known now: the warehouse, and the orders that imports have brought."""
        accepted = self.accepted()
        promises = [
            Promise(sale.order_id, sku, units * sale.units)
            for sale in self.sales
            if sale.order_id in accepted and sale.stage != "cancelled"
            for sku, units in self.parts(sale.offer)
        ]
        shelves = self.stock.shelves()
        whole = Shelves(shelves.inventory, shelves.orders, shelves.items, promises)
        return Known(whole, accepted, len(self.sales))

    def check(self, after: str) -> None:
        """Nothing is on offer that is not there."""
        for offer in self.offers():
            shown, known = self.shown(offer), self.landed.get(offer)
            if known is None:
                continue
            parts = self.parts(offer)
            level = known.shelves.level(parts, self.limits)
            own = [sale for sale in self.sales if sale.offer == offer and sale.stage != "cancelled"]
            unknown = sum(sale.units for sale in own if sale.order_id not in known.accepted)
            wiped = sum(sale.units for sale in self.sales if sale.offer == offer and sale.is_wiped)
            whole = known.shelves.level(parts, replace(self.limits, minimum_units=0, maximum_units=None))
            at_most = min(level, max(0, whole - max(0, unknown - wiped)))
            assert shown <= at_most, (after, offer, shown, at_most, self.log[-30:])

    def check_sold(self) -> None:
        """Of what only one offer sells, no more was sold than the warehouse ever had."""
        for offer in ALONE:
            ((sku, units),) = self.parts(offer)
            sold = sum(sale.units for sale in self.sales if sale.offer == offer and sale.stage != "cancelled")
            assert sold * units <= self.had[sku], (offer, sold, self.had[sku], self.log)

    def something_happens(self) -> None:
        """Buyers buy, pay and cancel; the warehouse receives, begins and ships."""
        for _ in range(self.chance.randrange(4)):
            self.somebody_buys()
        accepted = self.accepted()
        for sale in self.sales:
            if sale.order_id in accepted and self.chance.random() < 0.3:
                self._moves_on(sale)
        if self.chance.random() < 0.2:
            sku, units = self.chance.choice(sorted(self.had)), self.chance.choice((1, 6, 12))
            self.stock.move(sku, on_hand=units)
            self.had[sku] += units
            self.log.append(f"{units} {sku} arrive")

    def somebody_buys(self) -> None:
        """Somebody buys something that is on offer."""
        offer = self.chance.choice(self.offers())
        if shown := self.shown(offer):
            self.buy(offer, min(shown, self.chance.choice((1, 1, 2, 5, shown))))

    def _moves_on(self, sale: Sale) -> None:
        if sale.stage == "pending":
            sale.stage = self.chance.choice(("paid", "paid", "paid", "cancelled"))
            (self.stock.pay if sale.stage == "paid" else self.stock.cancel)(sale.order_id)
        elif sale.stage == "paid" and self.stock.can_begin(sale.order_id):
            self.stock.begin(sale.order_id, notes_it=self.notes_it)
            sale.stage = "begun"
        elif sale.stage == "begun":
            self.stock.ship(sale.order_id)
            sale.stage = "shipped"
        else:
            return
        self.log.append(f"{sale.order_id} is {sale.stage}")

    def importing(self, name: str) -> Iterator[str]:
        """An import, step by step."""
        return self._running(new_run(self.stock.world.settings, name, "import", import_parameters()))

    def pushing(self, name: str, *, full: bool = False) -> Iterator[str]:
        """A push of stock levels, step by step."""
        for stage in self._running(
            new_run(self.stock.world.settings, name, "inventory", inventory_parameters(full=full))
        ):
            if stage == "read":
                self.read[name] = self.knowledge()
            if stage == "push":
                for offer in self.offers():
                    if offer[0] == name and not self.flying[offer]:
                        self._has_landed(offer, self.read[name])
            yield stage

    def _running(self, run: AbstractContextManager[BatchRef]) -> Iterator[str]:
        settings = self.stock.world.settings
        with run as batch:
            for step in STEPS[batch.kind]:
                batch = perform(step, batch, settings)  # noqa: PLW2901 - each step gives the batch to the next
                yield step.__name__
            report(batch, settings)

    def at_once(self, *runs: Iterator[str]) -> None:
        """Runs at the same time: their steps in any order, something happening between every two of them."""
        going = list(runs)
        while going:
            self.something_happens()
            self.check("something happened")
            run = self.chance.choice(going)
            stage = next(run, None)
            if stage is None:
                going.remove(run)
            else:
                self.log.append(f"-- {stage}")
                self.check(stage)

    def one_after_the_other(self, *runs: Iterator[str]) -> None:
        """Runs, each to its end, nothing happening in between."""
        for run in runs:
            for stage in run:
                self.check(stage)

"""A day of stock: levels that fell, rose and ran out, units promised to orders, and what a buyer took just now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.warehouse.tables import wms_inventory, wms_item, wms_order
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.verdicts import Deviation, doubled, lost, wrong
from tests.steps.pushing import Pushing
from tests.stock_oracle import Limits, Promise, Shelves
from tests.stock_world import Stock
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.matrix.stage import Stage
    from tests.world import World

OPEN = {"PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED"}
HANDLING_DAYS = 2
ON_OFFER = 5
SKUS = ("BOWL", "CUP", "DISH", "FORK", "KNIFE", "LAMP", "PLATE", "VASE")
RECEIVED = {"BOWL": 0, "DISH": 6, "FORK": 24, "LAMP": 3, "PLATE": 18}
UNITS = 10


@dataclass(frozen=True)
class Known:
    """How the day began.

    Attributes:
        skus: What is on offer.
        offered: How many of each were, when the day began.
    """

    skus: tuple[str, ...]
    offered: dict[str, int]


def build(world: World) -> Known:
    """A first push, and then everything that can happen to levels."""
    stock = Stock(world)
    world.forget_items()
    world.add_items(*SKUS)
    for sku in SKUS:
        stock.receive(sku, UNITS)
        stock.list_offer(sku, ON_OFFER)
    world.put(an_order(an_item(sku="CUP", units=2)), an_order(an_item(sku="DISH"), an_item(sku="KNIFE", units=4)))
    world.run()
    pushing = Pushing(stock)
    pushing.run()
    stock.minutes_pass(20)
    for sku, units in RECEIVED.items():
        stock.receive(sku, units)
    stock.check_out("VASE", 3)
    stock.check_out("CUP", 1)
    return Known(SKUS, {sku: stock.amazon.find(_place(world), sku).quantity for sku in SKUS})


def build_for_feeds(world: World) -> Known:
    """The same, where so many levels are cheaper told by a feed."""
    known = build(world)
    Pushing(_stock(world)).make_patches_dear()
    return known


def _stock(world: World) -> Stock:
    stock = object.__new__(Stock)  # its own beginning would empty the listings
    stock.world = world
    return stock


def _place(world: World) -> str:
    return world.amazon.marketplaces[0].marketplace_id


def compare_levels(world: World, known: Known) -> Iterator[Deviation]:
    """How what Amazon has on offer differs from what may be sold.

    Args:
        world: The world.
        known: How the day began.
    """
    orders = [world.amazon.orders.get(order_id) for order_id in world.amazon.orders.ids()]
    promises = [
        Promise(order["orderId"], item["product"]["sellerSku"], item["quantityOrdered"])
        for order in orders
        if order["fulfillment"]["fulfillmentStatus"] in OPEN
        for item in order["orderItems"]
    ]
    shelves = Shelves(world.rows(wms_inventory), world.rows(wms_order), world.rows(wms_item), promises)
    world.amazon.agenda.catch_up()
    for sku in known.skus:
        listing = world.amazon.listings.find(_place(world), sku)
        assert listing is not None
        level, promised = shelves.level([(sku, 1)], Limits()), sum(p.units for p in promises if p.sku == sku)
        if listing.quantity != level:
            kind = wrong
            if listing.quantity == known.offered[sku]:
                kind = lost
            elif promised and listing.quantity == max(level - promised, 0):
                kind = doubled
            yield kind(f"{sku}: {listing.quantity} are on offer, not {level}; {known.offered[sku]} were")
        (entry,) = listing.attributes["fulfillment_availability"]
        if entry.get("lead_time_to_ship_max_days") != HANDLING_DAYS:
            yield wrong(f"{sku}: the handling time is {entry.get('lead_time_to_ship_max_days')}")


def judge(stage: Stage) -> Iterator[Deviation]:
    """How Amazon and the ledger differ from what they have to be."""
    yield from compare_levels(stage.world, stage.known)
    yield from at_rest(stage.world)

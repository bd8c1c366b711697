"""A day of parcels: some that Amazon knows of, some that the warehouse has changed since, and new ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.ledger.schema import Parcel
from mfn.warehouse.tables import wms_shipment, wms_shipment_line
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.verdicts import Deviation, doubled, lost, wrong
from tests.steps.shipping import Shipping
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.faults.matrix.stage import Stage
    from tests.world import World

OTHERS = {"Nobody's Vans"}
"""Carriers that Amazon has no code for: it is told their names."""
SENT = {"sent", "verified"}


@dataclass(frozen=True)
class Sent:
    """What Amazon has to show of one parcel."""

    tracking_number: str
    carrier: str
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Known:
    """How the day began.

    Attributes:
        orders: Amazon's orders.
        voided: Parcels that Amazon was told before the warehouse took them back: there is no way to tell it so.
        before: What the warehouse's parcels looked like when the first run told Amazon.
    """

    orders: list[str]
    voided: dict[str, Sent] = field(default_factory=dict)


def build(world: World) -> Known:
    """A first run, and then everything that can happen to parcels."""
    world.write_carriers()
    shipping = Shipping(world)
    seen, edited, voided, corrected, _, label, parts, new, *more = orders = shipping.loaded(
        *(an_order(minutes_ago=120) for _ in range(6)),
        an_order(an_item(units=3)),
        *(an_order(an_item(sku="PLATE"), an_item(sku="BOWL", units=2)) for _ in range(4)),
    )
    for shipment_id, order_id in (("SEEN", seen), ("EDITED", edited), ("VOIDED", voided)):
        shipping.ship(order_id, shipment_id=shipment_id)
    shipping.ship(corrected, shipment_id="CORRECTED", tracking_number=None)
    shipping.run()
    taken_back = due(world)[voided]
    shipping.an_hour_passes()
    shipping.warehouse.change("EDITED", carrier="FedEx", tracking_number="123456789012")
    shipping.warehouse.change("CORRECTED", tracking_number="T0000000077")
    shipping.warehouse.void("VOIDED")
    shipping.ship(label, shipment_id="LABEL", is_amazon_label=True)
    for number in range(3):
        shipping.ship(parts, shipment_id=f"PART{number}", units={1: 1})
    shipping.ship(new, shipment_id="NEW", carrier="Nobody's Vans")
    for number, order_id in enumerate(more):
        shipping.ship(order_id, shipment_id=f"MORE{number}")
    shipping.warehouse.write_parcel("111-0000000-0000000", shipment_id="STRAY", lines=[("1", "MUG-BLUE", 1)])
    return Known(orders, {voided: taken_back[0]})


def due(world: World) -> dict[str, list[Sent]]:
    """What Amazon has to show of each order, by what the warehouse has written."""
    items: dict[str, Counter[str]] = {}
    for line in world.rows(wms_shipment_line):
        items.setdefault(line["shipment_id"], Counter())[line["order_item_id"]] += line["quantity"]
    found: dict[str, list[Sent]] = {}
    for parcel in world.rows(wms_shipment):
        if parcel["status"] == "closed" and not parcel["is_amazon_label"] and parcel["tracking_number"]:
            units = tuple(sorted(items[parcel["shipment_id"]].items()))
            sent = Sent(parcel["tracking_number"], parcel["carrier"], units)
            found.setdefault(parcel["order_number"], []).append(sent)
    return found


def shown(order: Mapping[str, Any]) -> list[Sent]:
    """The parcels that Amazon has of an order."""
    return [
        Sent(
            package["trackingNumber"],
            package["carrier"],
            tuple(sorted((item["orderItemId"], item["quantity"]) for item in package["packageItems"])),
        )
        for package in order.get("packages", [])
    ]


def compare_parcels(world: World, known: Known) -> Iterator[Deviation]:
    """How the parcels that Amazon has differ from those that the warehouse has sent.

    Args:
        world: The world.
        known: How the day began.
    """
    expected = due(world)
    for order_id in known.orders:
        sent = [*expected.get(order_id, []), *([known.voided[order_id]] if order_id in known.voided else [])]
        yield from _compare(order_id, sent, shown(world.amazon.orders.get(order_id)))


def _compare(order_id: str, expected: list[Sent], sent: list[Sent]) -> Iterator[Deviation]:
    for parcel in (Counter(expected) - Counter(sent)).elements():
        same = [other for other in sent if other.tracking_number == parcel.tracking_number]
        yield (wrong if same else lost)(f"{order_id}: Amazon does not show {parcel}; it shows {same}")
    for parcel in (Counter(sent) - Counter(expected)).elements():
        is_twice = any(parcel.items == other.items for other in expected)
        yield (doubled if is_twice else wrong)(f"{order_id}: Amazon shows {parcel} too many")


def statuses(world: World) -> dict[str, str]:
    """Where every parcel stands in the ledger."""
    with world.ledger.reading() as database:
        return dict(database.execute(select(Parcel.shipment_id, Parcel.status)).all())


def compare_statuses(world: World) -> Iterator[Deviation]:
    """How the ledger's parcels differ from what has to stand there.

    Args:
        world: The world.
    """
    found = statuses(world)
    for parcel in world.rows(wms_shipment):
        shipment_id = parcel["shipment_id"]
        expected = SENT
        if parcel["is_amazon_label"]:
            expected = {"skipped"}
        elif shipment_id == "STRAY" or not parcel["tracking_number"]:
            expected = {"held"}
        if found.get(shipment_id) not in expected:
            kind = wrong if shipment_id in found else lost
            yield kind(f"the parcel {shipment_id} is {found.get(shipment_id)} in the ledger, not {sorted(expected)}")
    for shipment_id in found.keys() - {parcel["shipment_id"] for parcel in world.rows(wms_shipment)}:
        yield wrong(f"the parcel {shipment_id} is in the ledger, and the warehouse has none")


def judge(stage: Stage) -> Iterator[Deviation]:
    """How Amazon and the ledger differ from what they have to be."""
    yield from compare_parcels(stage.world, stage.known)
    yield from compare_statuses(stage.world)
    yield from at_rest(stage.world)

"""A day a month later: buyers' data of orders that left long ago, of newer ones, and of those still to be shipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from mfn.ledger.chunks import chunk_context
from mfn.ledger.compression import decompressed
from mfn.ledger.landed_pages import page_context
from mfn.ledger.schema import BatchChunk, LandedOrder, LandedPage, OrderEnd, Parcel, TrackedOrder
from mfn.steps.orders.decisions import dismiss
from mfn.warehouse.tables import wms_order
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.verdicts import Deviation, lost, wrong
from tests.steps.shipping import Shipping
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.faults.matrix.stage import Stage
    from tests.world import World

PERSONAL = (
    *("ship_to_name", "ship_to_company", "address_1", "address_2", "address_3", "city", "district"),
    *("postal_code", "phone", "email", "delivery_instructions"),
)
MONTH = timedelta(days=31)
AGED = (
    (TrackedOrder, ("first_loaded_at", "updated_at")),
    (LandedOrder, ("landed_at", "last_updated_at")),
    (Parcel, ("shipped_at", "sent_at", "updated_at")),
    (OrderEnd, ("shipped_at", "delivered_at", "cancelled_at")),
)


@dataclass(frozen=True)
class Known:
    """How the day began.

    Attributes:
        due: Orders whose data is to go.
        kept: Those whose data is still needed.
        stale: Addresses that a newer version of an order has replaced.
        statuses: Where every order stands in the ledger, which a purge does not change.
    """

    due: list[str]
    kept: list[str]
    statuses: dict[str, str]
    stale: list[str] = field(default_factory=list)


def build(world: World) -> Known:
    """Orders that left a month ago, and others; some of each on the same pages."""
    world.write_carriers()
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "    privacy: {scrub_warehouse: true}\n", encoding="utf-8")
    shipping = Shipping(world)
    cancelled = world.put(named(an_order(status="CANCELLED", minutes_ago=300)))
    dismissed = world.put(named(an_order(level="SAME_DAY", minutes_ago=300)))
    old = shipping.loaded(*(named(an_order(minutes_ago=600)) for _ in range(16)))
    gone = old[::2]
    for order_id in gone:
        shipping.ship(order_id)
    shipping.run()
    dismiss(world.settings, dismissed, why="a fraud")
    _a_month_passes(world)
    new = world.put(*(named(an_order(an_item(sku="PLATE"), minutes_ago=8)) for _ in range(6)))
    changed = old[1]
    world.change(changed, recipient={"deliveryAddress": address(name=_name_of(changed))})
    world.run()
    for order_id in new[:3]:
        shipping.ship(order_id)
    shipping.run()
    due = sorted([*gone, *cancelled, *dismissed])
    kept = sorted({*old, *new} - set(due))
    return Known(due, kept, world.statuses(), stale=[_street_of(changed)])


def named(order: dict[str, Any]) -> dict[str, Any]:
    """An order whose buyer's name and street are found nowhere else."""
    name = _name_of(order["orderId"])
    order["buyer"] = {"buyerName": name, "buyerEmail": f"{name.lower().replace(' ', '.')}@example.com"}
    order["recipient"] = {"deliveryAddress": address(name=name, addressLine1=_street_of(order["orderId"]))}
    return order


def _name_of(order_id: str) -> str:
    return f"Buyer of {order_id.replace('-', '')}"


def _street_of(order_id: str) -> str:
    return f"1 Street of {order_id.replace('-', '')}"


def _a_month_passes(world: World) -> None:
    """Everything that the ledger knows of orders happened a month earlier."""
    with world.ledger.writing() as database:
        for model, names in AGED:
            key = list(model.__table__.primary_key)
            for row in database.execute(select(model)).all():
                moved = {name: moment - MONTH for name in names if (moment := getattr(row, name))}
                if moved:
                    same = [column == getattr(row, column.name) for column in key]
                    database.execute(update(model).where(*same).values(moved))


def texts(world: World) -> bytes:
    """Everything that the ledger keeps of buyers, in the clear."""
    ledger = world.ledger
    with ledger.reading() as database:
        pages = database.execute(select(LandedPage)).all()
        chunks = database.execute(select(BatchChunk)).all()
    found = [ledger.cipher.decrypt(row.payload, context=page_context(row.connection, row.page)) for row in pages]
    found += [
        ledger.cipher.decrypt(row.payload, context=chunk_context(row.batch_id, row.stage, row.number)) for row in chunks
    ]
    return b"\n".join(map(decompressed, found))


def compare_texts(world: World, known: Known) -> Iterator[Deviation]:
    """How what the ledger and the warehouse keep of buyers differs from what they may and have to.

    Args:
        world: The world.
        known: How the day began.
    """
    kept, rows = texts(world), {row["order_number"]: row for row in world.rows(wms_order)}
    yield from _too_much(known, kept, rows)
    for order_id in known.kept:
        if _name_of(order_id).encode() not in kept:
            yield lost(f"the text of {order_id} is gone from the ledger")
        if not (rows.get(order_id) or {}).get("ship_to_name"):
            yield lost(f"the warehouse has no name for {order_id} any more")
    if world.statuses() != known.statuses:
        yield wrong(f"the statuses are {world.statuses()}, not {known.statuses}")
    with world.ledger.reading() as database:
        purged = database.execute(select(OrderEnd.order_id).where(OrderEnd.purged_at.is_not(None))).scalars().all()
    if sorted(purged) != known.due:
        yield wrong(f"the ledger says that {sorted(purged)} were purged, not {known.due}")


def _too_much(known: Known, kept: bytes, rows: Mapping[str, dict[str, Any]]) -> Iterator[Deviation]:
    for order_id in known.due:
        if _name_of(order_id).encode() in kept:
            yield wrong(f"the text of {order_id} is still in the ledger")
        held = [name for name in PERSONAL if (rows.get(order_id) or {}).get(name)]
        if held:
            yield wrong(f"the warehouse still has {held} of {order_id}")
    for street in known.stale:
        if street.encode() in kept:
            yield wrong(f"the address {street}, which was replaced, is still in the ledger")


def judge(stage: Stage) -> Iterator[Deviation]:
    """How the ledger and the warehouse differ from what they have to be."""
    yield from compare_texts(stage.world, stage.known)
    yield from at_rest(stage.world)

"""A day of orders: some that an earlier run brought to the warehouse, and everything that can happen to them since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.warehouse.tables import wms_item, wms_order_line
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.orders_truth import Before, compare_orders
from tests.faults.matrix.warehouse_log import inserted_orders, keep_log
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.verdicts import Deviation
    from tests.world import World

ELSEWHERE = {"deliveryAddress": address(addressLine1="2 Example Street")}


def build(world: World) -> Before:
    """A first run, and then everything that can happen to orders, on several pages."""
    moved, begun, cancelled, too_late, asked, paid, _, part = world.put(
        *(an_order(minutes_ago=120) for _ in range(5)),
        an_order(status="PENDING", recipient=None, minutes_ago=120),
        an_order(an_item(sku="MUG-GREEN"), minutes_ago=120),  # held until the warehouse has the item
        an_order(an_item(units=5, shipped=1), status="PARTIALLY_SHIPPED", minutes_ago=120),
    )
    world.put(an_order(level="SAME_DAY", minutes_ago=120), an_order(recipient=None, minutes_ago=120))
    world.run()
    first = {order_id: world.amazon.orders.get(order_id) for order_id in world.amazon.orders.ids()}
    for order_id in (begun, too_late, asked):
        world.warehouse_moves(order_id, "picking")
    world.add_items("MUG-GREEN")
    for order_id in (moved, begun):
        world.change(order_id, recipient=ELSEWHERE)
    for order_id in (cancelled, too_late):
        world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.change(asked, orderItems=[first[asked]["orderItems"][0] | {"cancellation": cancellation()}])
    world.change(paid, fulfillment={"fulfillmentStatus": "UNSHIPPED"}, recipient={"deliveryAddress": address()})
    fewer = {"quantityOrdered": 4, "fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 1}}
    world.change(part, orderItems=[first[part]["orderItems"][0] | fewer])
    world.put(*(an_order(an_item(sku="BREAKFAST"), minutes_ago=10, programs=["PRIME"]) for _ in range(6)))
    world.put(*(an_order(an_item(sku="AMZ-MUG", units=2), an_item(sku="00123"), minutes_ago=9) for _ in range(6)))
    world.put(
        an_order(level="SAME_DAY", minutes_ago=9),
        an_order(an_item(sku="UNKNOWN"), an_item(sku="PLATE"), minutes_ago=8),
        an_order(status="CANCELLED", minutes_ago=8),
        an_order(status="PENDING", recipient=None, minutes_ago=8),
        an_order(an_item(cancellation=cancellation()), minutes_ago=7),
    )
    keep_log(world)
    return Before(rows=_by_number(world.rows()), lines=_all_lines(world), first=first)


def compare(world: World, before: Before, *, but: Collection[str] = ()) -> Iterator[Deviation]:
    """How the warehouse and the ledger differ from what they have to have of every order.

    Args:
        world: The world.
        before: How the day began.
        but: Orders that another judge looks at.
    """
    rows = {order_id: row for order_id, row in _by_number(world.rows()).items() if order_id not in but}
    yield from compare_orders(
        {order_id: world.amazon.orders.get(order_id) for order_id in world.amazon.orders.ids() if order_id not in but},
        before,
        items={row["sku"] for row in world.rows(wms_item)},
        rows=rows,
        lines=_all_lines(world),
        inserted=inserted_orders(world),
        statuses=world.statuses(),
    )


def judge(stage: Stage) -> Iterator[Deviation]:
    """How the warehouse and the ledger differ from what they have to be."""
    yield from compare(stage.world, stage.known)
    yield from at_rest(stage.world)


def _by_number(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["order_number"]: row for row in rows}


def _all_lines(world: World) -> dict[str, list[dict[str, Any]]]:
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in world.rows(wms_order_line):
        lines.setdefault(row["order_number"], []).append(row)
    return lines

"""A day on which Amazon, the ledger and the warehouse have come apart: orders of each kind, among others that agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.simulator.clock import amazon_time
from mfn.warehouse.tables import wms_order, wms_order_line
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.verdicts import Deviation, doubled, lost, wrong
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.matrix.stage import Stage
    from tests.world import World


@dataclass(frozen=True)
class Known:
    """How the day began.

    Attributes:
        differences: What there is to be found: order id and kind.
        standing: What no reconciliation may change.
    """

    differences: frozenset[tuple[str, str]]
    standing: tuple[Any, ...]


def build(world: World) -> Known:
    """An import, and then what no import sees."""
    unseen = world.put(*(an_order() for _ in range(2)))
    world.amazon.orders.left_out["lastUpdated"].update(unseen)
    forgotten, cancelled, shipped, fewer, *_ = world.put(*(an_order(an_item(units=2)) for _ in range(20)))
    world.put(an_order(level="SAME_DAY"), an_order(status="PENDING"), an_order(status="CANCELLED"))
    world.run()
    world.forget_order(forgotten)
    for order_id, status in ((cancelled, "CANCELLED"), (shipped, "SHIPPED")):
        _unseen_change(world, order_id, status)
    with world.writing_warehouse() as database:
        database.execute(update(wms_order_line).where(wms_order_line.c.order_number == fewer).values(quantity=1))
    kinds = {
        **dict.fromkeys(unseen, "missing_in_ledger"),
        forgotten: "missing_in_warehouse",
        cancelled: "cancelled_on_amazon",
        shipped: "shipped_on_amazon",
        fewer: "units_differ",
    }
    return Known(frozenset(kinds.items()), standing(world))


def _unseen_change(world: World, order_id: str, status: str) -> None:
    """Amazon shows another status since half an hour ago, and no import was told."""
    order = world.amazon.orders.get(order_id)
    order["fulfillment"]["fulfillmentStatus"] = status
    world.put(order | {"lastUpdatedTime": amazon_time(datetime.now(UTC) - timedelta(minutes=30))})
    world.amazon.orders.left_out["lastUpdated"].add(order_id)


def standing(world: World) -> tuple[Any, ...]:
    """What no reconciliation may change: the ledger's statuses, and the warehouse."""
    return world.statuses(), world.rows(wms_order), world.rows(wms_order_line)


def judge(stage: Stage) -> Iterator[Deviation]:
    """How what was found last differs from what there is to be found."""
    world, known = stage.world, stage.known
    newest = next(iter(list_batches(world.ledger, kind="reconcile")))
    differences = get_batch(world.ledger, newest.batch_id).findings.get("differences", [])
    found = Counter((one["order_id"], one["kind"]) for one in differences)
    for difference in known.differences - found.keys():
        yield lost(f"{difference} was not found")
    for difference, times in found.items():
        if difference not in known.differences:
            yield wrong(f"{difference} was found, and is none")
        elif times > 1:
            yield doubled(f"{difference} was found {times} times")
    if standing(world) != known.standing:
        yield wrong("the ledger or the warehouse was changed")
    yield from at_rest(world)

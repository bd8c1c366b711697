"""Whatever happens to orders at Amazon, in the warehouse and to runs: a whole import later each stands where it has to.

What has to stand where is told from Amazon's orders and the warehouse's own rows alone (`tests.faults.matrix`).
"""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, not_, select, update
from sqlalchemy.engine import Engine

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.schema import Lease, Reservation, TrackedOrder
from mfn.models import STAGES
from mfn.simulator.clock import amazon_time
from mfn.simulator.drafts import seeded
from mfn.steps.rerunning.reruns import rerun_batch
from mfn.warehouse.tables import wms_item, wms_order_line
from tests.faults.matrix.orders_truth import Before, compare_orders
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.world import World

ROUNDS = 6
SKUS = ("MUG-BLUE", "MUG-BLUE", "AMZ-MUG", "BREAKFAST", "BREAKFAST", "MUG-GREEN")
DUE = ("UNSHIPPED", "PARTIALLY_SHIPPED")


class DiedError(BaseException):
    """The process is gone: nothing catches it, and nothing is committed any more."""


@contextmanager
def dying_at(commit: int) -> Iterator[None]:
    """A process that dies before its so manieth commit."""
    commits, dying = itertools.count(1), threading.get_ident()

    def die(_connection: object) -> None:
        if threading.get_ident() == dying and next(commits) >= commit:
            raise DiedError

    event.listen(Engine, "commit", die)
    try:
        with suppress(DiedError):
            yield
    finally:
        event.remove(Engine, "commit", die)


@dataclass
class Lives:
    """Orders to which things happen."""

    world: World
    chance: Random
    beginning: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=13))
    order_ids: list[str] = field(default_factory=list)
    older: list[dict[str, Any]] = field(default_factory=list)

    def put(self, order: dict[str, Any]) -> None:
        """Amazon has an order, or a newer version of it; all within what every import looks at again."""
        order_id = order["orderId"]
        if order_id in self.order_ids:
            self.older.append(self.world.amazon.orders.get(order_id))
        else:
            self.order_ids.append(order_id)
        moment = self.beginning + timedelta(seconds=5 * (len(self.order_ids) + len(self.older)))
        self.world.put(order | {"lastUpdatedTime": amazon_time(moment)})

    def order_comes(self) -> None:
        chance = self.chance
        items = [an_item(sku=chance.choice(SKUS), units=chance.choice((1, 3))) for _ in range(chance.choice((1, 1, 2)))]
        status = chance.choice((*DUE, "UNSHIPPED", "UNSHIPPED", "PENDING", "CANCELLED"))
        if status == "PARTIALLY_SHIPPED":
            items[0]["quantityOrdered"] += 1
            items[0]["fulfillment"]["quantityFulfilled"] = 1
        level = chance.choice(("STANDARD", "STANDARD", "SECOND_DAY", "SAME_DAY"))
        self.put(an_order(*items, status=status, level=level, programs=chance.choice(([], [], ["PRIME"]))))

    def order_changes(self) -> None:
        order = self.world.amazon.orders.get(self.chance.choice(self.order_ids))
        fulfillment, item = order["fulfillment"], self.chance.choice(order["orderItems"])
        what = self.chance.choice(
            ("paid", "moved", "moved", "level", "units", "asks", "asks", "cancelled", "no address")
        )
        if what == "paid" and fulfillment["fulfillmentStatus"] == "PENDING":
            fulfillment["fulfillmentStatus"] = "UNSHIPPED"
        elif fulfillment["fulfillmentStatus"] not in DUE or order["orderId"] == self.order_ids[0]:
            return
        elif what in ("moved", "no address"):
            there = {"deliveryAddress": address(city=self.chance.choice(("Tacoma", "Olympia")))}
            order["recipient"] = there if what == "moved" else None
        elif what == "level":
            fulfillment["fulfillmentServiceLevel"] = self.chance.choice(("STANDARD", "SECOND_DAY", "SAME_DAY"))
        elif what == "units" and item["fulfillment"]["quantityUnfulfilled"] > 1:
            item["quantityOrdered"] -= 1
            item["fulfillment"]["quantityUnfulfilled"] -= 1
        elif what == "asks" and item.pop("cancellation", None) is None:  # or no longer asks
            item["cancellation"] = cancellation()
        elif what == "cancelled":
            fulfillment["fulfillmentStatus"] = "CANCELLED"
        self.put(order)

    def warehouse_begins(self) -> None:
        new = [row["order_number"] for row in self.world.rows() if row["status"] == "new"]
        if new:
            self.world.warehouse_moves(self.chance.choice(new), "picking")

    def item_comes_and_goes(self) -> None:
        sku = self.chance.choice(("MUG-GREEN", "BOWL"))
        if sku not in {row["sku"] for row in self.world.rows(wms_item)}:
            self.world.add_items(sku)
            return
        with self.world.writing_warehouse() as database:
            database.execute(update(wms_item).where(wms_item.c.sku == sku).values(is_active=not_(wms_item.c.is_active)))

    def every_item_comes(self) -> None:
        with self.world.writing_warehouse() as database:
            database.execute(update(wms_item).values(is_active=True))
        if "MUG-GREEN" not in {row["sku"] for row in self.world.rows(wms_item)}:
            self.world.add_items("MUG-GREEN")

    def run_dies(self) -> None:
        with dying_at(self.chance.randint(1, 25)):
            self.world.run()
        with self.world.ledger.writing() as database:  # its process is gone, and everybody sees that
            database.execute(update(Lease).values(expires_at=0.0))

    def older_versions_come(self) -> None:
        """Amazon answers with some of its orders, some of them twice, in older versions too, in no order."""
        orders = [self.world.amazon.orders.get(order_id) for order_id in self.order_ids]
        some = self.chance.sample(orders, len(orders) // 2) + self.chance.sample(self.older, len(self.older) // 2)
        pages = [orders[0], *some]
        self.chance.shuffle(pages)
        self.world.answer_page(*pages)
        self.world.run()

    def batch_runs_again(self) -> None:
        batches = list_batches(self.world.ledger, kind="import")
        if batches:
            stage = self.chance.choice(STAGES["import"])
            rerun_batch(self.world.settings, self.chance.choice(batches).batch_id, from_stage=stage)

    def dry_run(self) -> None:
        before = self.standing()
        self.world.run(dry_run=True)
        assert self.standing() == before

    def standing(self) -> list[Any]:
        """What no dry run may change."""
        with self.world.ledger.reading() as database:
            noted = [sorted(map(repr, database.execute(select(of)))) for of in (TrackedOrder, Reservation)]
        return [*noted, self.world.rows(), self.world.rows(wms_order_line)]

    def before(self) -> Before:
        """How the warehouse stands."""
        rows = {row["order_number"]: row for row in self.world.rows()}
        lines: dict[str, list[dict[str, Any]]] = {order_id: [] for order_id in rows}
        for line in self.world.rows(wms_order_line):
            lines[line["order_number"]].append(line)
        return Before(rows, lines, first={})

    def compare(self, before: Before) -> list[str]:
        """Where something stands otherwise than it has to."""
        now = self.before()
        return [
            deviation.what
            for deviation in compare_orders(
                {order_id: self.world.amazon.orders.get(order_id) for order_id in self.order_ids},
                before,
                items={row["sku"] for row in self.world.rows(wms_item) if row["is_active"]},
                rows=now.rows,
                lines=now.lines,
                inserted=[],
                statuses=self.world.statuses(),
            )
        ]


HAPPENINGS = (
    Lives.order_comes,
    Lives.order_comes,
    Lives.order_changes,
    Lives.order_changes,
    Lives.order_changes,
    Lives.warehouse_begins,
    Lives.item_comes_and_goes,
)
RUNS = (Lives.run_dies, Lives.run_dies, Lives.older_versions_come, Lives.batch_runs_again, Lives.dry_run)


@pytest.mark.parametrize("seed", range(3))
def test_after_a_complete_import_each_order_is_where_it_has_to_be(world: World, seed: int) -> None:
    lives = Lives(world, seeded("lives", seed))
    lives.put(an_order())  # with a recipient, whatever becomes of the others
    for _ in range(ROUNDS):
        for _ in range(4):
            lives.chance.choice(HAPPENINGS)(lives)
        before = lives.before()
        lives.chance.choice(RUNS)(lives)
        world.run()
        assert lives.compare(before) == []
        lives.every_item_comes()
        before = lives.before()
        world.write_connections(overlap_minutes=0)  # Amazon returns nothing: what waits is let go all the same
        assert world.run()["fetched"] == 0
        assert lives.compare(before) == []
        world.write_connections()

"""What a push tells Amazon, against the same formula written a second time, on warehouses made at random."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, Table, update

from mfn.database.engines import engine_for
from mfn.steps.runs import run_import, run_inventory
from mfn.warehouse.tables import wms_inventory, wms_item, wms_order
from tests.stock_oracle import Limits, Promise, Shelves, components_of
from tests.stock_world import CA, US, stock_world
from tests.world import an_item, an_order, set_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stock_world import Stock

PLACES = {"us": US, "ca": CA}
SKUS = ("VASE", "LAMP", "PLATE", "BOWL", "GLASS", "00123", "KRUG", "FORK", "GONE", "BARE")
ALIASES = (
    ("", "", "AMZ-LAMP", "LAMP", 1),
    ("us", "", "BREAKFAST", "PLATE", 2),
    ("us", "", "BREAKFAST", "BOWL", 1),
    ("", "", "BREAKFAST", "PLATE", 1),
    ("", "", "FEAST", "PLATE", 1),
    ("", "", "FEAST", "GLASS", 4),
    ("", "CA", "JUG", "KRUG", 1),
    ("", "", "JUG", "KRUG", 2),
    ("", "", "SIX-FORKS", "FORK", 6),
    ("", "", "FOR-NOTHING", "GONE", 1),
)
COLUMNS = ("connection", "marketplace", "seller_sku", "warehouse_sku", "units")
SELLER_SKUS = (*SKUS, *dict.fromkeys(row[2] for row in ALIASES))
RULES = """\
inventory.push:
  - name: Jugs break
    when: stock.seller_sku == "JUG"
    then:
      - set: {stock.buffer_units: 3, stock.buffer_percent: 0}
  - name: Of plates only so many at a time
    when: stock.seller_sku.starts_with("PLA") or stock.is_kit
    then:
      - set: {stock.maximum_units: 5}
  - name: No lonely vase
    when: stock.seller_sku == "VASE"
    then:
      - set: {stock.minimum_units: 4}
"""


def of_rules(seller_sku: str, limits: Limits, components: list[tuple[str, int]]) -> Limits:
    """What the rules above make of the limits for a SKU."""
    if seller_sku == "JUG":
        limits = replace(limits, buffer_units=3, buffer_percent=0)
    if seller_sku.startswith("PLA") or components != [(components[0][0], 1)]:
        limits = replace(limits, maximum_units=5)
    return replace(limits, minimum_units=4) if seller_sku == "VASE" else limits


@dataclass
class Warehouse:
    """A warehouse made at random, with orders at every stage.

    Attributes:
        stock: The world.
        chance: What decides.
        notes_it: Whether the warehouse fills `allocated_at`.
    """

    stock: Stock
    chance: Random
    notes_it: bool
    promises: list[Promise] = field(default_factory=list)

    def set_up(self) -> None:
        """Items, shelves and listings."""
        self.stock.write_aliases(*ALIASES)
        self.stock.world.forget_items()
        self.stock.world.add_items(*SKUS)
        with self.stock.actor.working() as database:
            database.execute(update(wms_item).where(wms_item.c.sku == "GONE").values(is_active=False))
            database.execute(update(wms_item).where(wms_item.c.sku == "FORK").values(is_active=None))
        for place in PLACES.values():
            for sku in SELLER_SKUS:
                self.stock.list_offer(sku, self.chance.randrange(30), place=place)

    def fill(self, *, has_all_columns: bool) -> None:
        """Rows of stock in one to three locations; BARE has none."""
        for sku in SKUS[:-1]:
            for location in self.chance.sample(("A-01", "B-02", "RETURNS"), self.chance.randint(1, 3)):
                more: dict[str, Any] = {}
                if has_all_columns:
                    sellable = self.chance.choice((True, None)) if location != "RETURNS" else False
                    counted_at = self.chance.choice((None, datetime.now(UTC) - timedelta(days=400)))
                    more = {"is_sellable": sellable, "counted_at": counted_at}
                units = self.chance.choice((0, 1, 7, 33, 60, 100))
                allocated = self.chance.choice((None, 0, 0, min(units, 2), units, units + 1))
                self.stock.receive(sku, units, allocated=allocated, location=location, **more)

    def sell(self) -> None:
        """Orders in both connections: pending, due, held and cancelled ones; then the warehouse goes on with them."""
        orders, cancelled = [], []
        for _ in range(16):
            name = self.chance.choice(("us", "us", "ca"))
            sku, units = self.chance.choice(SELLER_SKUS), self.chance.randint(1, 2)
            status = self.chance.choice(("PENDING", "UNSHIPPED", "UNSHIPPED", "UNSHIPPED"))
            level = self.chance.choice(("STANDARD", "STANDARD", "SCHEDULED"))
            order = an_order(an_item(sku=sku, units=units), status=status, level=level)
            order["salesChannel"]["marketplaceId"] = PLACES[name].marketplace_id
            orders.append(order)
            parts = self.parts(name, sku)
            # An item that is not sold any more is unknown to the import, and its order held: nothing can be promised.
            kept = [(part, n) for part, n in parts if part != "GONE"]
            self.promises += [Promise(order["orderId"], part, n * units) for part, n in kept]
            if self.chance.random() < 0.15:
                cancelled.append(order["orderId"])
        self.stock.world.put(*orders)
        for name in PLACES:
            run_import(self.stock.world.settings, name)
        for order_id in cancelled:
            self.stock.cancel(order_id)
        self.stock.minutes_pass(5)
        self.promises = [promise for promise in self.promises if promise.order_number not in cancelled]
        for name in PLACES:
            run_import(self.stock.world.settings, name)
        self._move_on()

    def _move_on(self) -> None:
        orders = self.stock.actor.rows(wms_order)
        with self.stock.actor.working() as database:
            for row in orders:
                if row["status"] != "new":
                    continue
                values: dict[str, Any] = {
                    "status": self.chance.choice(("new", "new", "picking", "shipped", "cancelled"))
                }
                if self.notes_it and self.chance.random() < 0.5:
                    values["allocated_at"] = datetime.now(UTC)
                number = wms_order.c.order_number == row["order_number"]
                database.execute(update(wms_order).where(number).values(**values))

    @staticmethod
    def parts(connection: str, seller_sku: str) -> list[tuple[str, int]]:
        """What a SKU is made of."""
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in ALIASES]
        return components_of(seller_sku, rows, connection=connection, marketplace=PLACES[connection].name)


LIMITS = (Limits(), Limits(buffer_units=2), Limits(buffer_percent=12.5), Limits(1, 33.3, 2, 20), Limits(0, 7, 5, 5))


@pytest.mark.parametrize(
    ("database", "seed", "has_all_columns"),
    [
        ("sqlite_url", 3, True),
        ("postgres_url", 2, False),
    ],
)
def test_a_push_sends_the_levels_that_the_contract_computes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    *,
    database: str,
    seed: int,
    has_all_columns: bool,
) -> None:
    database_url = request.getfixturevalue(database)
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    if not has_all_columns:
        bare = MetaData()
        columns = [column._copy() for column in wms_inventory.columns if not column.info.get("may_be_missing")]
        Table("wms_inventory", bare, *columns)
        bare.create_all(engine_for(database_url))
    with stock_world(tmp_path, database_url) as stock:
        limits = LIMITS[seed % len(LIMITS)]
        stock.write_inventory_section(
            buffer_units=limits.buffer_units,
            buffer_percent=limits.buffer_percent,
            minimum_units=limits.minimum_units,
            maximum_units="null" if limits.maximum_units is None else limits.maximum_units,
        )
        stock.write_rules(RULES)
        made = Warehouse(stock, Random(seed), notes_it=seed % 2 == 0)
        made.set_up()
        made.fill(has_all_columns=has_all_columns)
        made.sell()
        shelves = stock.shelves()
        shelves = Shelves(shelves.inventory, shelves.orders, shelves.items, made.promises)
        levels, due = {}, {}
        for name, place in PLACES.items():
            summary = run_inventory(stock.world.settings, name, force=True)
            assert summary["skus"] == summary["pushed"] + summary["unchanged"] + summary["held"] + summary["failed"]
            assert (summary["held"], summary["failed"]) == (0, 0)
            for sku in SELLER_SKUS:
                parts = made.parts(name, sku)
                due[name, sku] = shelves.level(parts, of_rules(sku, limits, parts))
                levels[name, sku] = stock.shown(sku, place)
        assert levels == due
        assert len(set(due.values())) > 1

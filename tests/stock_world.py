"""A world with stock: what Amazon shows, buyers who check out, a warehouse that receives and ships, time that passes.

Time passes by everything becoming older: what the ledger has written down, and what Amazon has seen.
"""

from __future__ import annotations

import csv
import io
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table, select, update

from mfn.amazon.marketplaces import BY_NAME
from mfn.connections import find_connection
from mfn.database.bulk import merge
from mfn.database.engines import engine_for, writing
from mfn.ledger.schema import Base, RateBudget, Reservation, Utc, table
from mfn.simulator.clock import Clock, amazon_time, parse_time
from mfn.simulator.listings import AVAILABILITY, CHANNEL, MERCHANT_CHANNEL, Listing
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.server import SimulatorServer
from mfn.warehouse.tables import wms_inventory, wms_item, wms_order, wms_order_line
from tests.stock_oracle import Promise, Shelves
from tests.warehouse_actor import MOMENT, WarehouseActor
from tests.world import World, an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.marketplaces import Marketplace

US, CA = BY_NAME["US"], BY_NAME["CA"]
ENDLESS = 1_000_000.0
SHELF = "A-01"
ALIAS_COLUMNS = ("connection", "marketplace", "seller_sku", "warehouse_sku", "units", "note")


@dataclass
class Stock:
    """The stock side of a world.

    Attributes:
        world: The world; its Amazon sells in the US and in Canada.
        actor: The warehouse at work.
    """

    world: World
    actor: WarehouseActor = field(init=False)

    def __post_init__(self) -> None:
        self.actor = WarehouseActor(self.world.warehouse_url)
        self.amazon._listings.clear()
        self.write_aliases()

    @property
    def amazon(self) -> Any:
        """What Amazon has listed."""
        return self.world.amazon.listings

    def write_aliases(self, *rows: tuple[str, str, str, str, int]) -> None:
        """Write sku_aliases.csv: connection, marketplace, seller SKU, warehouse SKU, units."""
        text_file = io.StringIO()
        writer = csv.writer(text_file)
        writer.writerow(ALIAS_COLUMNS)
        writer.writerows([*row, ""] for row in rows)
        (self.world.home / "mappings" / "sku_aliases.csv").write_text(text_file.getvalue(), encoding="utf-8")

    def write_rules(self, rules: str) -> None:
        """Write rules.yaml."""
        (self.world.home / "mappings" / "rules.yaml").write_text(rules, encoding="utf-8")

    def write_inventory_section(self, **settings: Any) -> None:
        """Give every connection these settings in its section `inventory`."""
        path = self.world.home / "connections.yaml"
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "inventory:" not in line]
        section = "    inventory: {" + ", ".join(f"{name}: {value}" for name, value in settings.items()) + "}"
        written = [more for line in lines for more in ([line, section] if "warehouse:" in line else [line])]
        path.write_text("\n".join([*written, ""]), encoding="utf-8")

    def list_offer(
        self, seller_sku: str, quantity: int = 0, *, place: Marketplace = US, channel: str = MERCHANT_CHANNEL
    ) -> None:
        """Amazon lists a SKU, with so many on offer and a handling time of two days."""
        now = datetime.now(UTC)
        entry = {CHANNEL: channel, "quantity": quantity, "lead_time_to_ship_max_days": 2}
        self.amazon._listings[place.marketplace_id, seller_sku] = Listing(
            sku=seller_sku,
            asin=f"B{abs(hash(seller_sku)) % 10**9:09d}",
            title=seller_sku,
            marketplace_id=place.marketplace_id,
            attributes={AVAILABILITY: [entry], "list_price": [{"value": 9.99, "currency": "USD"}]},
            created=now,
            updated=now,
        )

    def shown(self, seller_sku: str, place: Marketplace = US) -> int:
        """What Amazon has on offer, everything done that is due."""
        self.world.amazon.agenda.catch_up()
        found = self.amazon.find(place.marketplace_id, seller_sku)
        assert found is not None
        return int(found.quantity)

    def handling_days(self, seller_sku: str, place: Marketplace = US) -> int | None:
        """The handling time that stands in a listing."""
        (entry,) = self.amazon.find(place.marketplace_id, seller_sku).attributes[AVAILABILITY]
        days: int | None = entry.get("lead_time_to_ship_max_days")
        return days

    def check_out(self, seller_sku: str, units: int = 1, *, place: Marketplace = US) -> str:
        """A buyer checks out: what is on offer falls at once, and the order is pending."""
        assert units <= self.shown(seller_sku, place), "nobody can buy what is not on offer"
        self.amazon.sell(place.marketplace_id, seller_sku, units, datetime.now(UTC))
        order = an_order(an_item(sku=seller_sku, units=units), status="PENDING", minutes_ago=0)
        order["salesChannel"] |= {"marketplaceId": place.marketplace_id}
        order.pop("recipient")
        order.pop("buyer")
        self.world.put(order)
        return str(order["orderId"])

    def pay(self, order_id: str) -> None:
        """A pending order is paid."""
        whole = an_order(minutes_ago=0)
        order = self.world.amazon.orders.get(order_id)
        order |= {"recipient": whole["recipient"], "buyer": whole["buyer"], "lastUpdatedTime": whole["lastUpdatedTime"]}
        self.world.put(order | {"fulfillment": order["fulfillment"] | {"fulfillmentStatus": "UNSHIPPED"}})

    def cancel(self, order_id: str) -> None:
        """An order is cancelled at Amazon; what is on offer stays what it is."""
        order = self.world.amazon.orders.get(order_id)
        order["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
        for item in order["orderItems"]:
            item["fulfillment"]["quantityUnfulfilled"] = 0
        self.world.put(order | {"lastUpdatedTime": amazon_time(datetime.now(UTC))})

    def receive(self, sku: str, on_hand: int, *, allocated: int | None = 0, location: str = SHELF, **more: Any) -> None:
        """The warehouse counts a SKU in a location: this is what is there now."""
        row = {"sku": sku, "location": location, "on_hand": on_hand, "allocated": allocated, **more}
        with self.actor.working() as database:
            where = (wms_inventory.c.sku == sku) & (wms_inventory.c.location == location)
            changed = database.execute(update(wms_inventory).where(where).values(**row))
            if not changed.rowcount:
                database.execute(wms_inventory.insert().values(**row))

    def move(self, sku: str, *, on_hand: int = 0, allocated: int = 0) -> None:
        """The warehouse books some units of a SKU in or out."""
        with self.actor.working() as database:
            self._book(database, sku, on_hand, allocated)

    @staticmethod
    def _book(database: Any, sku: str, on_hand: int, allocated: int) -> None:
        where = (wms_inventory.c.sku == sku) & (wms_inventory.c.location == SHELF)
        columns = wms_inventory.c
        database.execute(
            update(wms_inventory)
            .where(where)
            .values(on_hand=columns.on_hand + on_hand, allocated=columns.allocated + allocated)
        )

    def can_begin(self, order_id: str) -> bool:
        """Whether an order is new, and all that it needs is there."""
        free = {row["sku"]: row["on_hand"] - row["allocated"] for row in self.actor.rows(wms_inventory)}
        is_new = any(row["status"] == "new" for row in self.actor.rows(wms_order, order_number=order_id))
        return is_new and all(line["quantity"] <= free[line["sku"]] for line in self.actor.lines(order_id))

    def begin(self, order_id: str, *, notes_it: bool) -> None:
        """The warehouse begins an order and counts its units as allocated, in one transaction.

        Args:
            order_id: An order that is new.
            notes_it: Whether it is a warehouse that fills `allocated_at`.
        """
        with self.actor.working() as database:
            values = {"status": "picking"} | ({"allocated_at": MOMENT} if notes_it else {})
            database.execute(update(wms_order).where(wms_order.c.order_number == order_id).values(values))
            for sku, units in self._lines(database, order_id):
                self._book(database, sku, 0, units)

    def ship(self, order_id: str) -> None:
        """The warehouse sends off an order that it has begun: the units leave the shelf and `allocated`."""
        with self.actor.working() as database:
            where = wms_order.c.order_number == order_id
            database.execute(update(wms_order).where(where).values(status="shipped"))
            for sku, units in self._lines(database, order_id):
                self._book(database, sku, -units, -units)

    @staticmethod
    def _lines(database: Any, order_id: str) -> list[tuple[str, int]]:
        lines = select(wms_order_line.c.sku, wms_order_line.c.quantity)
        return [tuple(row) for row in database.execute(lines.where(wms_order_line.c.order_number == order_id))]

    def shelves(self) -> Shelves:
        """The warehouse as it is, and what the ledger has accepted."""
        with self.world.ledger.reading() as database:
            rows = database.execute(select(Reservation.order_id, Reservation.sku, Reservation.units)).all()
        inventory = Table("wms_inventory", MetaData(), autoload_with=self.actor.engine)  # it may lack columns
        return Shelves(
            inventory=self._all(inventory),
            orders=self.actor.rows(wms_order),
            items=self.actor.rows(wms_item),
            promises=[Promise(row.order_id, row.sku, row.units) for row in rows],
        )

    def _all(self, table: Table) -> list[dict[str, Any]]:
        with self.actor.engine.connect() as database:
            return [dict(row) for row in database.execute(select(table)).mappings()]

    def minutes_pass(self, minutes: float) -> None:
        """Everything that has happened so far happened so much earlier."""
        span = timedelta(minutes=minutes)
        _age_ledger(self.world, span)
        amazon = self.world.amazon
        for order_id in amazon.orders.ids():
            order = amazon.orders.get(order_id)
            moments = {name: parse_time(order[name]) - span for name in ("createdTime", "lastUpdatedTime")}
            amazon.orders.put(order | {name: amazon_time(moment) for name, moment in moments.items()})
        for feed in amazon.feeds.feeds.values():
            feed.created -= span
        agenda = amazon.agenda
        agenda._entries[:] = [(due - span, number, action) for due, number, action in agenda._entries]
        agenda.catch_up()


def _age_ledger(world: World, span: timedelta) -> None:
    engine, seconds = world.ledger.engine, span.total_seconds()
    with writing(engine, what="the ledger") as database:
        for table in Base.metadata.sorted_tables:
            names = [column.name for column in table.columns if isinstance(column.type, Utc)]
            if engine.dialect.name == "sqlite":
                earlier = [f"{name} = strftime('%Y-%m-%d %H:%M:%f000', {name}, '-{seconds} seconds')" for name in names]
            else:
                earlier = [f"{name} = {name} - interval '{seconds} seconds'" for name in names]
            if names:
                database.exec_driver_sql(f"UPDATE {table.name} SET {', '.join(earlier)}")


def _say_the_rates(world: World) -> None:
    """Amazon has said how often it may be called, so that no first run waits for what it does not know yet."""
    account = find_connection(world.settings, "us").account
    rows = [(account, name, 5.0, ENDLESS, time.time()) for name in ("searchListingsItems", "patchListingsItem")]
    columns = ("account", "operation", "tokens", "rate", "counted_at")
    with world.ledger.writing() as database:
        merge(database, table(RateBudget), columns, rows)


@contextmanager
def stock_world(home: Path, warehouse_url: str) -> Iterator[Stock]:
    """A world with stock, its home the working directory already; two connections, `us` and `ca`, on one warehouse.

    Args:
        home: Its folder.
        warehouse_url: The warehouse's database, empty.
    """
    amazon = LocalAmazon(seller_id="A2TESTSELLER001", marketplaces=(US, CA), clock=Clock(), speed=ENDLESS)
    with SimulatorServer(amazon) as server:
        world = World(home, amazon, server.endpoint, warehouse_url)
        world.set_up()
        world.add_connection("ca", marketplaces="[CA]")
        _say_the_rates(world)
        yield Stock(world)
        world.ledger.engine.dispose()
    engine_for(warehouse_url).dispose()

"""A whole small world for a test: a local Amazon, a warehouse, a ledger, mappings, and a connection between them."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from mfn.amazon.credentials import NAMES
from mfn.amazon.marketplaces import BY_NAME
from mfn.database.engines import engine_for, reading, writing
from mfn.ledger.opening import ledger_engine, open_ledger
from mfn.ledger.order_listing import list_orders, orders_with_id
from mfn.ledger.orders import read_reasons
from mfn.settings import load_settings
from mfn.simulator.clock import Clock, amazon_time
from mfn.simulator.local_amazon import LocalAmazon
from mfn.steps.runs import run_import
from mfn.warehouse.setup import ensure_tables
from mfn.warehouse.tables import wms_item, wms_order, wms_order_line, wms_ship_method

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pytest
    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings

MAPPINGS = Path(__file__).parents[1] / "mappings"
US = BY_NAME["US"]
NUMBERS = itertools.count(1)
SKUS = ("MUG-BLUE", "MUG-RED", "00123", "PLATE", "BOWL")
METHODS = ("GROUND", "TWO_DAY", "PRIME_DAY")

SHIPPING_METHODS = """\
connection,program,service_level,marketplace,warehouse_code,note
,,STANDARD,,GROUND,
,,SECOND_DAY,,TWO_DAY,
,PRIME,,,PRIME_DAY,
"""
SKU_ALIASES = """\
connection,marketplace,seller_sku,warehouse_sku,units,note
,,AMZ-MUG,MUG-BLUE,1,an alias
,,BREAKFAST,PLATE,2,a kit
,,BREAKFAST,BOWL,1,a kit
"""


def set_secrets(patch: pytest.MonkeyPatch) -> None:
    """Set the credentials of every connection; the local Amazon takes any text."""
    for name in NAMES:
        patch.setenv(name, "test")


def address(**changes: Any) -> dict[str, Any]:
    """A whole address in the United States."""
    return {
        "name": "Test Buyer",
        "addressLine1": "1 Example Street",
        "city": "Seattle",
        "stateOrRegion": "WA",
        "postalCode": "98101",
        "countryCode": "US",
        "phone": "+1 206 555 0100",
        "addressType": "RESIDENTIAL",
    } | changes


def cancellation() -> dict[str, Any]:
    """What an item has whose buyer asks for a cancellation."""
    return {"cancellationRequest": {"requester": "BUYER", "cancelReason": "changed my mind"}}


def an_item(
    number: int = 1, sku: str | None = "MUG-BLUE", units: int = 1, shipped: int = 0, **changes: Any
) -> dict[str, Any]:
    """An order item."""
    return {
        "orderItemId": f"{10_000_000_000_000 + next(NUMBERS)}",
        "quantityOrdered": units,
        "product": {"asin": "B000000001", "title": f"Item {number}", "sellerSku": sku}
        | {"price": {"unitPrice": {"amount": "9.99", "currencyCode": "USD"}}},
        "fulfillment": {"quantityFulfilled": shipped, "quantityUnfulfilled": units - shipped},
    } | changes


def an_order(
    *items: dict[str, Any], status: str = "UNSHIPPED", level: str = "STANDARD", minutes_ago: float = 60, **changes: Any
) -> dict[str, Any]:
    """An order that may be loaded as it is, unless it is changed.

    Args:
        items: Its items; one of one unit without any.
        status: Amazon's fulfillmentStatus.
        level: Amazon's fulfillmentServiceLevel.
        minutes_ago: When it was placed and last updated.
        changes: Other fields of the order; `fulfillment` is merged.
    """
    number = next(NUMBERS)
    placed = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    fulfillment = {
        "fulfillmentStatus": status,
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": level,
        "shipByWindow": {
            "earliestDateTime": amazon_time(placed),
            "latestDateTime": amazon_time(placed + timedelta(days=1)),
        },
        "deliverByWindow": {
            "earliestDateTime": amazon_time(placed + timedelta(days=2)),
            "latestDateTime": amazon_time(placed + timedelta(days=4)),
        },
    }
    return {
        "orderId": f"111-{number:07d}-0000001",
        "createdTime": amazon_time(placed),
        "lastUpdatedTime": amazon_time(placed),
        "programs": [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": US.marketplace_id, "marketplaceName": "Amazon.com"},
        "buyer": {"buyerName": "Test Buyer", "buyerEmail": "test.buyer@example.com"},
        "recipient": {"deliveryAddress": address()},
        "orderItems": list(items) or [an_item()],
        **changes,
        "fulfillment": fulfillment | changes.get("fulfillment", {}),
    }


@dataclass
class World:
    """The parts of the world, and what a test does with them.

    Attributes:
        home: The folder with connections.yaml, the mappings and the state.
        amazon: The local Amazon; `put` orders into it.
        endpoint: Where it is served.
        warehouse_url: The warehouse's database.
    """

    home: Path
    amazon: LocalAmazon
    endpoint: str
    warehouse_url: str
    orders_section: dict[str, Any] = field(default_factory=lambda: {"hold_alarm_percent": 100})

    def set_up(self) -> None:
        """Write the files and fill the warehouse."""
        self.write_connections()
        mappings = self.home / "mappings"
        mappings.mkdir()
        (mappings / "shipping_methods.csv").write_text(SHIPPING_METHODS, encoding="utf-8")
        (mappings / "sku_aliases.csv").write_text(SKU_ALIASES, encoding="utf-8")
        ensure_tables(engine_for(self.warehouse_url), what="the warehouse")
        with self.writing_warehouse() as database:
            database.execute(insert(wms_item), [{"sku": sku, "description": sku, "is_active": True} for sku in SKUS])
            database.execute(insert(wms_ship_method), [{"code": code, "is_active": True} for code in METHODS])

    def write_carriers(self, *rows: str) -> None:
        """Write carriers.csv with these rows, beside the list of codes that Amazon accepts."""
        mappings = self.home / "mappings"
        shutil.copy(MAPPINGS / "accepted_carriers.csv", mappings)
        header = "connection,warehouse_carrier,warehouse_service,carrier_code,carrier_name,shipping_method,note"
        (mappings / "carriers.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    def write_connections(self, **orders: Any) -> None:
        """Write connections.yaml, with some settings of its section `orders`."""
        section = {**self.orders_section, **orders}
        text = "\n".join(
            [
                "connections:",
                "  us:",
                "    seller_id: A2TESTSELLER001",
                "    marketplaces: [US]",
                f"    endpoint: {self.endpoint}",
                f"    lwa_endpoint: {self.endpoint}",
                f'    warehouse: {{kind: sql, url: "{self.warehouse_url}"}}',
                "    orders: {" + ", ".join(f"{name}: {value}" for name, value in section.items()) + "}",
                "",
            ]
        )
        (self.home / "connections.yaml").write_text(text, encoding="utf-8")

    def add_connection(self, name: str, *, marketplaces: str) -> None:
        """Write one more connection into connections.yaml, to the same Amazon and warehouse."""
        path = self.home / "connections.yaml"
        entry = path.read_text(encoding="utf-8").split("connections:\n")[1]
        more = entry.replace("  us:", f"  {name}:").replace("[US]", marketplaces)
        path.write_text(f"connections:\n{entry}{more}", encoding="utf-8")

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return load_settings()

    @property
    def ledger(self) -> Ledger:
        """The open ledger."""
        return open_ledger(self.settings)

    def put(self, *orders: dict[str, Any]) -> list[str]:
        """Put orders into Amazon, or change them there; returns their ids."""
        for order in orders:
            self.amazon.orders.put(order)
        return [order["orderId"] for order in orders]

    def change(self, order_id: str, **changes: Any) -> None:
        """Change an order at Amazon, now or a little before."""
        moment = amazon_time(datetime.now(UTC) - timedelta(minutes=5))
        order = self.amazon.orders.get(order_id)
        fulfillment = order["fulfillment"] | changes.pop("fulfillment", {})
        self.amazon.orders.put(order | {"lastUpdatedTime": moment, "fulfillment": fulfillment} | changes)

    def answer_page(self, *orders: dict[str, Any]) -> None:
        """Amazon answers the next search with these orders, whatever shape they are in."""
        end = amazon_time(datetime.now(UTC) - timedelta(minutes=3))
        self.amazon.faults.answer("searchOrders", 200, {"orders": list(orders), "lastUpdatedBefore": end})

    def run(self, **options: Any) -> dict[str, Any]:
        """One import run; its sum is checked."""
        summary = run_import(self.settings, "us", **options)
        parts = ("loaded", "held", "unchanged", "cancelled", "ignored")
        assert summary["fetched"] == sum(summary[part] for part in parts)
        return summary

    def start_over(self) -> None:
        """Forget the ledger and the warehouse; what Amazon has stays."""
        ledger_engine(f"sqlite:///{self.home / '.mfn' / 'ledger.db'}").dispose()
        engine_for(self.warehouse_url).dispose()
        shutil.rmtree(self.home / ".mfn")
        with self.writing_warehouse() as database:
            database.execute(delete(wms_order_line))
            database.execute(delete(wms_order))

    def statuses(self) -> dict[str, str]:
        """Where every order stands in the ledger."""
        return {row.order_id: row.status for row in list_orders(self.ledger)}

    def reasons(self, order_id: str) -> list[str]:
        """The reason codes of an order."""
        (row,) = orders_with_id(self.ledger, order_id)
        return [reason.code for reason in read_reasons(row.reasons)]

    def details(self, order_id: str) -> list[str]:
        """What the reasons of an order say."""
        (row,) = orders_with_id(self.ledger, order_id)
        return [reason.detail for reason in read_reasons(row.reasons)]

    def writing_warehouse(self) -> AbstractContextManager[Connection]:
        """A transaction of somebody else's program in the warehouse."""
        return writing(engine_for(self.warehouse_url), what="the warehouse")

    def rows(self, table: Any = wms_order) -> list[dict[str, Any]]:
        """A table of the warehouse, sorted by its key."""
        with reading(engine_for(self.warehouse_url), what="the warehouse") as database:
            return [dict(row) for row in database.execute(select(table).order_by(*table.primary_key)).mappings()]

    def lines(self, order_id: str) -> list[tuple[str, int]]:
        """(sku, quantity) of the lines that the warehouse has of an order."""
        return [(row["sku"], row["quantity"]) for row in self.rows(wms_order_line) if row["order_number"] == order_id]

    def warehouse_moves(self, order_id: str, status: str) -> None:
        """The warehouse moves an order on."""
        with self.writing_warehouse() as database:
            database.execute(update(wms_order).where(wms_order.c.order_number == order_id).values(status=status))

    def correct_city(self, order_id: str, city: str) -> None:
        """Somebody changes the city of an order in the warehouse."""
        with self.writing_warehouse() as database:
            database.execute(update(wms_order).where(wms_order.c.order_number == order_id).values(city=city))

    def add_items(self, *skus: str) -> None:
        """The warehouse gets new items."""
        with self.writing_warehouse() as database:
            database.execute(insert(wms_item), [{"sku": sku, "is_active": True} for sku in skus])

    def forget_order(self, order_id: str) -> None:
        """The warehouse deletes an order."""
        with self.writing_warehouse() as database:
            database.execute(delete(wms_order_line).where(wms_order_line.c.order_number == order_id))
            database.execute(delete(wms_order).where(wms_order.c.order_number == order_id))

    def refuse_city(self, city: str | None) -> None:
        """The warehouse refuses orders for a city, by a trigger of its own (SQLite); None: none any more."""
        with self.writing_warehouse() as database:
            for deed in ("INSERT", "UPDATE"):
                database.exec_driver_sql(f"DROP TRIGGER IF EXISTS no_such_city_to_{deed}")
                if city is not None:
                    database.exec_driver_sql(
                        f"CREATE TRIGGER no_such_city_to_{deed} BEFORE {deed} ON wms_order"
                        f" WHEN NEW.city = '{city}' BEGIN SELECT RAISE(ABORT, 'no such city'); END"
                    )

    def forget_items(self) -> None:
        """The warehouse loses its item master."""
        with self.writing_warehouse() as database:
            database.execute(delete(wms_item))


def an_amazon(speed: float = 1_000_000.0) -> LocalAmazon:
    """A local Amazon without orders, its budgets as good as endless."""
    return LocalAmazon(seller_id="A2TESTSELLER001", marketplaces=(US,), clock=Clock(), speed=speed)

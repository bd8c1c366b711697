"""What tests of confirm runs do with a world: orders loaded and shipped, runs, parcels, hours that pass."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sqlalchemy import select, update

from mfn.connections import find_connection
from mfn.database.bulk import merge
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import Parcel, RateBudget, table
from mfn.simulator.plans import UsagePlans
from mfn.steps.runs import run_confirm
from tests.warehouse_actor import WarehouseActor
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World

PARTS = ("sent", "held", "skipped", "failed", "pending")


class Shipping:
    """Confirm runs in a world.

    Attributes:
        world: The world.
        warehouse: Its warehouse, which ships.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.warehouse = WarehouseActor(world.warehouse_url)
        self._numbers = 0

    def loaded(self, *orders: dict[str, Any]) -> list[str]:
        """Orders that are in the warehouse; one without any."""
        order_ids = self.world.put(*(orders or (an_order(),)))
        self.world.run()
        return order_ids

    def ship(self, order_id: str, **options: Any) -> str:
        """The warehouse ships an order, or a part of it, an hour after it was placed."""
        self._numbers += 1
        given: dict[str, Any] = {
            "shipment_id": f"S{self._numbers}",
            "shipped_at": datetime.now(UTC) - timedelta(minutes=1),
            "tracking_number": f"T{self._numbers:010d}",
        } | options
        self.warehouse.ship(order_id, **given)
        return str(given["shipment_id"])

    def run(self) -> dict[str, Any]:
        """One confirm run; its sum is checked."""
        summary = run_confirm(self.world.settings, "us")
        assert summary["shipments"] == sum(summary[part] for part in PARTS)
        return summary

    def packages(self, order_id: str) -> list[dict[str, Any]]:
        """The parcels that Amazon has of an order."""
        return list(self.world.amazon.orders.get(order_id).get("packages", []))

    def calls(self) -> int:
        """How often confirmShipment was called."""
        return sum(call.operation == "confirmShipment" for call in self.world.amazon.calls)

    def data_sets(self) -> set[str]:
        """What was asked for of single orders."""
        asked = (parse_qs(call.query) for call in self.world.amazon.calls if call.operation == "getOrder")
        return {name for query in asked for names in query["includedData"] for name in names.split(",")}

    def parcel(self, shipment_id: str) -> Any:
        """A parcel in the ledger."""
        with self.world.ledger.reading() as database:
            return database.execute(select(Parcel).where(Parcel.shipment_id == shipment_id)).one()

    def statuses(self) -> dict[str, str]:
        """Where every parcel stands."""
        with self.world.ledger.reading() as database:
            return dict(database.execute(select(Parcel.shipment_id, Parcel.status)).all())

    def reasons(self, shipment_id: str) -> list[str]:
        """Why a parcel is not told to Amazon."""
        return [reason.code for reason in read_reasons(self.parcel(shipment_id).reasons)]

    def warnings(self, shipment_id: str) -> list[str]:
        """What is odd about a parcel."""
        return [reason.code for reason in read_reasons(self.parcel(shipment_id).warnings)]

    def an_hour_passes(self) -> None:
        """Everything that was sent was sent an hour ago or earlier."""
        with self.world.ledger.writing() as database:
            for row in database.execute(select(Parcel).where(Parcel.sent_at.is_not(None))).all():
                database.execute(
                    update(Parcel)
                    .where(Parcel.shipment_id == row.shipment_id)
                    .values(sent_at=row.sent_at - timedelta(minutes=61))
                )

    def leave_calls(self, operation: str, calls: int) -> None:
        """Only so many calls of an operation are left, and no more come back as long as a test lasts."""
        amazon, ledger = self.world.amazon, self.world.ledger
        amazon.plans = UsagePlans(amazon.clock, 1e-6)
        row = (find_connection(self.world.settings, "us").account, operation, float(calls), 1e-6, time.time())
        columns = ("account", "operation", "tokens", "rate", "counted_at")
        with ledger.writing() as database:
            merge(database, table(RateBudget), columns, [row])


def confirmed(shipping: Shipping, order_id: str) -> dict[str, int]:
    """How many units Amazon was told of each parcel of an order, by tracking number."""
    packages = shipping.packages(order_id)
    return {each["trackingNumber"]: sum(item["quantity"] for item in each["packageItems"]) for each in packages}

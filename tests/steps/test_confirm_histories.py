"""Whole histories of parcels over several confirm runs: in the end Amazon was told of each ordered unit once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from mfn.errors import RunFailedError
from mfn.simulator.clock import amazon_time
from mfn.warehouse.tables import wms_shipment_line
from tests.parcel_histories import CAN, ITEMS, RUNS, histories, units_at_first
from tests.property.fuzzing import many
from tests.world import NUMBERS, SKU_ALIASES, an_item, an_order

if TYPE_CHECKING:
    from tests.parcel_histories import History, Parcel
    from tests.steps.shipping import Shipping

PLACED_HOURS_AGO = 20


class Warehouse:
    """Writes and corrects the parcels of one order."""

    def __init__(self, shipping: Shipping, history: History) -> None:
        self.shipping = shipping
        self.history = history
        items = [an_item(sku=sku, units=units) for sku, units in history.ordered.items() if units]
        changed = amazon_time(datetime.now(UTC) - timedelta(minutes=5))
        self.order = an_order(*items, minutes_ago=60 * PLACED_HOURS_AGO, lastUpdatedTime=changed)
        self.item_ids = {item["product"]["sellerSku"]: item["orderItemId"] for item in items}
        self.order_id = str(self.order["orderId"])
        self.placed = datetime.now(UTC) - timedelta(hours=PLACED_HOURS_AGO)
        self.ids: dict[int, str] = {}

    def before(self, run: int) -> None:
        """Do what comes before a run."""
        for parcel in self.history.parcels:
            if parcel.written == run:
                self._write(parcel)
            if parcel.later == run:
                self._put_right(parcel)
            if parcel.twist == "void for a while" and parcel.written + 1 == run != parcel.later:
                self.shipping.warehouse.void(self.ids[id(parcel)])
        mistake = self.history.mistake
        if mistake is not None and mistake.written == run:
            self._write(mistake)
        if mistake is not None and mistake.later == run:
            self.shipping.warehouse.void(self.ids[id(mistake)])

    def _write(self, parcel: Parcel) -> None:
        self.ids[id(parcel)] = shipment_id = f"{next(NUMBERS)}"
        item_of = {sku: self.item_ids.get(item) for item, parts in ITEMS.items() for sku in parts}
        header: dict[str, Any] = {
            "shipped_at": None if parcel.hour is None else self.placed + timedelta(hours=parcel.hour),
            "status": "open" if parcel.twist == "open" else "closed",
            "tracking_number": None if parcel.twist == "untracked" else f"T{shipment_id}",
        }
        lines = [(item_of[sku], sku, units) for sku, units in units_at_first(parcel).items()]
        self.shipping.warehouse.write_parcel(self.order_id, shipment_id=shipment_id, lines=lines, **header)

    def _put_right(self, parcel: Parcel) -> None:
        shipment_id = self.ids[id(parcel)]
        moved = self.placed + timedelta(hours=10 - (parcel.hour or 0), minutes=1)
        label = f"T{shipment_id}B"
        headers: dict[str, dict[str, Any]] = {
            "open": {"status": "closed"},
            "untracked": {"tracking_number": label},
            "another label": {"tracking_number": label},
            "redated": {"shipped_at": moved},
            "miscounted": {"shipped_at": moved},
            "void for a while": {"status": "closed", "tracking_number": label},
            "": {},
        }
        if headers[parcel.twist]:
            self.shipping.warehouse.change(shipment_id, **headers[parcel.twist])
        if parcel.twist == "miscounted":
            with self.shipping.warehouse.working() as connection:
                for sku, units in parcel.units.items():
                    connection.execute(
                        update(wms_shipment_line)
                        .where(wms_shipment_line.c.shipment_id == shipment_id, wms_shipment_line.c.sku == sku)
                        .values(quantity=units)
                    )

    def shown(self) -> set[tuple[Any, ...]]:
        """The parcels that Amazon has."""
        return {
            (
                package["packageReferenceId"],
                package["trackingNumber"],
                package["shipTime"],
                tuple((item["orderItemId"], item["quantity"]) for item in package["packageItems"]),
            )
            for package in self.shipping.packages(self.order_id)
        }

    def confirmed(self) -> dict[str, int]:
        """The units that Amazon was told of, by the item's SKU."""
        units: Counter[str] = Counter()
        for package in self.shipping.packages(self.order_id):
            for item in package["packageItems"]:
                units[item["orderItemId"]] += item["quantity"]
        return {sku: units[item_id] for sku, item_id in self.item_ids.items()}

    def faults(self) -> list[str]:
        """What is not as it should be now that all has left."""
        statuses, mistake = self.shipping.statuses(), self.history.mistake
        stands = {shipment_id: statuses[shipment_id] for shipment_id in self.ids.values()}
        is_right = {
            "confirmed": self.confirmed() == {sku: units for sku, units in self.history.ordered.items() if units},
            "parcels": set(stands.values()) <= {"sent", "skipped"},
            "mistake": mistake is None or stands[self.ids[id(mistake)]] == "skipped",
            "order": self.shipping.world.statuses()[self.order_id] == "shipped",
        }
        return [name for name, right in is_right.items() if not right]


@settings(many(4), phases=(Phase.explicit, Phase.generate))  # an order is small enough to be read as it is
@given(drawn=st.lists(histories(), min_size=4, max_size=8))
def test_in_whatever_order_parcels_are_written_each_unit_is_confirmed_once_and_nothing_refused(
    shipping: Shipping, drawn: list[History]
) -> None:
    aliases = shipping.world.home / "mappings" / "sku_aliases.csv"
    aliases.write_text(f"{SKU_ALIASES},,SIX-CANS,{CAN},3,a pack\n", encoding="utf-8")
    warehouses = [Warehouse(shipping, history) for history in drawn]
    shipping.loaded(*(warehouse.order for warehouse in warehouses))
    wasted: list[str] = []
    for run in range(RUNS + 1):
        for warehouse in warehouses:
            warehouse.before(run)
        before, calls = [warehouse.shown() for warehouse in warehouses], shipping.calls()
        try:
            shipping.run()
        except RunFailedError as error:
            wasted.append(error.message)
        news = sum(len(each.shown() - former) for each, former in zip(warehouses, before, strict=True))
        if shipping.calls() - calls != news or (run == RUNS and news):
            wasted.append(f"run {run}: {shipping.calls() - calls} calls changed {news} parcels")
    wrong = [(each.faults(), each.confirmed(), each.history) for each in warehouses if each.faults()]
    assert (wasted, wrong) == ([], [])

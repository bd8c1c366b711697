"""What must hold of several runs: what Amazon was told stays told, and in the end each unit was told once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
from hypothesis import given

from mfn.rules.confirmed_units import Confirmed, ConfirmedUnits
from mfn.rules.parcels import parcel_items
from tests.parcel_histories import ITEMS, RUNS, History, Parcel, histories, units_at_first
from tests.property.fuzzing import many

ORDER = "O-1"
DAY = pd.Timestamp("2026-11-24", tz="UTC")
KIT_IN_OTHER_PARCEL = "kit_in_other_parcel"


class Runs:
    """The warehouse and the ledger of one order, as pure as can be.

    Attributes:
        written: The parcels as the warehouse has them: status, ship date, whether it has a number, units by SKU.
        confirmed: What Amazon has of each parcel, by order item.
        settled: The parcels that no run looks at.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.written: dict[str, tuple[str, pd.Timestamp, bool, dict[str, int]]] = {}
        self.confirmed: dict[str, dict[str, int]] = {}
        self.settled: set[str] = set()
        rows = [
            (ORDER, item, sku, item, count * units, units)
            for item, count in history.ordered.items()
            for sku, units in ITEMS[item].items()
            if count
        ]
        columns = ["order_number", "order_item_id", "sku", "seller_sku", "quantity", "units_per_kit"]
        self.order_lines = pd.DataFrame(rows, columns=columns).assign(line_number=range(len(rows)))

    def write(self, run: int) -> None:
        """What the warehouse does before a run."""
        parcels = [*self.history.parcels, *([self.history.mistake] if self.history.mistake else [])]
        for number, parcel in enumerate(parcels):
            state = self._state(parcel, run)
            if state is not None and self.written.get(f"S-{number}") != state:
                self.written[f"S-{number}"] = state
                self.settled.discard(f"S-{number}")

    def _state(self, parcel: Parcel, run: int) -> tuple[str, pd.Timestamp, bool, dict[str, int]] | None:
        if run < parcel.written:
            return None
        is_right, twist = run >= parcel.later, parcel.twist
        left_at: Any = pd.NaT if parcel.hour is None else DAY + pd.Timedelta(hours=parcel.hour)
        if is_right and twist in {"redated", "miscounted"}:
            left_at = DAY + pd.Timedelta(hours=10 - (parcel.hour or 0), minutes=1)
        is_void = (twist == "void for a while" and run > parcel.written and not is_right) or (
            is_right and parcel is self.history.mistake
        )
        status = "void" if is_void else "open" if twist == "open" and not is_right else "closed"
        has_number = twist != "untracked" or (is_right and parcel is not self.history.mistake)
        return status, left_at, has_number, parcel.units if is_right else units_at_first(parcel)

    def run(self) -> int:
        """Tell Amazon what is to be told; how many parcels it was told of."""
        there = {shipment_id for shipment_id, state in self.written.items() if state[0] == "closed"}
        confirmed = Confirmed(
            [
                ConfirmedUnits(ORDER, item, shipment_id, units)
                for shipment_id, items in self.confirmed.items()
                for item, units in items.items()
            ],
            self.settled & there,
        )
        items, faults = parcel_items(*self._frames(), self.order_lines, confirmed)
        to_confirm = {
            key: dict(zip(rows["order_item_id"], rows["quantity"], strict=True))
            for key, rows in items.groupby("shipment_id")
        }
        due = []
        for shipment_id in there:
            before, after = self.confirmed.get(shipment_id, {}), to_confirm.get(shipment_id, {})
            gains = any(units > before.get(item, 0) for item, units in after.items())
            if shipment_id in self.settled:
                assert all(after.get(item, units) >= units for item, units in before.items())
            if after and (gains or (shipment_id not in self.settled and after != before)):
                due.append((shipment_id in self.confirmed, gains, shipment_id))
        for _, _, shipment_id in sorted(due, key=lambda each: (not each[0], each[1])):
            self.confirmed[shipment_id] = to_confirm[shipment_id]
            self._check()
        skipped = set(faults.loc[faults["code"] == KIT_IN_OTHER_PARCEL, "shipment_id"])
        held = set(faults["shipment_id"]) - skipped
        self.settled |= there - held
        return len(due)

    def _frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        headers = pd.DataFrame(
            [(key, ORDER, state[0], state[1], "1Z" if state[2] else None) for key, state in self.written.items()],
            columns=["shipment_id", "order_number", "status", "shipped_at", "tracking_number"],
            dtype="object",
        ).astype({"shipped_at": "datetime64[us, UTC]"})
        flags = {"is_order_known": True, "is_amazon_label": False, "is_id_missing": False, "is_id_ambiguous": False}
        item_of = {sku: item for item, parts in ITEMS.items() for sku in parts}
        lines = pd.DataFrame(
            [
                (key, number, item_of[sku], sku, float(units))
                for key, state in self.written.items()
                for number, (sku, units) in enumerate(state[3].items())
            ],
            columns=["shipment_id", "line_number", "order_item_id", "sku", "quantity"],
        )
        return headers.assign(carrier="UPS", service=None).assign(**flags), lines

    def units(self) -> Counter[str]:
        """What Amazon was told of each item, over all parcels."""
        units: Counter[str] = Counter()
        for items in self.confirmed.values():
            units.update(items)
        return units

    def _check(self) -> None:
        for item, units in self.units().items():
            assert units <= self.history.ordered[item]


@many(12)
@given(histories())
def test_no_run_confirms_more_than_was_ordered_and_in_the_end_each_unit_was_confirmed_once(history: History) -> None:
    runs = Runs(history)
    for run in range(RUNS):
        runs.write(run)
        runs.run()
    assert runs.units() == {item: count for item, count in history.ordered.items() if count}
    assert runs.run() == 0

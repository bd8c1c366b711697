"""What happens around an import on a simulated day: orders change at Amazon, and a warehouse ships what it has."""

from __future__ import annotations

import heapq
from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select, update

from benchmarks.day_orders import SHIPPED_HOURS, START, number_of, order_id
from mfn.database.engines import engine_for, reading, writing
from mfn.warehouse.tables import wms_order

if TYPE_CHECKING:
    from datetime import datetime

    from benchmarks.day_clock import DayClock
    from benchmarks.day_orders import Change, Day, Moments
    from mfn.simulator.local_amazon import LocalAmazon

WAREHOUSE = "the simulated day's warehouse"
ROUND_SECONDS = 600
"""How often the warehouse looks at what is to leave."""


class DayWorld:
    """Everything that happens by itself.

    Args:
        day: The orders.
        amazon: Where they are placed; its clock is the day's.
        clock: The day's clock.
        warehouse: URL of the warehouse that ships.
    """

    def __init__(self, day: Day, amazon: LocalAmazon, clock: DayClock, warehouse: str) -> None:
        self._day = day
        self._amazon = amazon
        self._clock = clock
        self._warehouse = engine_for(warehouse)
        self._chance = np.random.default_rng(1)
        self._changes = 0
        self._names = sorted((change.named_at, number) for number, change in enumerate(day.changes))
        self._named = 0
        self._next_round = 0.0
        self._seen = START
        self._leaving: list[tuple[float, int]] = []
        self._settled: set[int] = set()
        self._undone: set[Change] = set()
        self.loaded_at: Moments = np.full(day.orders, np.nan)

    def catch_up(self) -> None:
        """Let everything happen that was to happen by now."""
        now = self._clock.passed()
        changes = self._day.changes
        while self._changes < len(changes) and changes[self._changes].at <= now:
            self._happen(changes[self._changes])
            self._changes += 1
        if now >= self._next_round:
            self._next_round = now + ROUND_SECONDS
            self.ship(now)

    def named(self) -> list[Change]:
        """The changes of which a notification has come since the last time: of none that came too late to happen."""
        begun, now = self._named, self._clock.passed()
        while self._named < len(self._names) and self._names[self._named][0] <= now:
            self._named += 1
        named = (self._day.changes[number] for _, number in self._names[begun : self._named])
        return [change for change in named if change not in self._undone]

    def next_name_at(self) -> float:
        """When the next notification comes, in seconds since the day began; infinite: none comes any more."""
        return self._names[self._named][0] if self._named < len(self._names) else np.inf

    def _happen(self, change: Change) -> None:
        if change.order in self._settled:
            self._undone.add(change)
            return
        self._amazon.orders.put(self._day.document(change.order, change.status, change.at))
        if change.status == "CANCELLED":
            self._settled.add(change.order)

    def ship(self, now: float) -> None:
        """Let the warehouse plan the orders that it has got, and ship those whose time has come."""
        for number, loaded_at in self._newly_loaded():
            self.loaded_at[number] = loaded_at
            hours = self._chance.uniform(*SHIPPED_HOURS)
            heapq.heappush(self._leaving, (loaded_at + 3600 * hours, number))
        shipped = []
        while self._leaving and self._leaving[0][0] <= now:
            at, number = heapq.heappop(self._leaving)
            if number not in self._settled:
                self._settled.add(number)
                self._amazon.orders.put(self._day.document(number, "SHIPPED", int(at)))
                shipped.append(order_id(number))
        if shipped:
            with writing(self._warehouse, what=WAREHOUSE) as database:
                database.execute(
                    update(wms_order).where(wms_order.c.order_number.in_(shipped)).values(status="shipped")
                )

    def _newly_loaded(self) -> list[tuple[int, float]]:
        columns = (wms_order.c.order_number, wms_order.c.loaded_at)
        with reading(self._warehouse, what=WAREHOUSE) as database:
            rows = database.execute(select(*columns).where(wms_order.c.loaded_at >= self._seen)).all()
        self._seen = max((row.loaded_at for row in rows), default=self._seen)
        new = [(number_of(row.order_number), _seconds(row.loaded_at)) for row in rows]
        return [(number, at) for number, at in new if np.isnan(self.loaded_at[number])]


def _seconds(at: datetime) -> float:
    return (at.replace(tzinfo=UTC) - START).total_seconds()

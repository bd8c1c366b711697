"""A listing that is sold from at any moment, read, imported and told levels: nothing is sold that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mfn.rules.sold_units import after_being_shown, after_sending, reckon

BEGIN = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
NEVER = pd.Series([pd.NaT], dtype="datetime64[us, UTC]")


@dataclass
class Sale:
    """A checkout."""

    at: datetime
    units: int
    is_imported: bool = False
    is_counted: bool = False


def times(moment: datetime) -> Any:
    return pd.Series([moment], dtype="datetime64[us, UTC]")


class Listing(RuleBasedStateMachine):
    """One listing, its stock, its orders, and what is kept of it."""

    delay = timedelta(0)
    maximum: int | None = None

    @initialize(stock=st.integers(0, 12))
    def begin(self, stock: int) -> None:
        self.now = BEGIN
        self.stock, self.quantity = stock, 0
        self.sales: list[Sale] = []
        self.on_the_way: list[tuple[datetime, int]] = []
        self.covered_until = self.covered_at_sending = BEGIN
        self.has_run = False
        self.is_overtaken = False  # two levels were on their way at once: what lands is not told apart
        self.state = pd.DataFrame(
            {
                **{name: [np.nan] for name in ("level_sent", "level_sent_basis", "before_limits_sent")},
                **dict.fromkeys(("sent_at", "shown_at", "sold_seen_at"), NEVER),
                **{name: [np.nan] for name in ("shown", "shown_before")},
                "sold_not_imported": [0],
                "is_applied": [False],
            }
        )
        self.run()

    def pass_time(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        for at, level in [each for each in self.on_the_way if each[0] <= self.now]:
            self.quantity = level
            self.on_the_way.remove((at, level))

    @property
    def left(self) -> int:
        return self.stock - sum(sale.units for sale in self.sales)

    @rule(units=st.integers(1, 3), minutes=st.integers(1, 4))
    def check_out(self, units: int, minutes: int) -> None:
        self.pass_time(minutes)
        if units <= self.quantity:
            self.quantity -= units
            self.sales.append(Sale(self.now, units))

    @rule(lag=st.integers(0, 6), minutes=st.integers(0, 4))
    def import_orders(self, lag: int, minutes: int) -> None:
        self.pass_time(minutes)
        bound = self.now - timedelta(minutes=lag)
        for sale in self.sales:
            sale.is_imported |= sale.at < bound
        self.covered_until = max(self.covered_until, bound)

    @rule(units=st.integers(1, 6))
    def receive(self, units: int) -> None:
        self.stock += units

    @rule(minutes=st.integers(0, 6), is_full=st.booleans())
    def run(self, minutes: int = 0, *, is_full: bool = False) -> None:
        self.pass_time(minutes)
        before_limits = max(self.stock - sum(sale.units for sale in self.sales if sale.is_imported), 0)
        level = before_limits if self.maximum is None else min(before_limits, self.maximum)
        news = [sale for sale in self.sales if sale.is_imported and not sale.is_counted]
        base = self.state["shown_at"].iloc[0]
        units = sum(sale.units for sale in news)
        earlier = sum(sale.units for sale in news if self.covered_at_sending <= sale.at <= base)
        readings = pd.DataFrame(
            {
                "quantity": [float(self.quantity)],
                "read_at": times(self.now),
                "level": [level],
                "imported": [units - earlier],
                "imported_earlier": [earlier],
            }
        )
        found = reckon(self.state, readings, covered_until=self.covered_until)
        for sale in news:
            sale.is_counted = bool(found["is_counted"].iloc[0])
        self.judge(found.iloc[0], level)
        levels = found[["target"]].assign(level=level, before_limits=before_limits)
        if found["is_to_send"].iloc[0] or (is_full and found["is_shown"].iloc[0]):
            self.send(found, levels)
        elif found["is_shown"].iloc[0]:
            self.state = after_being_shown(found, levels)
        else:
            self.state = found
        self.has_run = True

    def send(self, found: pd.DataFrame, levels: pd.DataFrame) -> None:
        self.is_overtaken |= bool(self.on_the_way)
        self.now += timedelta(seconds=1)
        self.covered_at_sending = self.covered_until
        self.state = after_sending(found, levels, times(self.now))
        self.on_the_way.append((self.now + self.delay, int(levels["target"].iloc[0])))
        self.pass_time(0)

    def judge(self, found: Any, level: int) -> None:
        assert 0 <= found["target"] <= level
        assert not found["is_drift"] or self.is_overtaken
        if found["is_to_send"] and not self.delay:
            assert found["target"] <= max(self.left, 0)

    def settle(self) -> None:
        """Nobody buys any more, and every order is imported."""
        for _ in range(3):
            self.pass_time(20)
            self.import_orders(lag=0, minutes=0)
            self.run(1)


class PromptListing(Listing):
    """Amazon applies at once what it is told."""

    @invariant()
    def nothing_is_on_offer_that_is_not_there(self) -> None:
        assert self.quantity <= max(self.left, 0)

    @precondition(lambda self: self.has_run)
    @rule()
    def in_the_end_all_of_it_is_on_offer(self) -> None:
        self.settle()
        assert self.quantity == (self.left if self.maximum is None else min(self.left, self.maximum))


class CappedListing(PromptListing):
    """No more than some units are ever offered."""

    maximum = 4


class SlowListing(Listing):
    """Amazon takes a few minutes."""

    delay = timedelta(minutes=5)

    @precondition(lambda self: self.has_run)
    @rule()
    def in_the_end_all_of_it_is_on_offer(self) -> None:
        self.settle()
        assert self.quantity == max(self.left, 0)


TestPromptListing = PromptListing.TestCase
TestCappedListing = CappedListing.TestCase
TestSlowListing = SlowListing.TestCase
TestPromptListing.settings = TestCappedListing.settings = TestSlowListing.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None
)

"""Feeds that come late, in another order or never, while stock changes: nothing stays on offer that is gone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import MfnError
from mfn.ledger.offers import read_offers
from tests.steps.pushing import SKUS

if TYPE_CHECKING:
    from tests.steps.pushing import Pushing

OVERTAKEN_AFTER = timedelta(minutes=30)
ENDINGS = ("in time", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "FATAL", "CANCELLED", "reply lost", "request lost")


@dataclass
class Day:
    """A day of stock runs.

    Attributes:
        pushing: The world.
        chance: What decides.
        stock: The units in the warehouse.
        log: What happened.
    """

    pushing: Pushing
    chance: Random
    stock: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, 10))
    log: list[str] = field(default_factory=list)

    def stock_changes(self) -> None:
        """The warehouse counts some SKUs."""
        for sku in self.chance.sample(SKUS, self.chance.choice((0, 0, 1, 1, 2, 4))):
            self.stock[sku] = max(0, self.stock[sku] + self.chance.choice((-9, -4, -2, -1, 1, 3, 8)))
            self.pushing.stock.receive(sku, self.stock[sku])

    def run(self, ending: str) -> None:
        """A stock run whose feed, if it takes one, ends in some way."""
        faults = self.pushing.stock.world.amazon.faults
        faults.feed_endings.clear()
        if ending.isupper():
            faults.feed_endings.append(ending)
        elif ending.endswith("lost"):
            faults.drop("createFeed", after_deed=ending == "reply lost")
        self.log.append(f"{ending}: {self.stock}")
        try:
            self.pushing.run()
        except MfnError as error:
            self.log.append(error.message)
        else:
            self._nothing_gone_is_on_offer()
        faults.feed_endings.clear()

    def _nothing_gone_is_on_offer(self) -> None:
        names = ("seller_sku", "level_sent", "feed_number", "sent_at")
        offers = read_offers(self.pushing.stock.world.ledger, "us", names).set_index("seller_sku")
        submitted = {feed.number: feed.created_at for feed in self.pushing.feeds()}
        shown = self.pushing.shown()
        self.log.append(f"shown: {shown}")
        for sku in (sku for sku in SKUS if shown[sku] > self.stock[sku]):
            offer: Any = offers.loc[sku]
            now = datetime.now(UTC)
            is_on_its_way = now - offer["sent_at"] < timedelta(minutes=15) and offer["level_sent"] <= self.stock[sku]
            age = now - submitted.get(offer["feed_number"], datetime.min.replace(tzinfo=UTC))
            assert is_on_its_way or age < OVERTAKEN_AFTER, (sku, offer, *self.log)

    def time_passes(self, minutes: int) -> None:
        """Minutes pass, and orders are imported."""
        self.pushing.stock.minutes_pass(minutes)
        self.pushing.stock.world.run()

    def feeds_end(self, likely: float) -> None:
        """Amazon works off some of the feeds that it was still working on, in any order."""
        feeds = self.pushing.stock.world.amazon.feeds
        open_ones = [feed for feed in feeds.feeds.values() if feed.status == "IN_PROGRESS"]
        for feed in self.chance.sample(open_ones, len(open_ones)):
            if self.chance.random() < likely:
                feeds._finish(feed, datetime.now(UTC))
                self.log.append(f"feed {feed.feed_id} ends")


@pytest.mark.parametrize("seed", range(4))
def test_what_is_gone_does_not_stay_on_offer_whatever_becomes_of_feeds(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    day = Day(pushing, Random(seed))
    monkeypatch.setattr("mfn.steps.stock.feeds.FOLLOWED_SECONDS", 0.0)
    monkeypatch.setattr("mfn.steps.stock.push.READ_BACK", day.chance.choice((0, 1, 1_000)))
    pushing.stock.write_inventory_section(brake_percent=100)
    for _ in range(12):
        pushing.make_patches_dear()
        day.stock_changes()
        day.run(day.chance.choice(ENDINGS))
        day.time_passes(day.chance.choice((3, 16, 20)))
        day.feeds_end(0.35)
    day.feeds_end(1)
    monkeypatch.setattr("mfn.steps.stock.push.READ_BACK", 1_000)
    for _ in range(3):
        with suppress(MfnError):
            pushing.run()
        day.time_passes(20)
    assert pushing.shown() == day.stock, day.log

"""Stock runs in a small world: four SKUs, ten units of each, five of each on offer, and a complete import."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.database.bulk import merge
from mfn.errors import RunFailedError
from mfn.ledger.feeds import feeds
from mfn.ledger.offers import read_offers
from mfn.ledger.schema import RateBudget, table
from mfn.steps.runs import run_inventory
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from tests.stock_world import Stock

SKUS = ("BOWL", "LAMP", "PLATE", "VASE")
UNITS, ON_OFFER = 10, 5
DEEDS = ("patchListingsItem", "createFeed")
"""Calls that change what is on offer."""


@dataclass
class Pushing:
    """Stock runs of the connection us.

    Attributes:
        stock: The world.
    """

    stock: Stock

    def set_up(self) -> None:
        """Fill the warehouse, list the SKUs, and import."""
        self.stock.world.forget_items()
        self.stock.world.add_items(*SKUS)
        for sku in SKUS:
            self.stock.receive(sku, UNITS)
            self.stock.list_offer(sku, ON_OFFER)
        self.stock.world.run()

    def run(self, **options: Any) -> dict[str, Any]:
        """One stock run; its sum is checked."""
        summary = run_inventory(self.stock.world.settings, "us", **options)
        return _added_up(summary)

    def run_that_fails(self, **options: Any) -> tuple[RunFailedError, dict[str, Any]]:
        """One stock run that fails, and what it did all the same."""
        try:
            summary = self.run(**options)
        except RunFailedError as error:
            return error, _added_up(dict(error.summary))
        raise AssertionError(summary)

    def shown(self) -> dict[str, int]:
        """What Amazon has on offer of each SKU."""
        return {sku: self.stock.shown(sku) for sku in SKUS}

    def calls(self, *operations: str) -> int:
        """How often Amazon was called so far."""
        return sum(call.operation in (operations or DEEDS) for call in self.stock.world.amazon.calls)

    def make_patches_dear(self) -> None:
        """Amazon has said that it takes one patch in a hundred seconds, so that a feed is cheaper for two levels."""
        place = open_workplace(self.stock.world.settings, "us")
        row = (place.connection.account, "patchListingsItem", 5.0, 0.01, time.time())
        columns = ("account", "operation", "tokens", "rate", "counted_at")
        with place.ledger.writing() as database:
            merge(database, table(RateBudget), columns, [row])

    def reasons(self, sku: str) -> str:
        """Why an offer stands where it does, as the ledger keeps it."""
        found = read_offers(self.stock.world.ledger, "us", ("reasons",), where="seller_sku = :sku", sku=sku)
        return str(found["reasons"].iloc[0])

    def feeds(self) -> list[Any]:
        """The feeds in the ledger."""
        return list(feeds(self.stock.world.ledger, "us"))


def _added_up(summary: dict[str, Any]) -> dict[str, Any]:
    parts = ("pushed", "unchanged", "held", "failed")
    assert summary["skus"] == sum(summary[part] for part in parts), summary
    return summary


def everywhere(units: int) -> dict[str, int]:
    """So many of each SKU."""
    return dict.fromkeys(SKUS, units)

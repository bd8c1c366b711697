"""A connection that is set up as it should be: what a check of it finds, and what it finds when something is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from mfn.steps.checking.walk import check_connection
from mfn.warehouse.tables import wms_inventory, wms_ship_method
from tests.world import METHODS, SKUS, US, an_item, an_order

if TYPE_CHECKING:
    from mfn.steps.checking.findings import Step
    from tests.world import World

CARRIERS = {"GROUND": "UPS", "TWO_DAY": "FedEx", "PRIME_DAY": "UPS"}


class Checked:
    """A small world that is set up, and its check.

    Args:
        world: The world.

    Attributes:
        world: The world; change it before a check.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        world.write_carriers()
        world.write_connections(not_before="2026-01-01T00:00:00Z")
        for listing in world.amazon.listings.within([US.marketplace_id]):
            world.amazon.listings.remove(US.marketplace_id, listing.sku)
        for sku in SKUS:
            world.amazon.listings.add(US, sku, now=datetime.now(UTC), asin="B0TEST0001", title="Something for sale")
        with self.writing() as database:
            for code in METHODS:
                carrier = update(wms_ship_method).where(wms_ship_method.c.code == code)
                database.execute(carrier.values(carrier=CARRIERS[code], service="Standard"))
            now = datetime.now(UTC)
            rows = [
                {"sku": sku, "location": "SHELF", "on_hand": 50, "allocated": 0, "is_sellable": True, "counted_at": now}
                for sku in SKUS
            ]
            database.execute(insert(wms_inventory), rows)
        world.put(*[an_order(an_item(sku=sku)) for sku in SKUS], an_order(status="PENDING"), prime_order())

    def writing(self) -> Any:
        """A transaction on the warehouse."""
        return self.world.writing_warehouse()

    def run(self) -> dict[str, Step]:
        """Check the connection; its steps by name."""
        return {step.name: step for step in check_connection(self.world.settings, "us")}


def prime_order() -> dict[str, Any]:
    """An order of Seller Fulfilled Prime."""
    return an_order(level="SECOND_DAY", programs=["PRIME"])


def said(step: Step) -> str:
    """Everything that a step says."""
    return f"{step.detail} {step.remedy}"


def statuses(steps: dict[str, Step]) -> dict[str, str]:
    """The status of each step that is not ok."""
    return {name: step.status.value for name, step in steps.items() if step.status != "ok"}


@pytest.fixture
def checked(world: World, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """A world that is set up."""
    monkeypatch.setattr("mfn.amazon.calling._grow", lambda _state: 0.0)  # Amazon is asked again at once
    return Checked(world)

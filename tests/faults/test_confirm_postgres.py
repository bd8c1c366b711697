"""Confirm runs with the ledger and the warehouse on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.warehouse.tables import wms_shipment
from tests.steps.shipping import Shipping
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


def test_parcels_reach_every_status_on_postgresql(world_on_postgres: World) -> None:
    world = world_on_postgres
    world.write_carriers()
    shipping = Shipping(world)
    whole, parts, held, label = shipping.loaded(
        an_order(), an_order(an_item(units=2), programs=["PRIME"]), an_order(), an_order()
    )
    shipping.ship(whole, shipment_id="WHOLE", carrier="Nobody's Vans")
    for number in (1, 2):
        shipping.ship(parts, shipment_id=f"PART{number}", units={1: 1})
    shipping.ship(held, shipment_id="HELD", tracking_number=None, shipped_at=datetime.now(UTC) + timedelta(days=1))
    shipping.ship(label, shipment_id="LABEL", is_amazon_label=True)
    shipping.warehouse.add(wms_shipment, {"shipment_id": "LOST", "order_number": "111-0000000-0000000"})
    first = shipping.run()
    assert (first["sent"], first["held"], first["skipped"]) == (3, 2, 1)
    shipping.warehouse.change("HELD", tracking_number="T0000000042")
    shipping.warehouse.change("WHOLE", carrier="UPS")
    shipping.warehouse.void("PART1")
    shipping.an_hour_passes()
    second = shipping.run()
    assert (second["sent"], second["released"], second["still_held"]) == (2, 1, 1)
    assert shipping.statuses() == {
        "WHOLE": "sent", "PART1": "sent", "PART2": "verified", "HELD": "sent", "LABEL": "skipped", "LOST": "held"
    }  # fmt: skip
    assert [package["carrier"] for package in shipping.packages(whole)] == ["UPS"]
    assert shipping.warnings("PART1")[-1] == "voided_after_sending"
    assert shipping.warnings("HELD") == ["ship_date_future"]
    assert world.statuses() == {whole: "shipped", parts: "shipped", held: "shipped", label: "confirmed"}

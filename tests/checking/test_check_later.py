"""What a check finds in a connection that has worked for a while; clocks that do not agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from mfn.amazon.probing import Answered
from mfn.steps.checking.account import clock_findings
from mfn.steps.runs import run_confirm, run_inventory
from mfn.warehouse.tables import wms_inventory, wms_order, wms_order_line, wms_shipment, wms_shipment_line
from tests.checking.conftest import said, statuses
from tests.world import US

if TYPE_CHECKING:
    from tests.checking.conftest import Checked


def ship_everything(checked: Checked) -> None:
    """The warehouse ships every order that it has."""
    lines = checked.world.rows(wms_order_line)
    now = datetime.now(UTC)
    parcels = [
        {
            "shipment_id": f"P{number}",
            "order_number": line["order_number"],
            "carrier": "UPS",
            "service": "Ground",
            "tracking_number": "1Z999AA10123456784",
            "shipped_at": now,
            "is_amazon_label": False,
            "status": "closed",
        }
        for number, line in enumerate(lines)
    ]
    contents = [
        {
            "shipment_id": f"P{number}",
            "line_number": 1,
            "order_item_id": line["order_item_id"],
            "sku": line["sku"],
            "quantity": line["quantity"],
        }
        for number, line in enumerate(lines)
    ]
    with checked.writing() as database:
        database.execute(insert(wms_shipment), parcels)
        database.execute(insert(wms_shipment_line), contents)
        database.execute(update(wms_order).values(status="shipped", allocated_at=now))


def test_a_connection_that_has_worked_has_no_warnings(checked: Checked) -> None:
    settings = checked.world.settings
    for sku in ("AMZ-MUG", "BREAKFAST"):  # an alias and a kit
        checked.world.amazon.listings.add(US, sku, now=datetime.now(UTC))
    checked.world.run()
    ship_everything(checked)
    assert run_confirm(settings, "us")["sent"] == 6
    assert run_inventory(settings, "us")["pushed"] == 7
    checked.world.amazon.calls.clear()
    steps = checked.run()
    assert statuses(steps) == {}, [said(step) for step in steps.values() if step.status != "ok"]
    assert "Amazon has accepted 6 parcels by confirmShipment" in steps["roles"].detail
    assert "levels have been pushed before" in steps["inventory"].detail
    assert "7 of 7 seller SKUs match active items of the warehouse (1 kit)" in steps["SKUs"].detail
    asked = [call.operation for call in checked.world.amazon.calls]
    assert "searchListingsItems" not in asked, "the stock run has read all listings a moment ago"
    assert "patchListingsItem as a preview" not in steps["roles"].detail
    assert "patchListingsItem" in asked


def test_stock_lost_since_the_last_push_is_a_warning(checked: Checked) -> None:
    checked.world.run()
    run_inventory(checked.world.settings, "us")
    with checked.writing() as database:
        database.execute(update(wms_inventory).where(wms_inventory.c.sku != "BOWL").values(on_hand=0))
    stock = checked.run()["inventory"]
    assert stock.status == "warning"
    assert "hold every level: 5 SKUs as a whole before, 1 now; 250 units as a whole before, 50 now" in stock.detail
    assert "mfn inventory us --force" in stock.remedy


def test_a_first_push_that_would_take_most_listings_off_sale_is_a_warning(checked: Checked) -> None:
    with checked.writing() as database:
        database.execute(update(wms_inventory).values(on_hand=1))
    stock = checked.run()["inventory"]
    assert "the next push would hold every level: 100 units as a whole before, 5 now" in stock.detail
    assert "(before: what Amazon shows)" in stock.detail


def test_a_clock_that_is_off_by_more_than_two_minutes_is_a_warning() -> None:
    agreeing = [Answered("https://one", timedelta(seconds=90)), Answered("https://two", None)]
    assert clock_findings(agreeing) == []
    (ahead, behind) = clock_findings(
        [Answered("https://one", timedelta(minutes=7)), Answered("https://two", timedelta(minutes=-3))]
    )
    assert (ahead.status, behind.status) == ("warning", "warning")
    assert ahead.detail == "this machine's clock is 7 minutes ahead of that of https://one"
    assert behind.detail == "this machine's clock is 3 minutes behind that of https://two"

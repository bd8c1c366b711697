"""What a confirm run checks and what its report tells, from a warehouse on SQLite to the page."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.ledger.batches import get_batch
from mfn.models import BatchRef
from mfn.reports.html import render_page
from mfn.reports.markdown import held_rows, render_markdown
from mfn.steps.report import gather
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from mfn.reports.model import RunReport
    from tests.steps.shipping import Shipping

LATE = 25 * 60
"""Minutes after which the ship-by of an order has passed."""


def report_of(shipping: Shipping, summary: dict[str, Any]) -> RunReport:
    """What the report of a run shows."""
    batch = BatchRef(summary["batch_id"], "us", "confirm", "verify", "")
    return gather(batch, shipping.world.settings)


def broken(shipping: Shipping, summary: dict[str, Any], severity: str) -> dict[str, int]:
    """How many parcels broke each rule, by its code."""
    row = get_batch(shipping.world.ledger, summary["batch_id"])
    found = row.findings["quality"]["findings"]
    return {one["code"]: one["unexpected"] for one in found if one["unexpected"] and one["severity"] == severity}


def test_reasons_that_hold_parcels_are_among_the_findings_and_skipped_parcels_are_not_checked(
    shipping: Shipping,
) -> None:
    orders = shipping.loaded(*(an_order(an_item(units=2)) for _ in range(5)))
    shipping.ship(orders[0], carrier="UPS", tracking_number=None)
    shipping.ship(orders[1], carrier=None)
    shipping.ship(orders[2], carrier="UPS", units={1: 3})
    shipping.ship(orders[3], carrier="Bob's Vans", units={1: 1})
    shipping.ship(orders[4], is_amazon_label=True, tracking_number=None)
    shipping.warehouse.write_parcel("111-0000000-0000000", shipment_id="LOST", lines=[("1", "MUG-BLUE", 1)])
    summary = shipping.run()
    assert (summary["sent"], summary["held"], summary["skipped"]) == (1, 4, 1)
    critical = {"tracking_missing": 1, "carrier_missing": 1, "quantity_excessive": 1, "order_unknown": 1}
    assert {
        code: count for code, count in broken(shipping, summary, "critical").items() if code in critical
    } == critical
    assert broken(shipping, summary, "warning")["carrier_unlisted"] == 1
    findings = report_of(shipping, summary).findings.findings
    assert {finding.checked for finding in findings if finding.meaning == "Every parcel has an id"} == {5}


def test_what_only_the_checks_find_is_held_before_anything_is_confirmed(shipping: Shipping) -> None:
    rule = "{name: renamed, when: shipment.carrier == 'UPS', then: [{set: {shipment.carrier_code: Other}}]}"
    rules = shipping.world.home / "mappings" / "rules.yaml"
    rules.write_text(f"shipment.notification:\n  - {rule}\n", encoding="utf-8")
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="UPS")
    assert shipping.run()["held"] == 1
    assert shipping.reasons(shipment_id) == ["carrier_name_missing"]
    assert shipping.calls() == 0
    rules.unlink()
    summary = shipping.run()
    assert (summary["sent"], summary["released"]) == (1, 1)


NOTHING_DUE = """
import sys
from mfn.settings import load_settings
from mfn.steps.runs import run_confirm
summary = run_confirm(load_settings(), "us")
assert (summary["shipments"], summary["still_held"]) == (0, 1), summary
assert "great_expectations" not in sys.modules
"""


def test_a_run_to_which_nothing_is_due_does_not_wait_for_great_expectations(shipping: Shipping) -> None:
    orders = shipping.loaded(an_order(), an_order())
    shipping.ship(orders[0])
    shipping.ship(orders[1], tracking_number=None)
    shipping.run()
    subprocess.run([sys.executable, "-c", NOTHING_DUE], check=True, timeout=60)


def test_the_report_distinguishes_late_parcels_parcels_on_time_and_those_still_waiting(shipping: Shipping) -> None:
    orders = shipping.loaded(
        an_order(), an_order(minutes_ago=LATE), an_order(minutes_ago=LATE), an_order(minutes_ago=20 * 60)
    )
    for number, tracking_number in enumerate(["T0000000001", "T0000000002", None, None]):
        shipping.ship(orders[number], shipment_id=f"S{number}", tracking_number=tracking_number)
    punctuality = report_of(shipping, shipping.run()).punctuality
    assert (punctuality.on_time, punctuality.late, punctuality.overdue, punctuality.soon) == (1, 1, 1, 1)
    assert [(late.parcel, late.status) for late in punctuality.late_parcels] == [("S2", "held"), ("S1", "sent")]
    shipping.warehouse.change("S0", tracking_number="T0000000009")
    again = report_of(shipping, shipping.run())
    assert (again.punctuality.corrected, again.punctuality.on_time, again.punctuality.overdue) == (1, 0, 1)
    assert {order.parcel for order in again.held} == {"S2", "S3"}


def test_the_report_has_carriers_as_written_and_as_sent_and_the_row_to_paste(shipping: Shipping) -> None:
    shipping.world.write_carriers(",Big Brown,,UPS,,UPS Ground,")
    orders = shipping.loaded(*(an_order() for _ in range(3)))
    shipping.ship(orders[0], carrier="BIG-BROWN", service="G1")
    shipping.ship(orders[1], carrier="BIG-BROWN", service="G1")
    shipping.ship(orders[2], carrier="Bob's Vans")
    report = report_of(shipping, shipping.run())
    brown, vans = report.carriers
    assert (brown.carrier, brown.service, brown.carrier_code, brown.parcels) == ("BIG-BROWN", "G1", "UPS", 2)
    assert (brown.shipping_method, brown.is_unlisted) == ("UPS Ground", False)
    assert (vans.carrier_code, vans.carrier_name, vans.is_unlisted) == ("Other", "Bob's Vans", True)
    row = ",Bob's Vans,,Other,Bob's Vans,,"
    assert f"<pre>{row}</pre>".replace("'", "&#39;") in render_page(report)
    shipping.world.write_carriers(row)
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, carrier="bobs vans")
    assert report_of(shipping, shipping.run()).noted == ()


def test_no_buyers_data_is_in_the_report_of_a_confirm_run(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order(an_item(units=2)) for _ in range(4)))
    shipping.ship(orders[0], carrier="Bob's Vans", shipped_at=datetime.now(UTC) + timedelta(days=1))
    shipping.ship(orders[1], tracking_number=None)
    shipping.ship(orders[2], units={1: 3})
    shipping.ship(orders[3], is_amazon_label=True)
    summary = shipping.run()
    report = report_of(shipping, summary)
    page = (shipping.world.home / ".mfn" / "reports" / f"{summary['batch_id']}.html").read_text("utf-8")
    text = f"{page}{render_markdown(report)}{held_rows(report)}"
    whole = address()
    for secret in (
        "Test Buyer",
        "test.buyer@example.com",
        *(whole[name] for name in ("addressLine1", "city", "phone")),
    ):
        assert secret not in text
    assert all(order_id in text for order_id in orders[:3])

"""Reports of imports to look at: an ordinary day, a quiet run, a failed one, and one whose sum is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.models import Reason
from mfn.quality.model import Finding, QualityReport
from mfn.reports.model import Conflict, HeldOrder, PastRun, RunReport, Urgency

if TYPE_CHECKING:
    from mfn.quality.model import Severity

START = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)


def sku(seller_sku: str, nearest: str) -> Reason:
    return Reason(
        "sku_unknown",
        f"seller SKU {seller_sku} is not an active item in the warehouse (nearest: {nearest} one letter differs)",
        f"Add the item to wms_item, or add this row to mappings/sku_aliases.csv:\nus,,{seller_sku},{nearest},1,",
    )


METHOD = Reason(
    "shipping_method_unmapped",
    "service level Scheduled, programmes PREMIUM: not mapped",
    "Add this row to mappings/shipping_methods.csv:\nus,PREMIUM,Scheduled,,CODE_OF_THE_WAREHOUSE,",
)
ADDRESS = Reason(
    "address_incomplete",
    "the delivery address has no postal_code",
    "Ask the buyer through Seller Central; the order is read again from Amazon on every run.",
)
CANCEL = Reason(
    "buyer_cancel_requested",
    "the buyer requested a cancellation",
    "Cancel the order in Seller Central; it disappears from this list once Amazon shows it as cancelled.",
)


def held_orders() -> tuple[HeldOrder, ...]:
    hour = timedelta(hours=1)
    return (
        HeldOrder("111-0000001-1000001", (sku("MUG-BLUE-2", "MUG-BLU-2"),), True, START + 5 * hour, "NextDay"),
        HeldOrder("111-0000002-1000002", (sku("MUG-BLUE-2", "MUG-BLU-2"),), False, START + 30 * hour, "Standard"),
        HeldOrder("111-0000003-1000003", (sku("TEE_XL", "TEE-XL"), ADDRESS), False, START - 2 * hour, "Standard"),
        HeldOrder("111-0000004-1000004", (METHOD,), False, START + 50 * hour, "Scheduled"),
        HeldOrder("111-0000005-1000005", (METHOD,), False, START + 54 * hour, "Scheduled"),
        HeldOrder("111-0000006-1000006", (CANCEL,), False, None, None),
    )


def finding(
    meaning: str,
    severity: Severity,
    checked: int,
    unexpected: int,
    problem: str | None = None,
    *,
    suite: str = "orders",
) -> Finding:
    rule = "expect_column_values_to_be_in_set"
    return Finding(suite, rule, "column", meaning, severity, checked, unexpected, problem)


FINDINGS = QualityReport(
    (
        finding("Every checked column exists", "critical", 125, 0),
        finding("The shipping method is mapped", "critical", 125, 2),
        finding("The postal code fits the country and state", "warning", 125, 4),
        finding("Ship-by is after the order date", "warning", 0, 0, "ship_by cannot be read (TypeError)."),
        finding("Every SKU to ship is an active item in the warehouse", "critical", 211, 3),
        finding("Quantities are numbers and never negative", "critical", 0, 0),
    )
)


def past_runs(count: int) -> tuple[PastRun, ...]:
    runs = []
    for number in range(count):
        fetched = 40 + (number * 37) % 95
        held = (number * 5) % 9
        failed = number == count - 9
        counts = {"fetched": fetched, "loaded": 0 if failed else fetched - held - 8, "held": 0 if failed else held}
        at = START - timedelta(minutes=15 * (count - number))
        status = "failed" if failed else "done"
        runs.append(PastRun(f"us-import-{at:%Y%m%d-%H%M%S}-00000{number % 10}", "us", "import", status, at, counts))
    return tuple(runs)


def ordinary_day() -> RunReport:
    return RunReport(
        batch_id="us-import-20261102-091500-a1b2c3",
        connection="us",
        kind="import",
        status="done",
        started_at=START,
        finished_at=START + timedelta(seconds=14.2),
        window_after=START - timedelta(minutes=32),
        window_before=START - timedelta(minutes=2),
        counts={
            "fetched": 138, "loaded": 117, "held": 5, "unchanged": 9, "cancelled": 3, "ignored": 4,
            "released": 2, "still_held": 1,
        },
        due=122,
        api_calls={"searchOrders": 2, "getOrder": 3},
        held=held_orders(),
        ignored={"payment_pending": 3, "not_merchant_fulfilled": 1},
        conflicts=(
            Conflict("111-0000009-1000009", "cancelled at Amazon", "picking"),
            Conflict(
                "111-0000010-1000010",
                "its newest version at Amazon was kept out: sku_unknown: seller SKU MUG-GREEN is not an active item",
                "new",
                "Add the item to wms_item, or add this row to mappings/sku_aliases.csv:\nus,US,MUG-GREEN,,1,\n"
                "The next import writes it to the warehouse once that is fixed. To do it now:\n"
                "mfn import us --order 111-0000010-1000010",
            ),
        ),
        warnings={"postal_code_mismatch": 4},
        findings=FINDINGS,
        urgency=Urgency(
            sfp=17, overdue=1, within_12_hours=12, within_24_hours=31, within_48_hours=52, later=21, unknown=0
        ),
        history=past_runs(29),
    )  # fmt: skip


def quiet_run() -> RunReport:
    return RunReport(
        batch_id="us-import-20261102-093000-d4e5f6",
        connection="us",
        kind="import",
        status="done",
        started_at=START + timedelta(minutes=15),
        finished_at=START + timedelta(minutes=15, seconds=1),
        counts={"fetched": 0, "loaded": 0, "held": 0, "unchanged": 0, "cancelled": 0, "ignored": 0},
        api_calls={"searchOrders": 1},
    )


def failed_run() -> RunReport:
    return replace(
        ordinary_day(),
        batch_id="us-import-20261102-094500-0a0b0c",
        status="failed",
        error="the warehouse at db.example.com cannot be reached: connection refused.",
        remedy="Check that the database is running; then run the batch again: mfn rerun --failed.",
        counts={"fetched": 138, "held": 5, "cancelled": 3, "ignored": 4},
        urgency=Urgency(),
        conflicts=(),
    )


def wrong_sum() -> RunReport:
    day = ordinary_day()
    return replace(day, batch_id="us-import-20261102-100000-111111", counts={**day.counts, "loaded": 115})

"""Reports of confirm runs to look at: an ordinary day, a quiet run, and one that broke off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mfn.models import Reason
from mfn.quality.model import QualityReport
from mfn.reports.model import CarrierUse, Conflict, HeldOrder, LateParcel, PastRun, Punctuality, RunReport
from tests.sample_reports import finding

CONFIRMED = datetime(2026, 11, 2, 16, 5, tzinfo=UTC)
CARRIER_REMEDY = (
    "Correct the carrier in the warehouse, or add this row to mappings/carriers.csv, with another code from"
    " accepted_carriers.csv if that is the right one:"
)
REFUSED = Reason(
    "refused_by_amazon",
    "InvalidInput: The tracking number is not valid for the carrier.",
    "Correct the parcel in the warehouse: it is sent again once its data has changed.",
)
NO_TRACKING = Reason(
    "tracking_missing",
    "it has no tracking number",
    "Correct it in the warehouse: Amazon does not accept a parcel without a tracking number.",
)
TOO_MANY = Reason(
    "quantity_excessive",
    "order item 10000000000003 (MUG-BLUE): 2 of MUG-BLU ordered, 3 in parcels P-1038, P-1022",
    "Correct it in the warehouse: fix the quantities, or void the parcel that never shipped.",
)
UNKNOWN_ORDER = Reason(
    "order_unknown",
    "wms_order has no order 111-0000020-1000020",
    "Correct it in the warehouse if the number is wrong; ignore it if the order did not come from Amazon through mfn.",
)
UNUSUAL = Reason(
    "tracking_unusual",
    "its tracking number does not look like a UPS number: expected 1Z followed by 16 letters or digits",
    "Compare it with the label.",
)
SPLIT = Reason("sfp_split", "a Prime order in 2 parcels; Amazon wants it in one")
FUTURE = Reason("ship_date_future", "its ship date is in the future; the current time is sent")


def unlisted(carrier: str, row: str) -> Reason:
    detail = f"{carrier!r} is not mapped: it is sent to Amazon as Other with its own name"
    return Reason("carrier_unlisted", detail, f"{CARRIER_REMEDY}\n{row}")


def parcel(number: int, hours: float | None, *reasons: Reason, is_sfp: bool = False) -> HeldOrder:
    ship_by = None if hours is None else CONFIRMED + timedelta(hours=hours)
    order_id = f"111-00000{number}-10000{number}"
    return HeldOrder(order_id, reasons, is_sfp, ship_by, parcel=f"P-10{number}")


def late(number: int, hours: float, told_at: datetime | None, status: str, *, is_sfp: bool = False) -> LateParcel:
    ship_by = CONFIRMED - timedelta(hours=hours)
    return LateParcel(f"111-00000{number}-10000{number}", f"P-10{number}", ship_by, told_at, status, is_sfp)


def past_confirmations(count: int) -> tuple[PastRun, ...]:
    runs = []
    for number in range(count):
        given = (number * 29) % 17 if number % 3 else 0
        held, failed = (1, 1) if given > 12 else (int(given > 7), 0)
        counts = {"shipments": given, "sent": given - held - failed, "held": held, "failed": failed}
        at = CONFIRMED - timedelta(minutes=5 * (count - number))
        runs.append(PastRun(f"us-confirm-{at:%Y%m%d-%H%M%S}-00000{number % 10}", "us", "confirm", "done", at, counts))
    return tuple(runs)


def confirm_day() -> RunReport:
    return RunReport(
        batch_id="us-confirm-20261102-160500-c0ffee",
        connection="us",
        kind="confirm",
        status="done",
        started_at=CONFIRMED,
        finished_at=CONFIRMED + timedelta(seconds=18.4),
        counts={
            "shipments": 46, "sent": 38, "held": 3, "skipped": 4, "failed": 1, "pending": 0,
            "verified": 1204, "unverified": 61, "released": 1, "still_held": 2,
        },
        api_calls={"confirmShipment": 39, "getOrder": 24},
        held=(
            parcel(11, -3.2, NO_TRACKING, is_sfp=True),
            parcel(12, -0.4, REFUSED),
            parcel(14, 5, NO_TRACKING),
            parcel(22, 20, TOO_MANY),
            parcel(13, 26, Reason("rule_hold", "rule no vans to Alaska: ask the carrier first",
                                  "Change the parcel, or the rule in mappings/rules.yaml.")),
            parcel(20, None, UNKNOWN_ORDER),
        ),
        ignored={"amazon_label": 3, "shown_by_amazon": 1},
        conflicts=(Conflict("111-0000009-1000009", "parcel P-0907 was confirmed to Amazon", "void"),),
        warnings={"carrier_unlisted": 3, "tracking_unusual": 1, "sfp_split": 2, "ship_date_future": 1},
        noted=(
            parcel(31, 2, unlisted("Bob's Vans", ",Bob's Vans,,Other,Bob's Vans,,")),
            parcel(32, 7, unlisted("Bob's Vans", ",Bob's Vans,,Other,Bob's Vans,,")),
            parcel(33, 8, unlisted("Roayl Mail", ",Roayl Mail,,Royal Mail,,,"), FUTURE),
            parcel(34, 9, UNUSUAL),
            parcel(35, 3, SPLIT, is_sfp=True),
            parcel(36, 3, SPLIT, is_sfp=True),
        ),
        punctuality=Punctuality(
            on_time=34, late=2, corrected=2, unknown=0, overdue=2, soon=1,
            late_parcels=(
                late(11, 3.2, None, "held", is_sfp=True),
                late(12, 0.4, None, "failed"),
                late(41, 50, CONFIRMED + timedelta(seconds=2), "sent"),
                late(42, 1.5, CONFIRMED + timedelta(seconds=3), "sent"),
            ),
        ),
        carriers=(
            CarrierUse("U.P.S.", "Ground", "UPS", None, "Ground", is_unlisted=False, parcels=21),
            CarrierUse("FEDEX HOME DELIVERY", None, "FedEx", None, "FedEx Home Delivery", is_unlisted=False, parcels=9),
            CarrierUse("United States Postal Service", "Priority", "USPS", None, "Priority",
                       is_unlisted=False, parcels=5),
            CarrierUse("Bob's Vans", None, "Other", "Bob's Vans", None, is_unlisted=True, parcels=2),
            CarrierUse("Roayl Mail", "24h", "Other", "Roayl Mail", "24h", is_unlisted=True, parcels=1),
        ),
        findings=QualityReport(
            (
                finding("Every parcel has an id", "critical", 42, 0, suite="parcels"),
                finding("The parcel's order is in wms_order", "critical", 42, 1, suite="parcels"),
                finding("The parcel has a tracking number", "critical", 42, 1, suite="parcels"),
                finding("No more units shipped than ordered", "critical", 42, 1, suite="parcels"),
                finding("Amazon lists the carrier", "warning", 42, 3, suite="parcels"),
                finding("A Prime order ships in one parcel", "warning", 9, 2, suite="parcels"),
                finding("The parcel is confirmed before the ship-by", "warning", 41, 4, suite="parcels"),
                finding("A carrier sent as Other has a name", "critical", 0, 0, suite="parcels"),
            )
        ),
        history=past_confirmations(29),
    )  # fmt: skip


def confirm_quiet() -> RunReport:
    return RunReport(
        batch_id="us-confirm-20261102-161000-d4e5f6",
        connection="us",
        kind="confirm",
        status="done",
        started_at=CONFIRMED + timedelta(minutes=5),
        finished_at=CONFIRMED + timedelta(minutes=5, seconds=0.3),
        counts={"shipments": 0, "sent": 0, "held": 0, "skipped": 0, "failed": 0, "pending": 0, "verified": 12},
    )


def confirm_broken_off() -> RunReport:
    day = confirm_day()
    return replace(
        day,
        batch_id="us-confirm-20261102-161500-0a0b0c",
        status="failed",
        error="Amazon does not answer: confirmShipment 111-0000044-1000044, parcel P-1044, for the connection us.",
        remedy="Check the status of the Selling Partner API; what was not answered is sent again by the next run.",
        counts={**day.counts, "sent": 20, "pending": 18},
        punctuality=replace(day.punctuality, on_time=16, soon=12),
        carriers=day.carriers[:1],
        noted=(),
        warnings={},
        conflicts=(),
    )

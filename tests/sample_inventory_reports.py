"""Reports of inventory runs to look at: an ordinary day, a braked, a rehearsed, a quiet and a failed run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mfn.quality.model import QualityReport
from mfn.reports.model import PastRun, RunReport
from mfn.reports.stock import (
    Brake,
    Drift,
    FeedProgress,
    HeldSku,
    HeldSkus,
    Movement,
    Oversold,
    Sold,
    StockHistory,
    StockRun,
)
from mfn.rules.stock_brake import Loss
from tests.sample_reports import finding

PUSHED = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
SINCE = PUSHED - timedelta(days=7)
NEGATIVE = "Correct it in the warehouse: count what is there; a quantity is never below 0."
UNKNOWN = (
    "Add it to wms_item, or map the listing to a SKU that the warehouse knows: mfn skus us proposes the row for"
    " sku_aliases.csv."
)
ALIAS = "Add this row to mappings/sku_aliases.csv:\nus,,{},{},1,"
OLD = (
    "Count it again, and make sure that the warehouse writes counted_at with each count; the limit is"
    " maximum_age_hours under inventory in connections.yaml."
)
REFUSED = "Correct the listing in Seller Central; the next run tries it again."
WORDS = "8541: The SKU data provided conflicts with the catalogue. (product_type)"


def held() -> tuple[HeldSkus, ...]:
    return (
        HeldSkus(
            "stock_too_old",
            4,
            (
                HeldSku("LAMP-OAK", "US", 41, "counted at 2026-10-28 06:10 UTC, more than 72 hours ago (MAIN)", OLD),
                HeldSku("LAMP-OAK", "CA", 41, "counted at 2026-10-28 06:10 UTC, more than 72 hours ago (MAIN)", OLD),
                HeldSku("LAMP-ASH", "US", 8, "counted at 2026-10-29 11:45 UTC, more than 72 hours ago (MAIN)", OLD),
                HeldSku("LAMP-ASH", "CA", None, "counted at 2026-10-29 11:45 UTC, more than 72 hours ago", OLD),
            ),
        ),
        HeldSkus(
            "sku_unknown",
            2,
            (
                HeldSku("MUG-BLUE", "US", None, "MUG-BLUE is not in wms_item (nearest: MUG-BLU)",
                        ALIAS.format("MUG-BLUE", "MUG-BLU")),
                HeldSku("TEE_XL", "US", None, "TEE_XL is not in wms_item (nearest: TEE-XL)",
                        ALIAS.format("TEE_XL", "TEE-XL")),
            ),
        ),
        HeldSkus(
            "listing_missing",
            1,
            (HeldSku("PLATE-27", None, None, "no marketplace of us lists it",
                     "List it on Amazon as fulfilled by you; if it is not sold there, make it inactive in wms_item."),),
        ),
        HeldSkus("stock_negative", 1, (HeldSku("BOWL-S", "US", 12, "BOWL-S in MAIN: on_hand is -3", NEGATIVE),)),
        HeldSkus("refused_by_amazon", 1, (HeldSku("CLOCK-RED", "US", 5, WORDS, REFUSED),)),
    )  # fmt: skip


def history(sku: str, marketplace: str, first: int | None, *changes: tuple[float, int]) -> StockHistory:
    """Levels by the days since the beginning."""
    levels = tuple((SINCE + timedelta(days=days), level) for days, level in changes)
    return StockHistory(sku, marketplace, first, levels)


def selling(sku: str, start: int, by: int, refill: int) -> StockHistory:
    """A SKU that sells every four hours and is refilled when it runs out."""
    level, changes = start, []
    for step in range(1, 42):
        level = refill if level == 0 else max(0, level - by - step % 3)
        changes.append((step / 6, level))
    return history(sku, "US", start, *changes)


HISTORIES = (
    selling("MUG-BLU", 120, 3, 140),
    selling("TEE-XL", 34, 4, 60),
    history("GIFT-SET", "US", 30, (0.5, 28), (1.2, 25), (2.1, 12), (2.4, 8), (3.3, 0), (5.2, 40), (6.9, 35)),
    history("CANDLE-3", "US", None, (4.8, 250), (5.5, 244), (6.2, 231), (6.99, 12)),
    history("RUG-160x230-GREY-ANTHRACITE-ANTI-SLIP", "CA", 6, (3.0, 5), (4.0, 4), (5.5, 3), (6.9, 0)),
    history("KNIFE-8", "US", 75, (1.5, 71), (2.5, 70), (6.95, 96)),
)

FINDINGS = QualityReport(
    (
        finding("Every checked column exists and can be read", "critical", 4388, 0, suite="stock"),
        finding("The SKU of every stock row is in wms_item", "critical", 4388, 0, suite="stock"),
        finding("On hand is never negative", "critical", 4388, 1, suite="stock"),
        finding("No count is older than maximum_age_hours", "critical", 4388, 2, suite="stock"),
        finding("No more is allocated than on hand", "warning", 4388, 3, suite="stock"),
        finding("Every active item has a stock row, even if it is 0", "warning", 2201, 6, suite="items"),
    )
)


def past_pushes(count: int) -> tuple[PastRun, ...]:
    runs = []
    for number in range(count):
        pushed = (number * 53) % 61 if number % 4 else 0
        counts = {"skus": 4210, "pushed": pushed, "unchanged": 4202 - pushed, "held": 7 + number % 3, "failed": 1}
        failed = number == count - 12
        at = PUSHED - timedelta(minutes=5 * (count - number))
        status = "failed" if failed else "done"
        runs.append(
            PastRun(f"us-inventory-{at:%Y%m%d-%H%M%S}-00000{number % 10}", "us", "inventory", status, at, counts)
        )
    return tuple(runs)


def inventory_day() -> RunReport:
    return RunReport(
        batch_id="us-inventory-20261102-143000-5eed01",
        connection="us",
        kind="inventory",
        status="done",
        started_at=PUSHED,
        finished_at=PUSHED + timedelta(seconds=21.7),
        counts={
            "skus": 4210, "pushed": 312, "unchanged": 3889, "held": 8, "failed": 1,
            "drift": 2, "sold_out": 3, "oversold": 1, "under_way": 0, "verified": 4183, "unverified": 7,
        },
        api_calls={"patchListingsItem": 313, "searchListingsItems": 82},
        ignored={"not_merchant_fulfilled": 118},
        warnings={"item_inactive": 4, "allocated_above_on_hand": 3, "stock_missing": 6},
        findings=FINDINGS,
        stock=StockRun(
            held=held(),
            moved=(
                Movement("CANDLE-3", "US", 231, 12, 231),
                Movement("PILLOW-W", "US", None, 64, 0),
                Movement("KNIFE-8", "US", 70, 96, 68, sold=2),
                Movement("GIFT-SET", "US", 0, 22, 0),
                Movement("BOWL-L", "CA", 14, 0, 13),
                Movement("MUG-BLU", "US", 61, 52, 60, sold=1),
                Movement("RUG-160x230-GREY-ANTHRACITE-ANTI-SLIP", "CA", 3, 0, 3),
                Movement("TEE-XL", "US", 2, 0, 1),
            ),
            drift=(Drift("POT-5L", "US", 18, 50, 18), Drift("SCARF-G", "CA", 9, 2, 8)),
            oversold=(Oversold("MUG-BLU", "US", 52, 78, ("GIFT-SET", "MUG-BLU", "MUG-SET-4")),),
            sold=(
                Sold("KNIFE-8", "US", 2, PUSHED + timedelta(seconds=4)),
                Sold("MUG-BLU", "US", 1, PUSHED + timedelta(seconds=4)),
            ),
            sold_listings=2,
            sold_units=3,
            histories=HISTORIES,
            since=SINCE,
        ),
        history=past_pushes(29),
    )  # fmt: skip


def inventory_braked() -> RunReport:
    day = inventory_day()
    return replace(
        day,
        batch_id="us-inventory-20261102-143500-b4ace0",
        status="failed",
        error="the warehouse is not believed: 4,095 SKUs as a whole before, 1,120 now; 2,975 SKUs in NORTH before,"
        " 0 now; 190,310 units in NORTH before, 0 now. Nothing was sent to Amazon.",
        remedy="Check the warehouse's stock; once it is right, the next run sends it. If these figures are right, run"
        " mfn inventory us --force once. inventory.brake_percent in connections.yaml (50 now) sets how much may be lost"
        " between two runs.",
        counts={"skus": 4210, "pushed": 0, "unchanged": 0, "held": 4209, "failed": 1, "drift": 0, "sold_out": 0},
        api_calls={},
        stock=StockRun(
            brake=Brake(
                (Loss("", "SKUs", 4095, 1120), Loss("NORTH", "SKUs", 2975, 0), Loss("NORTH", "units", 190310, 0))
            ),
            held=(HeldSkus("warehouse_not_believed", 4201, ()), *held()),
            histories=HISTORIES[:3],
            since=SINCE,
        ),
    )  # fmt: skip


def inventory_rehearsal() -> RunReport:
    day = inventory_day()
    return replace(
        day,
        batch_id="us-inventory-20261102-144000-d4e5f6",
        dry_run=True,
        counts={**day.counts, "verified": 0, "unverified": 0},
        api_calls={"searchListingsItems": 66},
        history=(),
        stock=replace(day.stock, feeds=()),
    )


def inventory_quiet() -> RunReport:
    return RunReport(
        batch_id="us-inventory-20261102-144500-0a0b0c",
        connection="us",
        kind="inventory",
        status="done",
        started_at=PUSHED + timedelta(minutes=15),
        finished_at=PUSHED + timedelta(minutes=15, seconds=2.2),
        counts={"skus": 4210, "pushed": 0, "unchanged": 4210, "held": 0, "failed": 0},
        api_calls={"searchListingsItems": 50},
        stock=StockRun(since=SINCE),
    )


def inventory_broken_off() -> RunReport:
    day = inventory_day()
    return replace(
        day,
        batch_id="us-inventory-20261102-145000-111111",
        status="failed",
        error="Amazon does not answer: patchListingsItem of TEE-XL in US, for the connection us.",
        remedy="Check the status of the Selling Partner API; what was not answered is sent by the next run.",
        counts={"skus": 4210, "pushed": 120, "unchanged": 3889, "held": 8, "failed": 1, "under_way": 90, "sold_out": 3},
        stock=replace(
            day.stock,
            drift=(),
            oversold=(),
            feeds=(
                FeedProgress("91827364", "US", 90, "submitted", PUSHED + timedelta(seconds=9)),
                FeedProgress(None, "CA", 40, "submitting", PUSHED + timedelta(seconds=12)),
                FeedProgress("91820011", "US", 24120, "done", PUSHED - timedelta(minutes=9),
                             PUSHED + timedelta(seconds=2), refused=3),
                FeedProgress("91810001", "CA", 1200, "fatal", PUSHED - timedelta(minutes=31),
                             PUSHED + timedelta(seconds=2), words="4000: The feed cannot be read."),
            ),
        ),
    )  # fmt: skip

"""What the report of an inventory run reads of the ledger: what is held, what moved, how the stock went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from mfn.amazon.marketplaces import BY_NAME
from mfn.ledger.batches import get_batch
from mfn.ledger.orders import reasons_text
from mfn.ledger.schema import Batch, BatchOffer, Feed, Offer
from mfn.models import Reason
from mfn.reports.stock import Brake, Drift, HeldSku, Movement, Oversold, Sold, StockRun
from mfn.rules.stock_brake import Loss
from mfn.steps.stock.report import RANKED_ROWS, READ_HELD, SHOWN, stock_facts

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

NOW = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
US, CA = BY_NAME["US"].marketplace_id, BY_NAME["CA"].marketplace_id
BATCH = "us-inventory-20261102-143000-5eed01"
COUNTS = {"skus": 9, "pushed": 4, "unchanged": 0, "held": 4, "failed": 1}
NEGATIVE = Reason("stock_negative", "on_hand is -1", "Count it.")
OLD = Reason("stock_too_old", "counted at 2026-10-01", "Count it again.")
BRAKE = Reason("warehouse_not_believed", "9 SKUs as a whole before, 1 now", "See the report of the run for the causes.")


def a_batch(ledger: Ledger, batch_id: str = BATCH, *, at: datetime = NOW, **changes: Any) -> None:
    values = {
        "batch_id": batch_id, "connection": "us", "kind": "inventory", "status": "done", "stage": "verify",
        "parameters": {"full": False, "dry_run": False, "force": False}, "counts": COUNTS, "api_calls": {},
        "findings": {}, "is_window_open": True, "started_at": at, "finished_at": at,
    } | changes  # fmt: skip
    with ledger.writing() as database:
        database.execute(insert(Batch).values(**values))


def offers(ledger: Ledger, *rows: dict[str, Any]) -> None:
    plain = {
        "connection": "us", "marketplace_id": US, "channel": "DEFAULT", "level_sent": None, "sold_not_imported": 0,
        "sold_seen_at": None, "is_applied": True, "status": "unchanged", "reasons": None, "updated_at": NOW,
    }  # fmt: skip
    with ledger.writing() as database:
        database.execute(insert(Offer), [plain | row for row in rows])


def outcomes(ledger: Ledger, *rows: dict[str, Any]) -> None:
    plain = {
        "batch_id": BATCH, "connection": "us", "marketplace_id": US, "outcome": "pushed", "level": None, "before": None,
        "shown": None, "sold": 0, "is_drift": False, "sent_by": "patch", "reasons": None, "at": NOW,
    }  # fmt: skip
    with ledger.writing() as database:
        database.execute(insert(BatchOffer), [plain | row for row in rows])


def stock_of(ledger: Ledger, batch_id: str = BATCH) -> StockRun:
    stock = stock_facts(ledger, get_batch(ledger, batch_id))["stock"]
    assert isinstance(stock, StockRun)
    return stock


def test_held_and_failed_skus_are_grouped_by_reason_also_of_earlier_runs_best_sellers_first(
    ledger: Ledger,
) -> None:
    a_batch(ledger)
    both = reasons_text([NEGATIVE, OLD])
    offers(
        ledger,
        {"seller_sku": "A", "status": "held", "reasons": both, "level_sent": 3},
        {"seller_sku": "B", "status": "held", "reasons": reasons_text([OLD]), "level_sent": 8, "marketplace_id": CA},
        {"seller_sku": "C", "status": "held", "reasons": reasons_text([OLD]), "marketplace_id": "", "channel": ""},
        {"seller_sku": "D", "status": "failed", "reasons": reasons_text([Reason("rule_fail", "no", "Change it.")])},
        {"seller_sku": "E", "status": "pushed"},
        {"seller_sku": "F", "status": "held", "reasons": both, "connection": "uk"},
    )
    old, *others = stock_of(ledger).held
    assert (old.code, old.count) == ("stock_too_old", 3)
    assert old.first == (
        HeldSku("B", "CA", 8, OLD.detail, OLD.remedy),
        HeldSku("A", "US", 3, OLD.detail, OLD.remedy),
        HeldSku("C", None, None, OLD.detail, OLD.remedy),
    )
    assert {(group.code, group.count, group.first[0].sku) for group in others} == {
        ("stock_negative", 1, "A"),
        ("rule_fail", 1, "D"),
    }


def test_of_thousands_that_one_reason_holds_the_first_are_read_and_all_are_counted(ledger: Ledger) -> None:
    a_batch(ledger)
    text = reasons_text([Reason("sku_unknown", 'like {"code":"stock_negative"}', "Map it.")])
    offers(ledger, *({"seller_sku": f"S{number:04d}", "status": "held", "reasons": text} for number in range(3_000)))
    (group,) = stock_of(ledger).held
    assert (group.code, group.count, len(group.first)) == ("sku_unknown", 3_000, READ_HELD)


def test_what_the_brake_holds_is_counted_and_what_is_held_anyway_is_listed(ledger: Ledger) -> None:
    losses = [{"location": "", "what": "SKUs", "before": 9, "now": 1}]
    a_batch(ledger, status="failed", findings={"brake": {"losses": losses, "is_forced": False}})
    offers(
        ledger,
        *({"seller_sku": f"S{number}", "status": "held", "reasons": reasons_text([BRAKE])} for number in range(7)),
        {"seller_sku": "A", "status": "held", "reasons": reasons_text([NEGATIVE])},
    )
    stock = stock_of(ledger)
    assert stock.brake == Brake((Loss("", "SKUs", 9, 1),))
    assert [(group.code, group.count, len(group.first)) for group in stock.held] == [
        ("warehouse_not_believed", 7, 0),
        ("stock_negative", 1, 1),
    ]


def test_an_empty_warehouse_says_why_and_force_is_distinguished(ledger: Ledger) -> None:
    losses = [{"location": "", "what": "SKUs", "before": 0, "now": 0, "why": "wms_item of the warehouse is empty"}]
    a_batch(ledger, findings={"brake": {"losses": losses, "is_forced": True}})
    assert stock_of(ledger).brake == Brake((), "wms_item of the warehouse is empty", is_forced=True)


def test_a_dry_run_shows_what_it_found_and_not_the_state_of_offers(ledger: Ledger) -> None:
    a_batch(ledger, parameters={"full": False, "dry_run": True, "force": False})
    offers(ledger, {"seller_sku": "A", "status": "held", "reasons": reasons_text([OLD])})
    outcomes(
        ledger,
        {"seller_sku": "B", "outcome": "held", "reasons": reasons_text([NEGATIVE]), "before": 4},
        {"seller_sku": "C", "level": 5, "before": 1},
    )
    stock = stock_of(ledger)
    assert [(group.code, group.first[0].sku, group.first[0].level) for group in stock.held] == [
        ("stock_negative", "B", 4)
    ]
    assert stock.moved == (Movement("C", "US", 1, 5),)
    assert stock.histories == ()  # Amazon was told nothing


def test_a_run_that_broke_off_before_it_compared_anything_shows_nothing_of_earlier_ones_as_its_own(
    ledger: Ledger,
) -> None:
    a_batch(ledger, status="failed", counts={})
    offers(ledger, {"seller_sku": "A", "status": "held", "reasons": reasons_text([OLD])})
    assert stock_of(ledger).held == ()


def test_the_largest_movements_come_first_and_drift_by_how_far_it_is_off(ledger: Ledger) -> None:
    a_batch(ledger)
    outcomes(
        ledger,
        {"seller_sku": "UP", "level": 40, "before": 10, "shown": 9, "sold": 1},
        {"seller_sku": "GONE", "level": 0, "before": 50},
        {"seller_sku": "NEW", "level": 35},
        {"seller_sku": "SAME", "level": 4, "before": 4},
        {"seller_sku": "DUE", "outcome": "due", "level": 900, "before": 1},
        {"seller_sku": "NEAR", "level": 6, "before": 6, "shown": 7, "is_drift": True},
        {"seller_sku": "FAR", "level": None, "before": 6, "shown": 30, "is_drift": True, "outcome": "held"},
    )
    stock = stock_of(ledger)
    assert stock.moved == (
        Movement("GONE", "US", 50, 0),
        Movement("NEW", "US", None, 35),
        Movement("UP", "US", 10, 40, 9, sold=1),
    )
    assert stock.drift == (Drift("FAR", "US", 6, 30, None), Drift("NEAR", "US", 6, 7, 6))


def test_of_many_movements_the_largest_are_read(ledger: Ledger) -> None:
    a_batch(ledger)
    outcomes(ledger, *({"seller_sku": f"S{units:02d}", "level": units, "before": 0} for units in range(1, 31)))
    assert [one.level for one in stock_of(ledger).moved] == [*range(30, 30 - SHOWN, -1)]


def test_units_sold_and_not_imported_are_added_up_over_all_listings(ledger: Ledger) -> None:
    a_batch(ledger)
    offers(
        ledger,
        *({"seller_sku": f"S{number:02d}", "sold_not_imported": 1} for number in range(30)),
        {"seller_sku": "MOST", "sold_not_imported": 5, "sold_seen_at": NOW},
    )
    stock = stock_of(ledger)
    assert stock.sold[0] == Sold("MOST", "US", 5, NOW)
    assert (len(stock.sold), stock.sold_listings, stock.sold_units) == (SHOWN, 31, 35)


def test_feeds_of_this_run_those_that_it_saw_the_end_of_and_those_under_way_are_shown(ledger: Ledger) -> None:
    a_batch(ledger, "us-inventory-20261102-100000-000001", at=NOW - timedelta(hours=4))
    a_batch(ledger)
    plain: dict[str, Any] = {
        "connection": "us", "marketplace_id": US, "batch_id": "us-inventory-20261102-100000-000001",
        "created_at": NOW - timedelta(hours=3), "messages": [["A", 1, 1, 1], ["B", 0, 0, 0]],
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"number": 1, "feed_id": "50001", "status": "done", "done_at": NOW - timedelta(hours=2), "errors": {}},
        {"number": 2, "feed_id": "50002", "status": "done", "done_at": NOW, "errors": {"invalid": 1, "general": "odd"}},
        {"number": 3, "feed_id": "50003", "status": "submitted", "done_at": None, "errors": None},
        {"number": 4, "feed_id": None, "status": "submitting", "done_at": None, "errors": None, "batch_id": BATCH},
    ]
    with ledger.writing() as database:
        database.execute(insert(Feed), [plain | row for row in rows])
    feeds = stock_of(ledger).feeds
    assert [(feed.feed_id, feed.status, feed.skus, feed.refused, feed.words) for feed in feeds] == [
        (None, "submitting", 2, 0, ""),
        ("50003", "submitted", 2, 0, ""),
        ("50002", "done", 2, 1, "odd"),
    ]


def run_of(number: int) -> str:
    return f"us-inventory-20261101-{number:06d}-000000"


def test_the_history_has_every_change_of_a_week_of_the_listings_that_moved_most_lately(ledger: Ledger) -> None:
    week = timedelta(days=7)
    levels = {"MOST": (60, 0, 50), "SOME": (30, 20, 25), "SAME": (7, 7, 7)}
    for number, at in enumerate((NOW - week - timedelta(hours=1), NOW - timedelta(days=2), NOW - timedelta(hours=2))):
        a_batch(ledger, run_of(number), at=at)
        for sku, of_sku in levels.items():
            before = of_sku[number - 1] if number else None
            outcomes(
                ledger,
                {"batch_id": run_of(number), "seller_sku": sku, "level": of_sku[number], "before": before, "at": at},
            )
    a_batch(ledger, run_of(9), at=NOW - timedelta(hours=1), parameters={"dry_run": True})
    outcomes(ledger, {"batch_id": run_of(9), "seller_sku": "MOST", "level": 1, "before": 50, "at": NOW})
    a_batch(ledger, counts=COUNTS | {"pushed": 0})
    stock = stock_of(ledger)
    assert stock.since == NOW - week
    assert [(one.sku, one.marketplace, one.first, [level for _, level in one.changes]) for one in stock.histories] == [
        ("MOST", "US", 60, [0, 50]),
        ("SOME", "US", 30, [20, 25]),
    ]
    assert stock.histories[0].changes[0][0] == NOW - timedelta(days=2)


def test_the_history_of_listings_that_are_all_new_begins_with_the_first_of_them(ledger: Ledger) -> None:
    first = NOW - timedelta(hours=3)
    a_batch(ledger)
    for hours, sku, level in ((2, "A", 8), (3, "B", 7), (1, "A", 2)):
        at, batch_id = NOW - timedelta(hours=hours), run_of(hours)
        a_batch(ledger, batch_id, at=at)
        before = 8 if level == 2 else None
        outcomes(ledger, {"batch_id": batch_id, "seller_sku": sku, "level": level, "before": before, "at": at})
    assert stock_of(ledger).since == first


def test_what_moved_lately_is_looked_for_in_no_more_rows_than_a_report_can_afford(ledger: Ledger) -> None:
    for number, pushed in enumerate((3, RANKED_ROWS + 1, 3)):
        at = NOW - timedelta(hours=3 - number)
        a_batch(ledger, run_of(number), at=at, counts=COUNTS | {"pushed": pushed})
        outcomes(ledger, {"batch_id": run_of(number), "seller_sku": f"S{number}", "level": 9, "before": 1, "at": at})
    a_batch(ledger, counts=COUNTS | {"pushed": 0})
    assert [one.sku for one in stock_of(ledger).histories] == ["S2"]
    with ledger.writing() as database:
        database.execute(update(Batch).where(Batch.batch_id == run_of(2)).values(counts=COUNTS | {"pushed": 0}))
    assert [one.sku for one in stock_of(ledger).histories] == ["S1"]  # however many, the newest run is looked at


def test_findings_of_the_comparison_are_shown_as_they_are(ledger: Ledger) -> None:
    oversold = [
        {"sku": "PLATE", "marketplace_id": CA, "left": 3, "promised": 7, "offers": ["KIT-A", "KIT-B"], "further": 5}
    ]
    findings = {
        "brake": None, "oversold": oversold, "warnings": {"item_inactive": 2}, "ignored": {"not_merchant_fulfilled": 4},
    }  # fmt: skip
    a_batch(ledger, findings=findings)
    facts = stock_facts(ledger, get_batch(ledger, BATCH))
    assert facts["stock"].oversold == (Oversold("PLATE", "CA", 3, 7, ("KIT-A", "KIT-B"), 5),)
    assert facts["stock"].brake is None
    assert (facts["warnings"], facts["ignored"]) == ({"item_inactive": 2}, {"not_merchant_fulfilled": 4})

"""What the report of an inventory run tells first, what it clips, and the charts of the stock's history."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mfn.quality.stock import ITEMS, STOCK
from mfn.reports.grouping import TITLES, group_skus
from mfn.reports.html import render_index, render_page
from mfn.reports.markdown import held_rows, render_markdown
from mfn.reports.model import PastRun
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
from mfn.reports.trend import draw_trend
from mfn.rules.stock_brake import Loss
from mfn.rules.stock_faults import REMEDIES
from tests.pages import Page
from tests.sample_inventory_reports import (
    PUSHED,
    SINCE,
    inventory_braked,
    inventory_broken_off,
    inventory_day,
    inventory_quiet,
    inventory_rehearsal,
    past_pushes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.reports.model import RunReport

BOTH = pytest.mark.parametrize("render", [lambda report: Page(render_page(report)).text, render_markdown],
                               ids=["page", "md"])  # fmt: skip
HOSTILE = "<script>alert(1)</script>\"'&`|*[x](javascript:1)\n# big"


@BOTH
def test_what_happened_to_the_stock_and_what_waits_come_first(render: Callable[[RunReport], str]) -> None:
    text = render(inventory_day()).replace("\N{NO-BREAK SPACE}", " ")
    assert "Stock of 312 SKUs was sent to Amazon (3 sold out), 9 SKUs need attention." in text
    places = [text.index(part) for part in ("sent to Amazon", "4,210", "At a glance")]
    assert places == sorted(places)


def test_the_sum_has_every_sku_that_was_compared_in_exactly_one_outcome() -> None:
    assert "every SKU that was compared has exactly one outcome" in render_page(inventory_day())
    assert "skus 4,210 = pushed 312 + unchanged 3,889 + held 8 + failed 1 ✓" in render_markdown(inventory_day())
    wrong = replace(inventory_day(), counts={**inventory_day().counts, "pushed": 311})
    assert "✗ The sum does not add up: 4,210 compared, 4,209 accounted for, 1 missing." in render_page(wrong)
    assert "DOES NOT ADD UP" in render_markdown(wrong)


@BOTH
def test_a_brake_says_that_nothing_was_pushed_what_is_gone_and_the_command(render: Callable[[RunReport], str]) -> None:
    text = render(inventory_braked())
    assert "Nothing was pushed: the warehouse is not believed." in text
    assert "mfn inventory us --force" in text
    assert "mfn rerun us-inventory" not in text.split("SKUs compared")[0].split("skus 4,210")[0]
    assert "72 %" in text
    assert "190,310 units" in text
    assert "4,201" in text
    assert "At a glance" not in text


def test_a_warehouse_that_answers_empty_has_no_percentage_and_is_still_reported() -> None:
    empty = replace(inventory_braked(), stock=StockRun(brake=Brake(why="wms_inventory has no row")))
    assert "Nothing was pushed" in render_page(empty)
    forced = replace(inventory_day(), stock=StockRun(brake=Brake(why="wms_inventory has no row", is_forced=True)))
    for text in (Page(render_page(forced)).text, render_markdown(forced)):
        assert re.search(r"although the warehouse was not believed:[ *]+wms\\?_inventory has no row", text)
        assert "Stock of 312 SKUs was sent to Amazon" in text


@BOTH
def test_a_rehearsal_says_so_and_shows_what_would_be_pushed(render: Callable[[RunReport], str]) -> None:
    text = render(inventory_rehearsal()).replace("\N{NO-BREAK SPACE}", " ")
    assert "nothing was pushed" in text
    assert "Stock of 312 SKUs would be sent to Amazon (3 sold out)" in text
    assert "What would move most" in text
    assert "What moved most" not in text


@BOTH
def test_a_quiet_run_is_a_few_lines(render: Callable[[RunReport], str]) -> None:
    text = render(inventory_quiet())
    assert "Nothing new for Amazon, nothing is held." in text
    assert "At a glance" not in text
    assert len(text.rpartition("display: none; }")[2]) < 700


@BOTH
def test_a_run_that_broke_off_says_how_far_it_got_and_which_feeds_are_under_way(
    render: Callable[[RunReport], str],
) -> None:
    text = render(inventory_broken_off())
    assert "The run failed. 120 SKUs were pushed to Amazon before that" in text
    assert "192" in text
    assert "91827364" in text
    assert "sent, not known yet whether Amazon received it" in text
    assert "failed as a whole; its SKUs will be sent again: 4000: The feed cannot be read" in text


@BOTH
def test_held_skus_are_grouped_by_reason_with_remedy_rows_to_paste_and_what_amazon_keeps_selling(
    render: Callable[[RunReport], str],
) -> None:
    text = render(inventory_day())
    assert "us,,MUG-BLUE,MUG-BLU,1," in text
    assert re.search(r"Correct it in the warehouse: count what is there", text)
    assert re.search(r"LAMP-OAK (in )?US \(?(last level sent )?41", text)
    parts = ["Stock count too old", "SKU unknown to the warehouse", "Negative stock"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


def many(count: int) -> HeldSkus:
    skus = (HeldSku(f"SKU-{number:04d}.", "US", 1, "on_hand is -1", "Count it.") for number in range(200))
    return HeldSkus("stock_negative", count, tuple(skus))


def test_of_thousands_of_held_skus_the_first_fifty_are_shown_and_the_rest_counted() -> None:
    report = replace(inventory_day(), stock=replace(inventory_day().stock, held=(many(5_000),)))
    text = Page(render_page(report)).text
    assert "5,000 Negative stock" in text
    assert "SKU-0049." in text
    assert "SKU-0050." not in text
    assert "and 4,950 more" in text
    assert text.count("Count it.") == 1
    markdown = render_markdown(report)
    assert "SKU-0019." in markdown
    assert "SKU-0020." not in markdown
    assert "- and 4,980 more" in markdown
    assert len(held_rows(report)) == 200


def test_groups_of_held_skus_are_ordered_by_how_many_they_hold() -> None:
    groups = group_skus((replace(many(3), code="stock_too_old"), many(9), replace(many(3), code="item_unknown")))
    assert [group.code for group in groups] == ["stock_negative", "item_unknown", "stock_too_old"]


def test_rows_of_the_prefect_table_name_sku_place_reason_and_remedy() -> None:
    rows = held_rows(inventory_day())
    assert len(rows) == 9
    assert rows[0] == {
        "sku": "LAMP-OAK",
        "where": "US",
        "reason": "stock_too_old",
        "detail": "counted at 2026-10-28 06:10 UTC, more than 72 hours ago (MAIN)",
        "amazon_was_told": "41",
        "what_to_do": rows[0]["what_to_do"],
    }
    assert rows[0]["what_to_do"].startswith("Count it")
    braked = held_rows(inventory_braked())
    assert (braked[0]["sku"], braked[0]["reason"]) == ("4,201 SKUs", "warehouse_not_believed")
    assert "--force" in braked[0]["what_to_do"]
    assert {frozenset(row) for row in braked} == {frozenset(rows[0])}


def test_movements_show_from_what_to_what_and_what_was_sold_in_between() -> None:
    text = Page(render_page(inventory_day())).text
    assert "CANDLE-3 US 231 12 \N{MINUS SIGN}219 PILLOW-W US none 64 +64" in text
    assert "KNIFE-8 US 70 96 +26 minus 2 sold and not imported yet" in text
    assert "TEE-XL US 2 0 \N{MINUS SIGN}2 sold out and 304 more were pushed" in text
    markdown = render_markdown(inventory_day())
    assert (
        "- CANDLE-3 in US: 12 (\N{MINUS SIGN}219), 231 before\n- PILLOW-W in US: 64 (+64), first level sent" in markdown
    )
    assert "- KNIFE-8 in US: 96 (+26), 70 before, minus 2 sold and not imported yet" in markdown
    assert "- TEE-XL in US: 0 (\N{MINUS SIGN}2), 2 before, sold out\n- and 304 more" in markdown


@pytest.mark.parametrize(
    ("before", "level", "units", "is_sold_out"),
    [(2, 0, -2, True), (None, 0, 0, False), (0, 0, 0, False), (None, 64, 64, False), (2, 1, -1, False)],
)
def test_a_listing_is_sold_out_where_there_was_something_before(
    before: int | None, level: int, units: int, *, is_sold_out: bool
) -> None:
    moved = Movement("TEE-XL", "US", before, level)
    assert (moved.units, moved.is_sold_out) == (units, is_sold_out)


@BOTH
def test_drift_kits_that_promise_too_much_and_sales_not_imported_are_shown(render: Callable[[RunReport], str]) -> None:
    text = render(inventory_day())
    assert re.search(r"POT-5L (in )?US:?( sent)? 18,?( Amazon shows)? 50", text)
    assert re.search(r"MUG-BLU (in )?US:? 52( left,)? 78( promised by)? GIFT-SET, MUG-BLU, MUG-SET-4", text)
    assert re.search(r"KNIFE-8 (in )?US:? 2", text)
    assert "4 Not active in the warehouse, sent as 0" in text
    assert "118 Fulfilled by Amazon" in text


def test_the_trend_of_pushes_leaves_out_what_did_not_change() -> None:
    counts = {"skus": 100_000, "pushed": 40, "unchanged": 99_950, "held": 8, "failed": 2}
    run = PastRun("us-inventory-20261102-143000-5eed01", "us", "inventory", "done", PUSHED, counts)
    trend = draw_trend([run])
    assert trend.top == 50
    assert trend.bars[0].label == "02 Nov 14:30 UTC: 40 pushed, 10 held"
    page = render_page(inventory_day())
    assert "SKUs by run, oldest first" in page
    assert "Stacked bars: pushed and held or refused SKUs of each run." in page


def test_the_index_knows_the_kind_and_leaves_out_runs_in_which_nothing_was_pushed() -> None:
    rows = sorted(past_pushes(14), key=lambda row: row.started_at, reverse=True)
    quiet = [replace(row, counts=dict(row.counts, pushed=0, failed=0)) for row in rows]
    page = Page(render_index(rows, day=PUSHED.date(), days=(), is_newest=True)).text
    assert "4,210 SKUs" in page
    assert page.count("inventory") == 14
    few = Page(render_index(quiet, day=PUSHED.date(), days=(), is_newest=True)).text
    assert few.count("inventory") == 2  # the newest, and the one that failed
    assert "of them with nothing to do" in few


def test_each_listing_that_moved_has_a_chart_that_says_itself_in_words_and_as_a_table() -> None:
    page = render_page(inventory_day())
    text = Page(page).text
    assert page.count('class="line"') == 6
    assert page.count("preserveAspectRatio") >= 6
    assert "MUG-BLU in US: 120 at the start, between 0 and 140, 99 now; changed 41 times, sold out 1 time." in text
    assert "CANDLE-3 in US: first sent in this span, between 12 and 250, 12 now" in text
    assert "GIFT-SET US 30 0 40 35 7" in text  # the row of the table
    for name in ("title", "text"):
        ids = re.findall(rf'id="(level-\d-{name})"', page)
        assert len(ids) == len(set(ids)) == 6
        assert all(f"{one}" in page for one in ids)


def hostile_stock() -> RunReport:
    sku = HeldSku(HOSTILE, HOSTILE, 1, HOSTILE, f"{HOSTILE}:\n{HOSTILE}")
    stock = StockRun(
        brake=Brake((Loss(HOSTILE, HOSTILE, 9, 1),), why=HOSTILE, is_forced=True),
        held=(HeldSkus(f"odd{HOSTILE}", 1, (sku,)),),
        moved=(Movement(HOSTILE, HOSTILE, 9, 0, 9, sold=1),),
        drift=(Drift(HOSTILE, HOSTILE, 9, 1, 9),),
        oversold=(Oversold(HOSTILE, HOSTILE, 1, 2, (HOSTILE,)),),
        sold=(Sold(HOSTILE, HOSTILE, 1, PUSHED),),
        sold_listings=1,
        sold_units=1,
        feeds=(FeedProgress(HOSTILE, HOSTILE, 1, HOSTILE, PUSHED, words=HOSTILE),),
        histories=(StockHistory(HOSTILE, HOSTILE, 1, ((PUSHED, 2),)),),
        since=SINCE,
    )
    return replace(inventory_day(), error=HOSTILE, remedy=HOSTILE, stock=stock)


@pytest.mark.parametrize("is_forced", [True, False], ids=["forced", "braked"])
def test_html_and_markdown_in_any_text_are_shown_and_never_run_or_read(is_forced: bool) -> None:
    report = hostile_stock()
    stock = replace(report.stock, brake=replace(report.stock.brake or Brake(), is_forced=is_forced))
    report = replace(report, stock=stock)
    page = render_page(report)
    assert "<script" not in page
    assert "script" not in Page(page).tags
    assert Page(page).text.count("<script>alert(1)</script>") >= 10
    markdown = render_markdown(report)
    outside_code = "\n".join(line for line in markdown.splitlines() if not line.startswith("    "))
    assert not re.search(r"(?<!\\)[<`]", outside_code)
    assert not re.search(r"(?<!\\)\]\(", outside_code)
    assert not re.search(r"^# ", markdown, re.MULTILINE)


def test_every_reason_of_stock_has_a_title() -> None:
    codes = {*REMEDIES, "sku_unknown", "listing_missing", "awaiting_import", "warehouse_not_believed", "rule_hold",
             "rule_skip", "rule_fail", "refused_by_amazon", "item_inactive", "not_merchant_fulfilled"}  # fmt: skip
    assert codes | {rule.code for rule in (*STOCK.rules, *ITEMS.rules)} <= set(TITLES)

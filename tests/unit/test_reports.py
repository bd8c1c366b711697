"""The report's texts: what a person sees first, what adds up, what is escaped, and that nothing comes from elsewhere.

The golden files are written again by `MFN_WRITE_GOLDEN=1 .venv/bin/pytest tests/unit/test_reports.py`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.models import Reason
from mfn.quality.model import Finding, QualityReport
from mfn.reports.grouping import group_held, read_instructions
from mfn.reports.html import render_index, render_page
from mfn.reports.markdown import held_rows, render_markdown
from mfn.reports.model import CarrierUse, Conflict, HeldOrder, LateParcel, Punctuality, RunReport
from mfn.reports.trend import HEIGHT, draw_trend
from tests import sample_inventory_reports as stock
from tests import sample_trust_reports as trust
from tests.pages import Page
from tests.sample_confirm_reports import confirm_broken_off, confirm_day, confirm_quiet, past_confirmations
from tests.sample_reports import START, failed_run, ordinary_day, past_runs, quiet_run, wrong_sum

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SAMPLES = [
    *(ordinary_day, quiet_run, failed_run, wrong_sum),
    *(confirm_day, confirm_quiet, confirm_broken_off),
    *(stock.inventory_day, stock.inventory_braked, stock.inventory_rehearsal),
    *(stock.inventory_quiet, stock.inventory_broken_off),
    *(trust.reconcile_day, trust.reconcile_quiet, trust.purge_day, trust.purge_rehearsal, trust.purge_broken_off),
]


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("MFN_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_the_page_is_the_golden_one(sample: Callable[[], RunReport]) -> None:
    assert_golden(f"report_{sample.__name__}.html", render_page(sample()))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_the_markdown_is_the_golden_one(sample: Callable[[], RunReport]) -> None:
    assert_golden(f"report_{sample.__name__}.md", render_markdown(sample(), url="file:///reports/page.html"))


def test_the_index_is_the_golden_one() -> None:
    days = [date(2026, 11, 1), date(2026, 10, 31)]
    runs = [*past_runs(3), *past_confirmations(12), *stock.past_pushes(14)]
    rows = sorted(runs, key=lambda row: row.started_at, reverse=True)
    assert_golden("report_index.html", render_index(rows, day=date(2026, 11, 2), days=days, is_newest=True))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_a_page_takes_nothing_from_elsewhere_and_runs_no_script(sample: Callable[[], RunReport]) -> None:
    text = render_page(sample())
    page = Page(text)
    assert page.open == []
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    assert not {"script", "iframe", "img", "object", "form"} & set(page.tags)
    assert " style=" not in text
    assert set(page.links) == {"data:,", "index.html"}


def test_the_policy_of_a_page_allows_its_own_style_and_nothing_else() -> None:
    text = render_page(quiet_run())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'" in text


def test_a_sum_that_adds_up_is_said_to_and_one_that_does_not_is_loud() -> None:
    assert "✓ The sum adds up" in render_page(ordinary_day())
    assert "138 = loaded 117 + held 5 + unchanged 9 + cancelled 3 + ignored 4 ✓" in render_markdown(ordinary_day())
    missing = Page(render_page(wrong_sum())).text
    assert "✗ The sum does not add up: 138 fetched, 136 accounted for, 2 missing." in missing
    assert "✓" not in missing
    assert "DOES NOT ADD UP" in render_markdown(wrong_sum())
    too_many = replace(wrong_sum(), counts={**ordinary_day().counts, "held": 6})
    assert "1 too many" in render_page(too_many)
    assert "1 too many" in render_markdown(too_many)
    assert "✗" in render_page(replace(too_many, status="failed"))


@given(st.integers(0, 9), st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_the_check_mark_is_shown_exactly_when_the_outcomes_add_up(fetched: int, outcomes: list[int]) -> None:
    names = ("loaded", "held", "unchanged", "cancelled", "ignored")
    counts = {"fetched": fetched, **dict(zip(names, outcomes, strict=True))}
    report = replace(quiet_run(), counts=counts)
    assert ("✓" in render_page(report)) == (fetched == sum(outcomes))
    assert ("✓" in render_markdown(report)) == (fetched == sum(outcomes))


def test_a_failed_run_says_first_what_happened_and_what_to_do() -> None:
    in_a_stage = replace(failed_run(), failed_at="transform")
    assert "What happened at transform" in Page(render_page(in_a_stage)).text
    assert "**What happened at transform:**" in render_markdown(in_a_stage)
    text = Page(render_page(failed_run())).text
    places = [
        text.index(part) for part in ("connection refused", "What to do:", "fetched from Amazon", "6 orders held")
    ]
    assert places == sorted(places)
    assert "mfn rerun us-import-20261102-094500-0a0b0c" in text
    assert "126 orders not decided" in text
    assert "Nothing is lost" in text


def test_a_run_that_failed_before_anything_was_fetched_has_a_page_too() -> None:
    bare = RunReport("us-import-20261102-091500-a1b2c3", "us", "import", "failed", START, error=None)
    assert "It stopped without a message." in render_page(bare)
    assert "mfn rerun us-import-20261102-091500-a1b2c3" in render_markdown(bare)
    assert held_rows(bare) == []


def test_what_is_held_is_shown_with_its_count_its_remedy_and_the_row_to_paste() -> None:
    text = render_page(ordinary_day())
    assert "<pre>us,,TEE_XL,TEE-XL,1,\nus,,MUG-BLUE-2,MUG-BLU-2,1,</pre>" in text
    assert "<pre>us,PREMIUM,Scheduled,,CODE_OF_THE_WAREHOUSE,</pre>" in text
    groups = group_held(ordinary_day().held)
    assert [(group.code, group.count) for group in groups] == [
        ("sku_unknown", 3),
        ("shipping_method_unmapped", 2),
        ("address_incomplete", 1),
        ("buyer_cancel_requested", 1),
    ]
    assert [order.order_id[-1] for order, _ in groups[0].parts[0].orders] == ["3", "1", "2"]  # by ship-by


def test_of_many_held_orders_the_most_urgent_fifty_are_shown_and_the_rest_counted() -> None:
    reason = Reason("sku_unknown", "seller SKU A is no item", "Add the item.")
    orders = tuple(
        HeldOrder(f"111-{number:07d}-0000000", (reason,), ship_by=START + timedelta(hours=number))
        for number in reversed(range(1234))
    )
    report = replace(ordinary_day(), held=orders)
    text = Page(render_page(report)).text
    assert "111-0000000-0000000" in text
    assert "111-0000049-0000000" in text
    assert "111-0000050-0000000" not in text
    assert "and 1,184 more: mfn orders --status held" in text
    assert "1,214 more: mfn orders --status held" in render_markdown(report)
    assert held_rows(report)[0]["order"] == "111-0000000-0000000"


def test_remedies_of_many_orders_become_few_instructions_with_every_row_once() -> None:
    row = "Add this row to mappings/sku_aliases.csv:\nus,,A,B,1,"
    other = "Add this row to mappings/sku_aliases.csv:\nus,,C,D,1,\nCorrect the row of E in mappings/sku_aliases.csv."
    with_blanks = "Add this row to mappings/sku_aliases.csv:\n\n  us,,A,B,1,  \n\n"
    found = read_instructions([row, other, with_blanks, row, ""])
    assert [(one.text, one.pastes) for one in found] == [
        ("Add this row to mappings/sku_aliases.csv:", ("us,,A,B,1,", "us,,C,D,1,")),
        ("Correct the row of E in mappings/sku_aliases.csv.", ()),
    ]


def test_orders_held_for_one_reason_are_shown_together_whatever_fixes_each_of_them() -> None:
    reasons = [Reason("address_incomplete", "the city is missing", remedy) for remedy in ("Ask the buyer.", "Ask.")]
    orders = [HeldOrder(f"111-000000{number}-0000000", (reason,)) for number, reason in enumerate(reasons)]
    (group,) = group_held(orders)
    assert [[one.text for one in part.instructions] for part in group.parts] == [["Ask the buyer.", "Ask."]]
    assert len(group_held(orders, by_remedy=True)[0].parts) == 2


def test_rows_beyond_the_first_fifty_are_counted() -> None:
    assert len(read_instructions(f"Mend {number}." for number in range(60))) == 50
    found = read_instructions(f"Add the row:\nus,,SKU-{number},,1," for number in range(60))
    assert len(found) == 1
    assert (len(found[0].pastes), found[0].further) == (50, 10)


HOSTILE = "<script>alert(1)</script>\"'&`|*[x](javascript:1)\n# big"


def hostile() -> RunReport:
    reason = Reason(f"odd{HOSTILE}", HOSTILE, f"{HOSTILE}:\n{HOSTILE}")
    finding = Finding("orders", "rule", "column", HOSTILE, "critical", 5, 1, problem=HOSTILE)
    return replace(
        ordinary_day(),
        connection=HOSTILE,
        status="failed",
        error=HOSTILE,
        remedy=HOSTILE,
        held=(HeldOrder(HOSTILE, (reason,), service_level=HOSTILE),),
        ignored={HOSTILE: 1},
        warnings={HOSTILE: 1},
        conflicts=(Conflict(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        findings=QualityReport((finding,)),
        api_calls={HOSTILE: 1},
    )


def hostile_parcels() -> RunReport:
    day = confirm_day()
    shown = replace(hostile().held[0], parcel=HOSTILE)
    return replace(
        day,
        connection=HOSTILE,
        held=(shown,),
        noted=(shown,),
        warnings={HOSTILE: 1},
        conflicts=hostile().conflicts,
        punctuality=Punctuality(late_parcels=(LateParcel(HOSTILE, HOSTILE, START, None, HOSTILE),)),
        carriers=(CarrierUse(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, is_unlisted=True, parcels=1),),
        api_calls={HOSTILE: 1},
    )


@pytest.mark.parametrize("sample", [hostile, hostile_parcels], ids=lambda sample: sample.__name__)
def test_html_in_any_text_is_shown_and_never_run(sample: Callable[[], RunReport]) -> None:
    text = render_page(sample())
    page = Page(text)
    assert "<script" not in text
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 10
    index = render_index([replace(past_runs(1)[0], connection=HOSTILE)], day=START.date(), days=[], is_newest=True)
    assert "<script" not in index


@pytest.mark.parametrize("sample", [hostile, hostile_parcels], ids=lambda sample: sample.__name__)
def test_markdown_in_any_text_is_shown_and_never_read(sample: Callable[[], RunReport]) -> None:
    text = render_markdown(sample())
    outside_code = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    assert not re.search(r"(?<!\\)[<`]", outside_code)
    assert not re.search(r"(?<!\\)\]\(", outside_code)
    assert not re.search(r"^# ", text, re.MULTILINE)


def test_a_check_that_could_not_run_is_distinguished_from_rows_that_failed() -> None:
    findings = (
        Finding(
            "orders", "a", "ship_by", "Ship-by is after the order date", "warning", 0, 0, problem="No column ship_by."
        ),
        Finding("orders", "b", "warehouse_code", "The shipping method is mapped", "critical", 9, 2),
        Finding("orders", "c", "order_id", "No order appears twice", "critical", 9, 0),
    )
    text = Page(render_page(replace(ordinary_day(), findings=QualityReport(findings)))).text
    assert "Ship-by is after the order date No column ship_by. could not run" in text
    assert "The shipping method is mapped 9 2 held" in text
    assert "1 check passed" in text
    critical = QualityReport((replace(findings[1], problem="No column warehouse_code."),))
    assert "A check could not run" in render_markdown(replace(ordinary_day(), findings=critical))


def test_a_dry_run_says_that_nothing_reached_the_warehouse() -> None:
    report = replace(ordinary_day(), dry_run=True)
    text = Page(render_page(report)).text
    assert "117 orders would be loaded into the warehouse" in text
    assert "nothing reached the warehouse" in text
    assert "nothing reached the warehouse" in render_markdown(report)


def test_times_are_shown_in_utc_and_urgency_from_the_end_of_the_run() -> None:
    text = Page(render_page(ordinary_day())).text
    assert "2 Nov 2026, 09:15 UTC" in text
    assert "2 Nov 07:15 overdue" in text
    assert "2 Nov 14:15 in 5 h" in text
    assert START.tzinfo is UTC


def test_the_trend_shows_the_last_thirty_runs_within_its_frame_and_says_its_figures() -> None:
    trend = draw_trend(past_runs(45))
    assert len(trend.bars) == 30
    assert trend.bars[-1].run == past_runs(45)[-1]
    for bar in trend.bars:
        assert sum(part.height for part in bar.segments) <= HEIGHT
        assert all(part.y >= 0 for part in bar.segments)
    page = render_page(ordinary_day())
    assert 'role="img"' in page
    assert "Orders by run, oldest first" in page
    assert "2 Nov 09:15" in Page(page).text.split("The figures as a table")[1]
    assert "runs</h2>" not in render_page(quiet_run())  # a trend needs two


@pytest.mark.parametrize(
    ("fetched", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (10, 10), (11, 20), (51, 100), (100, 100), (101, 200)]
)
def test_the_grid_of_the_trend_ends_at_a_round_number(fetched: int, top: int) -> None:
    (run,) = past_runs(1)
    assert draw_trend([replace(run, counts={"fetched": fetched})]).top == top


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=40))
def test_no_bar_of_the_trend_is_higher_than_its_grid(fetched: list[int]) -> None:
    runs = [
        replace(run, counts={"fetched": count, "loaded": count // 2, "held": count // 3})
        for run, count in zip(past_runs(len(fetched)), fetched, strict=True)
    ]
    trend = draw_trend(runs)
    assert trend.top >= max(fetched[-30:])
    assert all(part.y >= -6 for bar in trend.bars for part in bar.segments)  # least heights may add up to 6


def test_rows_of_the_prefect_table_name_order_reason_and_remedy() -> None:
    rows = held_rows(ordinary_day())
    assert len(rows) == 7
    assert rows[0]["order"] == "111-0000003-1000003"
    assert rows[0]["ship_by"] == "2 Nov 2026, 07:15 UTC"
    assert rows[2]["prime"] == "yes"
    assert "us,,MUG-BLUE-2,MUG-BLU-2,1," in rows[2]["what_to_do"]
    assert all(isinstance(value, str) for row in rows for value in row.values())

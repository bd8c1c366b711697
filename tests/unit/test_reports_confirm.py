"""What the report of a confirm run tells first, and what stands with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.reports.grouping import group_held
from mfn.reports.html import render_page
from mfn.reports.markdown import held_rows, render_markdown
from mfn.reports.model import LateParcel, PastRun, Punctuality
from mfn.reports.trend import draw_trend
from tests.pages import Page
from tests.sample_confirm_reports import CONFIRMED, confirm_broken_off, confirm_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.reports.model import RunReport


def test_the_sum_of_a_confirm_run_and_what_amazon_shows_of_all_sent_parcels_come_first() -> None:
    text = Page(render_page(confirm_day())).text
    assert "38 parcels were confirmed to Amazon (2\N{NO-BREAK SPACE}late), 6 parcels need attention." in render_page(
        confirm_day()
    )
    assert "46 parcels due" in text
    assert "every parcel that was due has exactly one outcome" in text
    assert "Amazon shows 1,204 of 1,265 parcels confirmed so far; 61 not shown yet" in text
    assert "shipments 46 = sent 38 + held 3 + skipped 4 + failed 1 + pending 0 ✓" in render_markdown(confirm_day())


@pytest.mark.parametrize("render", [lambda report: Page(render_page(report)).text, render_markdown], ids=["page", "md"])
def test_late_parcels_come_before_all_that_can_wait_and_unconfirmed_ones_before_confirmed_ones(
    render: Callable[[RunReport], str],
) -> None:
    text = render(confirm_day())
    parts = ["Against ship-by", "P-1011", "P-1012", "P-1041", "2 days", "P-1042", "No tracking number"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_of_many_late_parcels_the_first_are_shown_and_the_rest_counted() -> None:
    parcels = tuple(
        LateParcel(f"111-{number:07d}-0000000", f"P{number:04d}.", CONFIRMED - timedelta(hours=1), None, "held")
        for number in range(1234)
    )
    report = replace(confirm_day(), punctuality=Punctuality(overdue=1234, late_parcels=parcels))
    text = Page(render_page(report)).text
    assert "P0049." in text
    assert "P0050." not in text
    assert "and 1,184 more" in text
    assert "and 1,214 more" in render_markdown(report)


def test_an_unmapped_carrier_is_shown_with_the_row_to_paste() -> None:
    text = render_page(confirm_day())
    assert "<pre>,Bob&#39;s Vans,,Other,Bob&#39;s Vans,,\n,Roayl Mail,,Royal Mail,,,</pre>" in text
    carriers = Page(text).text.split("as sent to Amazon")[1]
    assert "Bob's Vans Other: Bob's Vans not mapped 2" in carriers
    assert "2 parcels: Bob's Vans → Other: Bob's Vans (not mapped)" in render_markdown(confirm_day())


def test_amazons_words_are_shown_with_the_parcel_that_it_refused() -> None:
    words = "InvalidInput: The tracking number is not valid for the carrier."
    page = Page(render_page(confirm_day())).text
    assert f"P-1012 {words}" in page
    assert f"parcel P-1012: {words}" in render_markdown(confirm_day())
    (row,) = (row for row in held_rows(confirm_day()) if row["reason"] == "refused_by_amazon")
    assert (row["order"], row["parcel"], row["detail"]) == ("111-0000012-1000012", "P-1012", words)


def test_two_parcels_of_one_order_that_are_held_are_two() -> None:
    one = confirm_day().held[0]
    (group,) = group_held((one, replace(one, parcel="P-2000")))
    assert group.count == 2
    assert [order.parcel for order, _ in group.parts[0].orders] == ["P-1011", "P-2000"]


def test_equally_urgent_held_parcels_are_sorted_by_order_and_id() -> None:
    one = confirm_day().held[0]
    names = [("111-0000001-0000000", "P-2"), ("111-0000002-0000000", "P-1"), ("111-0000002-0000000", "P-3")]
    parcels = [replace(one, order_id=order_id, parcel=parcel) for order_id, parcel in names]
    (group,) = group_held(parcels[::-1])
    assert [(order.order_id, order.parcel) for order, _ in group.parts[0].orders] == names


def test_a_confirm_run_that_broke_off_says_what_is_still_to_be_sent() -> None:
    text = Page(render_page(confirm_broken_off())).text
    assert "The run failed. 20 parcels were confirmed to Amazon before that" in text
    assert "18 pending" in text
    assert "✓" in text


def test_the_trend_of_confirm_runs_shows_what_was_sent_and_what_waits() -> None:
    counts = {"shipments": 20, "sent": 10, "held": 3, "skipped": 4, "failed": 2, "pending": 1}
    run = PastRun("us-confirm-20261102-160500-c0ffee", "us", "confirm", "done", CONFIRMED, counts)
    (bar,) = draw_trend([run]).bars
    assert bar.label == "02 Nov 16:05 UTC: 10 sent, 5 held, 5 other"
    assert "held or refused" in render_page(confirm_day()).split("The last 30 runs")[1]

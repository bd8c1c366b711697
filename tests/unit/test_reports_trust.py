"""Reports of reconciliations and purges: what to do stands beside its orders, and a trend shows what was done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mfn.models import Reason
from mfn.reports.grouping import SHOWN_ORDERS, SHOWN_PARTS, group_held
from mfn.reports.html import render_index, render_page
from mfn.reports.markdown import render_markdown
from mfn.reports.model import HeldOrder
from tests.pages import Page
from tests.sample_trust_reports import COMPARED, PURGED, purge_day, purge_rehearsal, reconcile_day

BY_HAND, IMPORT = "Cancel it in Seller Central, or reopen it in the warehouse.", "Import it again:"


def differs(number: int, remedy: str) -> HeldOrder:
    reason = Reason("status_differs", "UNSHIPPED at Amazon", remedy)
    return HeldOrder(f"111-{number:07d}-0000000", (reason,), ship_by=COMPARED + timedelta(minutes=number))


def test_the_remedy_of_a_kind_of_difference_is_right_above_the_orders_that_it_fixes() -> None:
    order = "111-000000{0}-100000{0}"
    in_turn = [BY_HAND, order.format(5), order.format(7), IMPORT, "mfn import us --order " + order.format(6)]
    in_turn += ["mfn import us --order " + order.format(8), order.format(6), order.format(8), "Never imported"]
    for text in (Page(render_page(reconcile_day())).text, render_markdown(reconcile_day())):
        at = text.index("Status differs from Amazon")
        for part in in_turn:
            at = text.index(part, at) + len(part)


def test_the_commands_of_orders_that_are_fixed_alike_can_be_copied_together() -> None:
    both = "mfn import us --order 111-0000006-1000006\nmfn import us --order 111-0000008-1000008"
    assert f"<pre>{both}</pre>" in render_page(reconcile_day())


def test_of_many_orders_that_are_fixed_alike_the_first_are_shown_and_no_rare_remedy_is_lost() -> None:
    held = [differs(number, f"{IMPORT}\nmfn import us --order {number}") for number in range(120)]
    (group,) = group_held([*held, differs(500, BY_HAND)], by_remedy=True)
    assert (group.count, group.further) == (121, 0)
    assert [(len(part.orders), part.further) for part in group.parts] == [(SHOWN_ORDERS, 120 - SHOWN_ORDERS), (1, 0)]
    assert [one.text for part in group.parts for one in part.instructions] == [IMPORT, BY_HAND]


def test_of_many_remedies_the_first_are_shown_and_the_orders_of_the_others_counted() -> None:
    held = tuple(differs(number, f"Mend parcel {number}.") for number in range(SHOWN_PARTS + 7))
    (group,) = group_held(held, by_remedy=True)
    assert (len(group.parts), group.further) == (SHOWN_PARTS, 7)
    report = replace(reconcile_day(), held=held)
    assert "and 7 more" in Page(render_page(report)).text
    assert "- and 7 more" in render_markdown(report)


def test_the_trend_of_a_dry_run_has_the_runs_that_did_something_and_says_so() -> None:
    text = Page(render_page(purge_rehearsal())).text
    assert "The last 9 runs Dry runs such as this one are left out." in text
    assert f"{PURGED:%d %b %H:%M} UTC: 96 purged" not in text
    assert "The last 10 runs" in Page(render_page(purge_day())).text
    assert f"{PURGED:%d %b %H:%M} UTC: 96 purged" in Page(render_page(purge_day())).text


def test_a_dry_run_is_marked_in_the_index() -> None:
    rows = [purge_rehearsal().as_past_run, replace(purge_day().as_past_run, batch_id="us-purge-real")]
    index = render_index(rows, day=PURGED.date(), days=[], is_newest=True)
    dry, real = index.split("us-purge-")[1:]
    assert "dry run" in dry
    assert "dry run" not in real

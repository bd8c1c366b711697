"""What a person reads of a run: figures that add up, and of what is zero or empty not a word."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from mfn.cli import imports, reconcile
from mfn.cli.backfill import _show as print_backfill
from mfn.cli.confirm import print_confirm_summary
from mfn.cli.imports import print_order, print_summary
from mfn.cli.inventory import print_inventory_summary
from mfn.cli.notifications import _show as print_notifications
from mfn.cli.purge import _print_purged as print_purged
from mfn.cli.reconcile import print_differences
from mfn.cli.reprocess import _print_done as print_reprocessed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMON = {"connection": "us", "held": 0, "released": 0, "still_held": 0, "report": "/r.html"}
IMPORT = COMMON | {"fetched": 7, "loaded": 4, "unchanged": 1, "cancelled": 2, "ignored": 0, "ignored_reasons": {}}
CONFIRM = COMMON | {"shipments": 6, "sent": 1, "skipped": 0, "failed": 2, "pending": 3, "verified": 8, "unverified": 9}
STOCK = COMMON | {"skus": 6, "pushed": 1, "unchanged": 5, "failed": 0, "sold_out": 2, "drift": 3, "oversold": 4}
STOCK |= {"verified": 8, "unverified": 9, "under_way": 7, "pending": 0}
COMPARED = {"connection": "us", "orders": 3, "matched": 2, "differing": 1, "report": "/r.html", "differences": []}
MISSING = {"order_id": "O1", "kind": "missing", "detail": "It is not there.", "remedy": "Do this:\nmfn import us"}
IMPORTED = "us: 7 fetched = 4 loaded + 0 held + 1 unchanged + 2 cancelled + 0 ignored"
CONFIRMED = "us: 6 shipments = 1 sent + 0 held + 0 skipped + 2 failed + 3 pending"
CONFIRMED_SO_FAR = "of all parcels sent so far: 8 verified, 9 not yet"
PUSHED = [
    "us: 6 SKUs = 1 pushed + 5 unchanged + 0 held + 0 failed",
    "2 sold out, 3 had drifted at Amazon, 4 shared components oversold",
    "of all levels sent so far: 8 verified, 9 not yet, 7 of them in a feed in progress",
]
BEFORE = "held before: 2 released, 1 still held"
REPORT = "report: /r.html"
SHOWN_HELD = "why orders are held: mfn orders --status held"
SKU = {"code": "sku_unknown", "detail": "X", "remedy": "Map it."}
DRY = partial(print_summary, dry_run=True)


@pytest.mark.parametrize(
    ("show", "summary", "lines"),
    [
        (print_summary, IMPORT, [IMPORTED, REPORT]),
        (print_summary, IMPORT | {"released": 2, "still_held": 1}, [IMPORTED, BEFORE, SHOWN_HELD, REPORT]),
        (print_summary, IMPORT | {"released": 1}, [IMPORTED, "held before: 1 released, 0 still held", REPORT]),
        (
            print_summary,
            IMPORT | {"still_held": 1},
            [IMPORTED, "held before: 0 released, 1 still held", SHOWN_HELD, REPORT],
        ),
        (
            print_summary,
            IMPORT | {"ignored_reasons": {"shipped": 2, "afn": 1}},
            [IMPORTED, "ignored: shipped 2, afn 1", REPORT],
        ),
        (
            print_summary,
            IMPORT | {"order": {"order_id": "O1", "outcome": "held", "reasons": []}, "would_load": ["O1"]},
            [IMPORTED, "O1: held", REPORT],
        ),
        (
            DRY,
            IMPORT | {"held": 1, "would_load": ["O1", "O2"]},
            [
                "us: 7 fetched = 4 would be loaded + 1 held + 1 unchanged + 2 cancelled + 0 ignored",
                "why orders are held: see the report",
                "would be loaded: O1 O2",
                REPORT,
            ],
        ),
        (print_confirm_summary, CONFIRM, [CONFIRMED, CONFIRMED_SO_FAR, REPORT]),
        *(
            (
                print_confirm_summary,
                CONFIRM | {name: 1},
                [
                    CONFIRMED.replace(f"0 {name}", f"1 {name}"),
                    CONFIRMED_SO_FAR,
                    *(["held before: 0 released, 1 still held"] if name == "still_held" else []),
                    "why parcels are held or skipped: see the report",
                    REPORT,
                ],
            )
            for name in ("held", "skipped", "still_held")
        ),
        (
            print_confirm_summary,
            CONFIRM | {"released": 1},
            [CONFIRMED, CONFIRMED_SO_FAR, "held before: 1 released, 0 still held", REPORT],
        ),
        (print_inventory_summary, STOCK, [*PUSHED, REPORT]),
        (
            partial(print_inventory_summary, dry_run=True),
            STOCK | {"held": 1, "pending": 2},
            [
                "us: 6 SKUs = 1 would be pushed + 5 unchanged + 1 held + 0 failed",
                *PUSHED[1:],
                "2 of those unchanged are still to be sent, by the next run",
                "why levels are held: see the report",
                REPORT,
            ],
        ),
        (
            print_differences,
            COMPARED | {"differences": [MISSING]},
            [
                "us: 3 orders = 2 matched + 1 differing",
                "O1  missing: It is not there.",
                "    Do this:",
                "    mfn import us",
                REPORT,
            ],
        ),
    ],
)
def test_a_run_is_summed_up_in_a_few_lines(
    show: Callable[[dict[str, Any]], None],
    summary: dict[str, Any],
    lines: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(summary)
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("more", [0, 1])
def test_the_first_of_a_long_list_are_shown_with_how_many_more_there_are(
    more: int, capsys: pytest.CaptureFixture[str]
) -> None:
    DRY(IMPORT | {"would_load": [f"O{number}" for number in range(imports.SHOWN + more)]})
    text = capsys.readouterr().out
    assert ("O19" in text, "O20" in text, "more" in text) == (True, False, bool(more))
    assert text.endswith(f" … and 1 more: --json has all of them\n{REPORT}\n" if more else f"O19\n{REPORT}\n")
    print_differences(COMPARED | {"differences": [MISSING] * (reconcile.SHOWN + more)})
    text = capsys.readouterr().out
    assert (text.count("O1  missing"), "more" in text) == (50, bool(more))
    assert text.endswith(f"and 1 more: see the report, or --json\n{REPORT}\n") is bool(more)


@pytest.mark.parametrize(
    ("order", "lines"),
    [
        ({"outcome": "loaded"}, ["O1: would be loaded"]),
        ({"outcome": "loaded", "is_written_again": False}, ["O1: would be loaded"]),
        (
            {"outcome": "unchanged", "is_written_again": True},
            ["O1: unchanged at Amazon; its rows in the warehouse were written again"],
        ),
        ({"outcome": "held", "reasons": [SKU]}, ["O1: held", "  sku_unknown: X Map it."]),
        (
            {"outcome": "ignored", "reasons": [SKU | {"remedy": ""}], "conflicts": []},
            ["O1: ignored", "  sku_unknown: X"],
        ),
        (
            {"outcome": "loaded", "conflicts": [{"what": "kept its city", "status": "PICKED", "remedy": "Look."}]},
            ["O1: would be loaded", "  kept its city (warehouse: PICKED) Look."],
        ),
        (
            {"outcome": "loaded", "conflicts": [{"what": "kept its city", "status": "PICKED"}]},
            ["O1: would be loaded", "  kept its city (warehouse: PICKED)"],
        ),
    ],
)
def test_the_outcome_of_one_order_is_shown_with_everything_that_is_to_be_done(
    order: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_order({"order_id": "O1", "reasons": []} | order, "would be loaded")
    assert capsys.readouterr().out.splitlines() == lines


PURGED = {"connection": "us", "orders": 5, "purged": 3, "kept": 2, "scrubbed": 0, "report": "/r.html"}
REPROCESSED = {"connection": "us", "orders": 9, "batches": ["a", "b"], "loaded": 4, "held": 3, "unchanged": 2}
REPROCESSED |= {"cancelled": 1, "ignored": 0}


@pytest.mark.parametrize(
    ("summary", "dry_run", "lines"),
    [
        (PURGED, False, ["us: orders with buyers' data: 5 = 3 purged + 2 kept", REPORT]),
        (
            PURGED | {"scrubbed": 4},
            True,
            [
                "us: orders with buyers' data: 5 = 3 would be purged + 2 kept",
                "4 would be cleared in the warehouse",
                REPORT,
            ],
        ),
        (
            PURGED | {"scrubbed": 4, "report": None},
            False,
            [
                "us: orders with buyers' data: 5 = 3 purged + 2 kept",
                "4 cleared in the warehouse",
                "no report: no longer in connections.yaml",
            ],
        ),
        ({"connection": "us", "error": "gone."}, False, ["us: not purged"]),
    ],
)
def test_a_purge_says_what_was_removed_and_what_was_kept(
    summary: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str], *, dry_run: bool
) -> None:
    print_purged(summary, dry_run=dry_run)
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("summary", "dry_run", "line"),
    [
        (REPROCESSED, False, "us: 9 orders in 2 batches = 4 loaded + 3 held + 2 unchanged + 1 cancelled + 0 ignored"),
        (
            REPROCESSED,
            True,
            "us: 9 orders in 2 batches = 4 would be loaded + 3 held + 2 unchanged + 1 cancelled + 0 ignored",
        ),
        ({"connection": "us", "error": "gone."}, False, "us: not reprocessed"),
    ],
)
def test_reprocessing_is_summed_up_in_one_line(
    summary: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str], *, dry_run: bool
) -> None:
    print_reprocessed(summary, dry_run=dry_run)
    assert capsys.readouterr().out.splitlines() == [line]


GAP = {"kind": "backfill", "after": "A", "before": "B", "noted_at": "N"}
GAPS = ["kind      from  to  recorded", "backfill  A     B   N"]


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        ({"after": None, "noted": [], "gaps": []}, ["us: nothing left to fetch"]),
        ({"after": None, "noted": [], "gaps": [GAP]}, GAPS),
        ({"after": "A", "before": "B", "noted": [GAP], "gaps": [GAP]}, ["us: to be fetched, from A to B", *GAPS]),
        (
            {"after": "A", "before": "B", "noted": [], "gaps": []},
            [
                "us: from A to B: requested before, or already fetched; nothing changed",
                "us: nothing left to fetch",
            ],
        ),
    ],
)
def test_a_backfill_says_what_it_recorded_and_what_is_left(
    done: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_backfill({"connection": "us"} | done)
    assert capsys.readouterr().out.splitlines() == lines


QUEUE = {"queue_url": "https://sqs/q", "queue": {"waiting": 3, "in_flight": 2}}
NAMED = {"waiting": 4, "oldest_changed_at": "2026-11-24T08:00:00Z"}
REFUSED = {"message_id": "m", "refused_at": "N", "why": "no JSON", "shape": {"a": "text"}}


@pytest.mark.parametrize(
    ("orders", "refused", "lines"),
    [
        (
            NAMED | {"waiting": 0, "oldest_changed_at": None},
            [],
            ["orders in notifications that have not landed yet: 0", "no unusable messages"],
        ),
        (
            NAMED,
            [REFUSED | {"is_left": True}, REFUSED | {"is_left": False}],
            [
                "orders in notifications that have not landed yet: 4, the oldest change at 2026-11-24T08:00:00Z",
                "message  when  outcome            why",
                'm        N     left on the queue  no JSON; shape: {"a": "text"}',
                'm        N     set aside          no JSON; shape: {"a": "text"}',
            ],
        ),
    ],
)
def test_a_queue_shows_what_waits_and_what_could_not_be_used(
    orders: dict[str, Any],
    refused: list[dict[str, Any]],
    lines: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_notifications(QUEUE | {"orders": orders, "refused": refused}, tmp_path)
    waiting = "https://sqs/q: 3 messages waiting, 2 being read"
    assert capsys.readouterr().out.splitlines() == [waiting, *lines]

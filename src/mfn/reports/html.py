"""The report as a self-contained page: no script, no font and nothing else from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.models import SUMMED
from mfn.reports.grouping import SHOWN_ORDERS, group_held, group_skus, read_instructions
from mfn.reports.stock_chart import draw_histories
from mfn.reports.templating import environment
from mfn.reports.trend import draw_trend
from mfn.reports.wording import conflicts_heading, counted, glance, headline, number, outside, verified
from mfn.reports.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date as Date  # noqa: N812 - a type beside the filter of the same name

    from mfn.models import BatchKind
    from mfn.reports.model import PastRun, RunReport

CONSEQUENCES = {"critical": "held", "warning": "let through", "info": "noted"}
SHARE_WIDTH = 1000
SHOWN_ROWS = 50
SHOWN_LATE = 50
NO_FIGURE = "\N{EN DASH}"
SHOWN_CARRIERS = 50
FIGURES: dict[BatchKind, tuple[str, ...]] = {
    "import": ("fetched", "loaded", "held"),
    "confirm": ("shipments", "sent", "held", "failed"),
    "inventory": ("skus", "pushed", "held", "failed"),
    "reconcile": ("orders", "matched", "differing"),
    "purge": ("orders", "purged", "kept"),
}
"""What the table below the trend shows of each run."""


@dataclass(frozen=True)
class _Share:
    name: str
    x: float
    width: float


def render_page(report: RunReport, *, site: str | None = None) -> str:
    """The page of one run.

    Args:
        report: What to tell. Every text in it is escaped.
        site: Where the report site is, to which orders and the foot of the page lead; None: there is none.
    """
    findings = report.findings.findings
    broken = [finding for finding in findings if finding.problem or finding.unexpected]
    seen_at = report.finished_at or report.started_at
    passed = [finding for finding in findings if not (finding.problem or finding.unexpected)]
    return environment().get_template("page.html.j2").render(
        report=report,
        site=site and site.rstrip("/"),
        headline=headline(report),
        words=WORDS[report.kind],
        verified=verified(report),
        outside=outside(report),
        conflicts_heading=conflicts_heading(report),
        conflict_instructions=read_instructions(conflict.remedy for conflict in report.conflicts),
        shares=_shares(report),
        seen_at=seen_at,
        groups=group_held(report.held, by_remedy=report.kind == "reconcile"),
        sku_groups=group_skus(report.stock.held),
        glance=glance(report),
        charts=draw_histories(report.stock.histories, report.stock.since or report.started_at, seen_at),
        noted=group_held(report.noted),
        shown_orders=SHOWN_ORDERS,
        shown_late=SHOWN_LATE,
        shown_carriers=SHOWN_CARRIERS,
        figures=FIGURES[report.kind],
        # What could not run first, then what holds orders, then the rest, the most frequent first.
        broken=sorted(broken, key=lambda found: (not found.problem, found.severity != "critical", -found.unexpected)),
        passed=passed,
        unchecked=sum(not finding.checked for finding in passed),
        consequences=CONSEQUENCES,
        # A batch that is run again may be older than some of the others.
        trend=draw_trend(sorted(_done_by(report), key=lambda run: run.started_at)),
    )  # fmt: skip


def render_index(
    rows: Sequence[PastRun], *, day: Date, days: Sequence[Date], is_newest: bool, is_cut: bool = False
) -> str:
    """The page of one day's runs.

    Args:
        rows: The day's runs, newest first. The index leaves out those that had nothing to do, but for the newest of
            each connection and kind, shows the first of many, and links the day's own page, which has all of these.
        day: The day, in UTC.
        days: Other days that have a page, newest first.
        is_newest: Whether this becomes `index.html`; the others lie in `days/`.
        is_cut: Whether the day had more runs than are given.
    """
    newest = {(row.connection, row.kind): row for row in reversed(rows)}
    noteworthy = [row for row in rows if not row.is_quiet or row is newest[row.connection, row.kind]]
    shown = noteworthy[:SHOWN_ROWS] if is_newest else rows
    return environment().get_template("index.html.j2").render(
        rows=[(row, *run_figures(row)) for row in shown],
        further=len(rows) - len(shown),
        quiet=len(rows) - len(noteworthy),
        day=day,
        days=days,
        newest=is_newest,
        cut=is_cut,
        root="" if is_newest else "../",
    )  # fmt: skip


def run_figures(run: PastRun) -> tuple[str, str, str]:
    """What a run was given, what of it was passed on, and what was held or refused, as far as it got."""
    names = SUMMED.get(run.kind, ())
    words = WORDS.get(run.kind)
    given, done = (run.counts.get(name) for name in names[:2]) if names else (None, None)
    held = [run.counts[name] for name in ("held", "failed", "differing") if name in names and name in run.counts]
    return (
        counted(given, words.noun) if words and given is not None else NO_FIGURE,
        number(done) if done is not None else NO_FIGURE,
        number(sum(held)) if held else NO_FIGURE,
    )


def _done_by(report: RunReport) -> list[PastRun]:
    """The runs that did something, which a dry run does not."""
    return [run for run in (*report.history, report.as_past_run) if not run.dry_run]


def _shares(report: RunReport) -> list[_Share]:
    parts = {**report.outcomes, "undecided": max(0, report.unaccounted)}
    whole = sum(parts.values())
    shares, x = [], 0.0
    for name, count in parts.items():
        if count:
            width = count / whole * SHARE_WIDTH
            shares.append(_Share(name, round(x, 1), round(width, 1)))
            x += width
    return shares

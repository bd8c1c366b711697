"""The short report for Prefect: a Markdown artifact, and a table of what is held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mfn.models import SUMMED
from mfn.reports.grouping import NEVER, group_held, read_instructions, title_of
from mfn.reports.markdown_text import instructions, more, plain
from mfn.reports.stock_markdown import brake_lines, held_sku_rows, sku_group_lines, stock_lines
from mfn.reports.wording import (
    by_count,
    carrier_sent,
    conflicts_heading,
    counted,
    headline,
    late_by,
    moment,
    number,
    outside,
    utc,
    verified,
)
from mfn.reports.words import WORDS

if TYPE_CHECKING:
    from mfn.reports.grouping import HeldGroup
    from mfn.reports.model import HeldOrder, RunReport

SHOWN_ORDERS = 20
SHOWN_ROWS = 1000
"""A table artifact is kept in Prefect's database: the first of many, the rest by `mfn orders`."""


def render_markdown(report: RunReport, *, url: str | None = None) -> str:
    """The report in a few lines: the sum, what is held and what to do.

    Args:
        report: What to tell. Nothing in it is read as Markdown.
        url: Where the page is, or None for no link.
    """
    lines = [f"## {plain(report.connection)} {report.kind}: {plain(headline(report))}", ""]
    if report.dry_run:
        lines += [f"Dry run: {WORDS[report.kind].rehearsed}.", ""]
    if report.is_braked:
        lines += brake_lines(report)
    elif report.status == "failed":
        where = f" at {plain(report.failed_at)}" if report.failed_at else ""
        lines += [f"**What happened{where}:** {plain(report.error or 'It stopped without a message.')}", ""]
        lines += [f"**What to do:** {plain(report.remedy)}", ""] if report.remedy else []
        lines += [f"    mfn rerun {report.batch_id}", ""]
    lines += [_sum(report), "", outside(report), ""]
    lines += _parcels(report) if report.kind == "confirm" else []
    lines += stock_lines(report) if report.kind == "inventory" else []
    for group in group_held(report.held, by_remedy=report.kind == "reconcile"):
        lines += _group(group, report)
    lines += sku_group_lines(report)
    for heading, figures in (("Worth a look", report.warnings), (WORDS[report.kind].left_alone[0], report.ignored)):
        if figures:
            text = ", ".join(f"{number(count)} {plain(title_of(code))}" for code, count in by_count(figures))
            lines += [f"**{heading}:** {text}", ""]
    if report.conflicts:
        lines += [f"**{conflicts_heading(report)}:**", ""]
        lines += instructions(read_instructions(conflict.remedy for conflict in report.conflicts))
        lines += [
            f"- {plain(conflict.order_id)}: {plain(conflict.what)}"
            f" ({'warehouse: ' if report.kind == 'import' else ''}{plain(conflict.status)})"
            for conflict in report.conflicts[:SHOWN_ORDERS]
        ]
        lines += [more(len(report.conflicts) - SHOWN_ORDERS), ""]
    for finding in report.findings.not_run:
        lines += [f"**A check could not run:** {plain(finding.meaning)}. {plain(finding.problem or '')}", ""]
    if report.kind != "import" and report.api_calls:
        calls = ", ".join(
            f"{plain(operation)} {number(count)}" for operation, count in sorted(report.api_calls.items())
        )
        lines += [f"Calls to Amazon: {calls}.", ""]
    lines += [f"Batch {plain(report.batch_id)}, {utc(report.started_at)}." + (f" [The page]({url})" if url else "")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def held_rows(report: RunReport) -> list[dict[str, str]]:
    """What is held as rows of a Prefect table, the most urgent first; at most `SHOWN_ROWS`.

    Args:
        report: What to tell.

    Returns:
        `order`, of a parcel `parcel`, `reason`, `detail`, `ship_by` (UTC), `service_level`, `prime`, `what_to_do`: one
        row a reason. Of an inventory run what `held_sku_rows` returns.
    """
    if report.kind == "inventory":
        return held_sku_rows(report)[:SHOWN_ROWS]
    entries = [(order, reason) for order in report.held for reason in order.reasons]
    entries.sort(key=lambda entry: (entry[0].ship_by or NEVER, entry[0].order_id, entry[0].parcel or ""))
    return [
        {
            "order": order.order_id,
            **({"parcel": order.parcel} if order.parcel is not None else {}),
            "reason": reason.code,
            "detail": reason.detail,
            "ship_by": utc(order.ship_by) if order.ship_by else "",
            "service_level": order.service_level or "",
            "prime": "yes" if order.is_sfp else "",
            "what_to_do": reason.remedy,
        }
        for order, reason in entries[:SHOWN_ROWS]
    ]


def _sum(report: RunReport) -> str:
    parts = " + ".join(f"{name} {number(count)}" for name, count in report.outcomes.items())
    text = f"{SUMMED[report.kind][0]} {number(report.taken_up)} = {parts}"
    if report.unaccounted == 0:
        return f"{text} ✓"
    if report.unaccounted > 0 and report.status == "failed":
        return f"{text} + **not decided {number(report.unaccounted)}**: run the batch again"
    kind = "missing" if report.unaccounted > 0 else "too many"
    return f"**✗ THE SUM DOES NOT ADD UP:** {text}, {number(abs(report.unaccounted))} {kind}"


def _parcels(report: RunReport) -> list[str]:
    """What only a confirm run has: late parcels first, then carriers."""
    against = report.punctuality
    counts = {
        "overdue and not confirmed": against.overdue,
        "confirmed late": against.late,
        "due in 12 h and not confirmed": against.soon,
        "confirmed on time": against.on_time,
        "corrected": against.corrected,
        "without a ship-by": against.unknown,
    }
    text = ", ".join(f"{number(count)} {name}" for name, count in counts.items() if count)
    lines = [f"**Against ship-by:** {text}", ""] if text else []
    seen_at = report.finished_at or report.started_at
    lines += [
        f"- {plain(late.order_id)}, parcel {plain(late.parcel)}: ship by {moment(late.ship_by)},"
        f" {f'confirmed {moment(late.told_at)}' if late.told_at else f'{plain(late.status)}, not confirmed'},"
        f" {late_by(late.ship_by, late.told_at or seen_at)} late"
        for late in against.late_parcels[:SHOWN_ORDERS]
    ]
    lines += [more(len(against.late_parcels) - SHOWN_ORDERS), ""]
    lines += [verified(report), ""]
    if report.carriers:
        lines += ["**Carriers, as written by the warehouse and as sent to Amazon:**", ""]
        lines += [
            f"- {counted(use.parcels, 'parcel')}: {plain(carrier_sent(use))}" for use in report.carriers[:SHOWN_ORDERS]
        ]
        lines += [more(len(report.carriers) - SHOWN_ORDERS), ""]
    return lines


def _group(group: HeldGroup, report: RunReport) -> list[str]:
    stand = "differing" if report.kind == "reconcile" else "held"
    command = "mfn orders --status held" if report.kind == "import" else ""
    lines = [f"### {number(group.count)} {stand}: {plain(group.title)}", ""]
    for part in group.parts:
        lines += instructions(part.instructions)
        lines += [f"- {plain(_named(order))}: {plain(detail)}" for order, detail in part.orders[:SHOWN_ORDERS]]
        lines += [more(len(part.orders) + part.further - SHOWN_ORDERS, command), ""]
    return [*lines, more(group.further), ""]


def _named(order: HeldOrder) -> str:
    return order.order_id if order.parcel is None else f"{order.order_id}, parcel {order.parcel}"

"""The parts of the Markdown report that only inventory runs have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.reports.grouping import group_skus
from mfn.reports.markdown_text import instructions, more, plain
from mfn.reports.wording import counted, feed_state, glance, loss_in_words, moved, not_believed, number, verified

if TYPE_CHECKING:
    from mfn.reports.grouping import SkuGroup
    from mfn.reports.model import RunReport
    from mfn.reports.stock import HeldSku, Movement

SHOWN = 20


def brake_lines(report: RunReport) -> list[str]:
    """Why nothing was pushed, and the command for a stock that is really gone."""
    losses = report.stock.brake.losses if report.stock.brake else ()
    return [
        f"**What happened:** {plain(report.error or 'Too much of the stock is gone.')}",
        "",
        *(f"- {plain(loss_in_words(loss))}" for loss in losses[:SHOWN]),
        more(len(losses) - SHOWN),
        "",
        *([f"**What to do:** {plain(report.remedy)}", ""] if report.remedy else []),
        "Until then Amazon keeps selling the last levels sent. If the stock is really gone:",
        "",
        f"    mfn inventory {report.connection} --force",
        "",
    ]


def stock_lines(report: RunReport) -> list[str]:
    """What happened to the levels: the figures outside the sum, movements, drift, kits, sales, feeds."""
    stock = report.stock
    lines = []
    if stock.brake and stock.brake.is_forced:
        why = plain(not_believed(stock.brake))
        lines += [f"**Pushed with --force although the warehouse was not believed:** {why}", ""]
    figures = "; ".join(f"{name} {number(count)}" for name, count, _ in glance(report) if count)
    lines += [f"**At a glance:** {figures}" if figures else "", "", verified(report), ""]
    would = "would " if report.dry_run else ""
    again = "would be sent again" if report.dry_run else "sent again"
    parts = {
        f"What {would}move{'' if would else 'd'} most": [_movement(one) for one in stock.moved],
        "Drift": [
            f"{_named(one.sku, one.marketplace)}: sent {number(one.sent)}, Amazon shows {number(one.shown)},"
            f" {'held' if one.level is None else f'{again}: {number(one.level)}'}"
            for one in stock.drift
        ],
        "Promised by listings beyond what is in stock": [
            f"{_named(one.sku, one.marketplace)}: {number(one.left)} left, {number(one.promised)} promised by"
            f" {plain(', '.join(one.offers))}{f' and {number(one.further)} more' if one.further else ''}"
            for one in stock.oversold
        ],
        "Sold on Amazon and not imported yet": [
            f"{_named(one.sku, one.marketplace)}: {counted(one.units, 'unit')}" for one in stock.sold
        ],
        "Feeds": [
            f"{plain(feed.feed_id or 'no id yet')}, {plain(feed.marketplace)}: {counted(feed.skus, 'SKU')},"
            f" {plain(feed_state(feed))}{f', {number(feed.refused)} refused' if feed.refused else ''}"
            for feed in stock.feeds
        ],
    }
    all_of = {
        next(iter(parts)): report.counts.get("pushed", 0),
        "Drift": report.counts.get("drift", 0),
        "Promised by listings beyond what is in stock": report.counts.get("oversold", 0),
        "Sold on Amazon and not imported yet": stock.sold_listings,
    }
    for heading, points in parts.items():
        if points:
            shown = points[:SHOWN]
            rest = more(all_of.get(heading, len(points)) - len(shown))
            lines += [f"**{heading}:**", "", *(f"- {point}" for point in shown), rest, ""]
    return lines


def _movement(one: Movement) -> str:
    before = "first level sent" if one.before is None else f"{number(one.before)} before"
    sold = f", minus {number(one.sold)} sold and not imported yet" if one.sold else ""
    gone = ", sold out" if one.is_sold_out else ""
    return f"{_named(one.sku, one.marketplace)}: {number(one.level)} ({moved(one.units)}), {before}{gone}{sold}"


def sku_group_lines(report: RunReport) -> list[str]:
    """What is held, by reason, with what to do."""
    return [line for group in group_skus(report.stock.held) for line in _group(group)]


def _group(group: SkuGroup) -> list[str]:
    lines = [f"### {number(group.count)} held: {plain(group.title)}", "", *instructions(group.instructions)]
    shown = group.skus[:SHOWN]
    lines += [f"- {_sku(sku)}: {plain(sku.detail)}" for sku in shown]
    return [*lines, more(group.count - len(shown)) if shown else "Nothing else is wrong with these.", ""]


def _sku(sku: HeldSku) -> str:
    level = "" if sku.level is None else f" (last level sent {number(sku.level)})"
    return f"{_named(sku.sku, sku.marketplace)}{level}"


def _named(sku: str, marketplace: str | None) -> str:
    return plain(sku if marketplace is None else f"{sku} in {marketplace}")


def held_sku_rows(report: RunReport) -> list[dict[str, str]]:
    """The held SKUs that are listed as rows of a Prefect table, by reason, the most frequent first.

    Args:
        report: Of an inventory run.

    Returns:
        `sku`, `where`, `reason`, `detail`, `amazon_was_told`, `what_to_do`; of what holds them all, the brake, one row
        without a SKU.
    """
    rows = []
    for group in report.stock.held:
        if not group.first:
            rows.append(_row(f"{number(group.count)} SKUs", group.code, report.error or "", report.remedy or ""))
        rows += [
            {
                **_row(sku.sku, group.code, sku.detail, sku.remedy),
                "where": sku.marketplace or "",
                "amazon_was_told": "" if sku.level is None else number(sku.level),
            }
            for sku in group.first
        ]
    return rows


def _row(sku: str, code: str, detail: str, remedy: str) -> dict[str, str]:
    return {"sku": sku, "where": "", "reason": code, "detail": detail, "amazon_was_told": "", "what_to_do": remedy}

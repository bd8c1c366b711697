"""`mfn import`: one import run, without Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import ConnectionArgument, JsonOption, print_json, print_line
from mfn.models import PASSED
from mfn.moments import parse_moment
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


SHOWN = 20
"""Order ids that a person is shown."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("import")(import_orders)


def import_orders(
    connection: ConnectionArgument,
    since: Annotated[
        str | None, typer.Option(help="Fetch orders changed since this time (ISO 8601, UTC if no zone).")
    ] = None,
    order: Annotated[str | None, typer.Option(help="Fetch only this order, by Amazon's order id.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be loaded; nothing reaches the warehouse.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch orders, check them, and load the good ones. The rest are held, each with its reasons and what to do."""
    moment = parse_moment(since, option="--since")
    from mfn.steps.runs import run_import  # noqa: PLC0415 - pandas takes a second that --help does not need

    summary = run_import(load_settings(), connection, since=moment, order_id=order, dry_run=dry_run)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, dry_run=dry_run)


def print_summary(summary: Mapping[str, Any], *, dry_run: bool = False, look: str = "mfn orders --status held") -> None:
    """Print what an import did, for a person.

    Args:
        summary: What `run_import` returned.
        dry_run: Whether nothing was loaded.
        look: The command that shows what is held.
    """
    verb = "would be loaded" if dry_run else "loaded"
    print_line(
        f"{summary['connection']}: {summary['fetched']} fetched = {summary['loaded']} {verb} + {summary['held']} held"
        f" + {summary['unchanged']} unchanged + {summary['cancelled']} cancelled + {summary['ignored']} ignored"
    )
    if order := summary.get("order"):
        print_order(order, verb)
    elif summary["ignored_reasons"]:
        print_line("ignored: " + ", ".join(f"{code} {count}" for code, count in summary["ignored_reasons"].items()))
    if summary["released"] or summary["still_held"]:
        print_line(f"held before: {summary['released']} released, {summary['still_held']} still held")
    if summary["held"] or summary["still_held"]:
        print_line("why orders are held: " + ("see the report" if dry_run else look))
    if (ids := summary.get("would_load", ())) and "order" not in summary:
        more = f" … and {len(ids) - SHOWN} more: --json has all of them" if len(ids) > SHOWN else ""
        print_line(f"would be loaded: {' '.join(ids[:SHOWN])}{more}")
    print_line(f"report: {summary['report']}")


def print_order(order: Mapping[str, Any], verb: str) -> None:
    """Print what became of the one order that was requested.

    Args:
        order: `order` of what `run_import` returned.
        verb: What is said of one that passed.
    """
    became = verb if order["outcome"] in PASSED else order["outcome"]
    again = " at Amazon; its rows in the warehouse were written again" if order.get("is_written_again") else ""
    print_line(f"{order['order_id']}: {became}{again}")
    for reason in order["reasons"]:
        print_line(f"  {reason['code']}: {reason['detail']}" + (f" {reason['remedy']}" if reason["remedy"] else ""))
    for conflict in order.get("conflicts", ()):
        remedy = f" {conflict['remedy']}" if conflict.get("remedy") else ""
        print_line(f"  {conflict['what']} (warehouse: {conflict['status']}){remedy}")

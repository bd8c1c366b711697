"""`mfn inventory`: one stock run, without Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import ConnectionArgument, JsonOption, print_json, print_line
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("inventory")(inventory)


def inventory(
    connection: ConnectionArgument,
    full: Annotated[
        bool, typer.Option("--full", help="Read all listings again, and send every level, including those sent before.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; nothing changes.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Send even if stock fell so far that the brake would hold every level."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send the warehouse's stock levels to Amazon. Then check that Amazon shows them."""
    from mfn.steps.runs import run_inventory  # noqa: PLC0415 - pandas takes a second that --help does not need

    summary = run_inventory(load_settings(), connection, full=full, dry_run=dry_run, force=force)
    if as_json:
        print_json(summary)
    else:
        print_inventory_summary(summary, dry_run=dry_run)


def print_inventory_summary(summary: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Print what a stock run did, for a person.

    Args:
        summary: What `run_inventory` returned.
        dry_run: Nothing was sent.
    """
    pushed = "would be pushed" if dry_run else "pushed"
    print_line(
        f"{summary['connection']}: {summary['skus']} SKUs = {summary['pushed']} {pushed} + {summary['unchanged']}"
        f" unchanged + {summary['held']} held + {summary['failed']} failed"
    )
    print_line(
        f"{summary['sold_out']} sold out, {summary['drift']} had drifted at Amazon, {summary['oversold']} shared"
        " components oversold"
    )
    print_line(
        f"of all levels sent so far: {summary['verified']} verified, {summary['unverified']} not yet,"
        f" {summary['under_way']} of them in a feed in progress"
    )
    if summary["pending"]:
        print_line(f"{summary['pending']} of those unchanged are still to be sent, by the next run")
    if summary["held"]:
        print_line("why levels are held: see the report")
    print_line(f"report: {summary['report']}")

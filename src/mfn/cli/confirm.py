"""`mfn confirm`: one confirm run, without Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.cli.output import ConnectionArgument, JsonOption, print_json, print_line
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import typer


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("confirm")(confirm)


def confirm(connection: ConnectionArgument, as_json: JsonOption = False) -> None:
    """Confirm the warehouse's shipments to Amazon. Then check that Amazon shows them."""
    from mfn.steps.runs import run_confirm  # noqa: PLC0415 - pandas takes a second that --help does not need

    summary = run_confirm(load_settings(), connection)
    if as_json:
        print_json(summary)
    else:
        print_confirm_summary(summary)


def print_confirm_summary(summary: Mapping[str, Any]) -> None:
    """Print what a confirm run did, for a person.

    Args:
        summary: What `run_confirm` returned.
    """
    print_line(
        f"{summary['connection']}: {summary['shipments']} shipments = {summary['sent']} sent + {summary['held']} held"
        f" + {summary['skipped']} skipped + {summary['failed']} failed + {summary['pending']} pending"
    )
    print_line(f"of all parcels sent so far: {summary['verified']} verified, {summary['unverified']} not yet")
    if summary["released"] or summary["still_held"]:
        print_line(f"held before: {summary['released']} released, {summary['still_held']} still held")
    if summary["held"] or summary["still_held"] or summary["skipped"]:
        print_line("why parcels are held or skipped: see the report")
    print_line(f"report: {summary['report']}")

"""`mfn reconcile`: Amazon, the ledger and the warehouse compared, without Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import ConnectionArgument, JsonOption, print_json, print_line
from mfn.errors import RunFailedError
from mfn.moments import parse_moment
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 50
"""Differences that a person is shown."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("reconcile")(reconcile)


def reconcile(
    connection: ConnectionArgument,
    since: Annotated[
        str | None,
        typer.Option(
            help="Compare orders placed since this time (ISO 8601, UTC if no zone). Default: the last three days."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare Amazon, the ledger and the warehouse. Each difference comes with the way to fix it."""
    moment = parse_moment(since, option="--since")
    from mfn.steps.reconciling.runs import run_reconcile  # noqa: PLC0415 - pandas takes a second that --help does not

    try:
        summary = run_reconcile(load_settings(), connection, since=moment)
    except RunFailedError as error:
        if not as_json and error.summary.get("differences"):
            print_differences(error.summary)
        raise
    if as_json:
        print_json(summary)
    else:
        print_differences(summary)


def print_differences(summary: Mapping[str, Any]) -> None:
    """Print what a reconciliation found, for a person.

    Args:
        summary: What `run_reconcile` returned.
    """
    print_line(
        f"{summary['connection']}: {summary['orders']} orders = {summary['matched']} matched"
        f" + {summary['differing']} differing"
    )
    for one in summary["differences"][:SHOWN]:
        print_line(f"{one['order_id']}  {one['kind']}: {one['detail']}")
        for line in one["remedy"].splitlines():
            print_line(f"    {line}")
    if len(summary["differences"]) > SHOWN:
        print_line(f"and {len(summary['differences']) - SHOWN} more: see the report, or --json")
    print_line(f"report: {summary['report']}")

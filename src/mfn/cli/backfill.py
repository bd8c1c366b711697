"""`mfn backfill`: a long period to be searched in the background, without holding up the imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mfn.cli.output import ConnectionArgument, JsonOption, print_json, print_line, print_table
from mfn.moments import parse_moment
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def add_to(application: typer.Typer) -> None:
    """Add the command of this file."""
    application.command("backfill")(backfill)


def backfill(
    connection: ConnectionArgument,
    since: Annotated[
        str | None,
        typer.Option(help="The start of the period (ISO 8601, UTC if no zone). Default: show what is not fetched yet."),
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="The end of the period. Default: the time up to which imports have fetched.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a long period in the background. Imports fetch it with the API calls that they have to spare."""
    after, end = parse_moment(since, option="--since"), parse_moment(before, option="--before")
    from mfn.steps.importing import backfill as step  # noqa: PLC0415 - the ledger is not needed for --help

    done = step.backfill(load_settings(), connection, since=after, before=end)
    if as_json:
        print_json(done)
    else:
        _show(done)


def _show(done: Mapping[str, Any]) -> None:
    if done["after"]:
        for part in done["noted"]:
            print_line(f"{done['connection']}: to be fetched, from {part['after']} to {part['before']}")
        if not done["noted"]:
            text = f"from {done['after']} to {done['before']}: requested before, or already fetched; nothing changed"
            print_line(f"{done['connection']}: {text}")
    if not done["gaps"]:
        print_line(f"{done['connection']}: nothing left to fetch")
        return
    rows = [[gap["kind"], gap["after"], gap["before"], gap["noted_at"]] for gap in done["gaps"]]
    periods = rows[:1]
    for row in rows[1:]:  # newest first
        if row[0] == periods[-1][0] and row[2] == periods[-1][1]:
            periods[-1][1] = row[1]
        else:
            periods.append(row)
    print_table(("kind", "from", "to", "recorded"), periods)

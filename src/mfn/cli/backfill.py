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
        typer.Option(help="The start of the period (ISO 8601, UTC without a zone). Default: show what is left."),
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="The end of the period. Default: the point that the imports have reached.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have a long period fetched in the background. Imports fetch it with calls that they can spare."""
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
            print_line(f"{done['connection']}: noted, from {part['after']} to {part['before']}")
        if not done["noted"]:
            told = f"from {done['after']} to {done['before']}: noted already, or fetched since; nothing was changed"
            print_line(f"{done['connection']}: {told}")
    if not done["gaps"]:
        print_line(f"{done['connection']}: nothing is left to be searched")
        return
    rows = [[gap["kind"], gap["after"], gap["before"], gap["noted_at"]] for gap in done["gaps"]]
    periods = rows[:1]
    for row in rows[1:]:  # newest first
        if row[0] == periods[-1][0] and row[2] == periods[-1][1]:
            periods[-1][1] = row[1]
        else:
            periods.append(row)
    print_table(("kind", "from", "to", "noted"), periods)

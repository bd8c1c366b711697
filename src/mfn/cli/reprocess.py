"""`mfn reprocess`: the ledger's orders processed again, from the checks onwards."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mfn.cli.output import JsonOption, print_line, print_several
from mfn.errors import MfnError, RunFailedError
from mfn.moments import parse_moment
from mfn.settings import load_settings


def add_to(application: typer.Typer) -> None:
    """Add the command of this file."""
    application.command("reprocess")(reprocess)


def reprocess(  # noqa: PLR0917 - Typer calls it
    connection: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONNECTION", help="Connections. Default: all of them.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only orders that changed at Amazon at this time or later (ISO 8601, UTC if no zone)."),
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only orders that changed at Amazon before this time.")] = None,
    status: Annotated[str | None, typer.Option(help="Only orders with this status, e.g. loaded.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be loaded again; nothing reaches the warehouse.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check, transform and load the ledger's orders again. Use it after changing the mappings."""
    moments = parse_moment(since, option="--since"), parse_moment(before, option="--before")
    from mfn.steps.rerunning import reprocessing  # noqa: PLC0415 - pandas takes a second that --help does not need

    asked = reprocessing.reprocess_parameters(since=moments[0], before=moments[1], status=status, dry_run=dry_run)
    settings = load_settings()
    results: list[dict[str, Any]] = []
    errors: list[MfnError] = []
    for name in reprocessing.connections_to_reprocess(settings, connection or []):
        try:
            done = reprocessing.reprocess(settings, name, asked)
        except MfnError as error:
            errors.append(error)
            did = error.summary if isinstance(error, RunFailedError) else {"connection": name}
            results.append({**did, "error": error.message, "remedy": error.remedy})
        else:
            results.append(done)

    def show() -> None:
        for result in results:
            _print_done(result, dry_run=dry_run)

    print_several({"connections": results}, errors, show, of=len(results), as_json=as_json)


def _print_done(result: dict[str, Any], *, dry_run: bool) -> None:
    if "orders" not in result:
        print_line(f"{result['connection']}: not reprocessed")
        return
    verb = "would be loaded" if dry_run else "loaded"
    print_line(
        f"{result['connection']}: {result['orders']} orders in {len(result['batches'])} batches ="
        f" {result['loaded']} {verb} + {result['held']} held + {result['unchanged']} unchanged"
        f" + {result['cancelled']} cancelled + {result['ignored']} ignored"
    )

"""`mfn check`: whether a connection is set up, in nine steps, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from mfn.cli.output import JsonOption, print_json
from mfn.connections import find_connection, load_connections
from mfn.errors import FatalError
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.steps.checking.findings import Step

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("check")(check)


def check(
    connection: Annotated[
        str | None, typer.Argument(help="A connection of connections.yaml; every one without.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Walk the set-up in nine steps, against the real services; each is ok, a warning or failed, with what to do.

    Nothing is changed at Amazon or in the warehouse. That a connection has passed is noted in the ledger.
    """
    settings = load_settings()
    names = [find_connection(settings, connection).name] if connection else list(load_connections(settings))
    from mfn.steps.checking.walk import check_connection  # noqa: PLC0415 - pandas takes a second that --help does not need

    steps: list[Step] = []
    for name in names:
        found = check_connection(settings, name)
        steps += found
        if not as_json:
            _print(name, found)
    failed = [step for step in steps if step.status == "failed"]
    error = _failure(failed) if failed else None
    if as_json:
        more = {"error": error.message, "remedy": error.remedy} if error else {}
        print_json({"connections": names, "steps": [_document(step) for step in steps], **more})
    if error:
        raise typer.Exit(1)


def _failure(failed: Sequence[Step]) -> FatalError:
    told = ", ".join(f"{step.name} of {step.connection}" for step in failed)
    return FatalError(f"not set up yet: {told}.", remedy="Mend what the failed steps name, and run mfn check again.")


def _document(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "connection": step.connection,
        "status": step.status.value,
        "detail": step.detail,
        "remedy": step.remedy,
        "findings": [
            {"status": finding.status.value, "detail": finding.detail, "remedy": finding.remedy}
            for finding in step.sorted_findings
        ],
    }


def _print(name: str, steps: Sequence[Step]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(name, style="bold"))
    for number, step in enumerate(steps, start=1):
        sign, colour = SIGNS[step.status]
        console.print(Text.assemble((f"{sign} {number} {step.name}: {step.status}", colour)))
        for finding in step.sorted_findings:
            sign, colour = SIGNS[finding.status]
            console.print(Text.assemble("    ", (sign, colour), f" {finding.detail}"))
            if finding.remedy:
                console.print(Text.assemble("      ", ("what to do: ", "bold"), finding.remedy))
    counts = {status: sum(step.status == status for step in steps) for status in SIGNS}
    summary = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    passed = "passed" if not counts["failed"] else "not passed"
    console.print(Text(f"{name}: {passed} ({summary})", style="bold"))

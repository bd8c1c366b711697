"""`mfn check`: whether a connection is set up, in nine steps, each with what to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from mfn.cli.output import JsonOption, print_json, print_line, print_styled
from mfn.connections import find_connection, load_connections
from mfn.errors import FatalError, MfnError, RetriableError
from mfn.plain_text import shown_lines
from mfn.settings import environment, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.settings import Settings
    from mfn.steps.checking.findings import Step

logger = logging.getLogger(__name__)

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("check")(check)


def check(
    connection: Annotated[
        str | None, typer.Argument(help="A connection of connections.yaml. Default: all of them.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the set-up in nine steps, with what to do. Each step is ok, a warning or failed, tested on real services.

    Nothing is changed at Amazon or in the warehouse. Once a connection has passed, its schedules start.
    """
    settings = load_settings()
    names = [find_connection(settings, connection).name] if connection is not None else list(load_connections(settings))
    from mfn.steps.checking.walk import check_connection  # noqa: PLC0415 - pandas takes a second that --help does not need

    steps: list[Step] = []
    for name in names:
        found = check_connection(settings, name)
        steps += found
        if not as_json:
            _print(name, found)
    passed = [name for name in names if all(step.status != "failed" for step in steps if step.connection == name)]
    resumed = _resumed(settings) if passed else []
    if passed and not as_json:
        _print_schedules(passed, resumed)
    failed = [step for step in steps if step.status == "failed"]
    error = _failure(failed) if failed else None
    if as_json:
        more = {"error": error.message, "remedy": error.remedy} if error else {}
        document = {"connections": names, "steps": [_document(step) for step in steps], "resumed": resumed}
        print_json({**document, **more})
    if error:
        raise typer.Exit(1)


def _resumed(settings: Settings) -> list[str]:
    """The connections whose schedules start after this check; none if no Prefect API can be reached."""
    import httpx  # noqa: PLC0415 - only for a connection that has passed

    from mfn.cli.automations import refresh_automations  # noqa: PLC0415
    from mfn.cli.prefect_address import with_prefect_api  # noqa: PLC0415
    from mfn.cli.schedules import resume_checked  # noqa: PLC0415

    resumed: list[str] = []
    refused = False
    try:
        environ = with_prefect_api(settings, environment())
        refused = True
        resumed += resume_checked(settings, environ["PREFECT_API_URL"], environ)
        if resumed:
            refresh_automations(settings, environ["PREFECT_API_URL"], environ)
    except (MfnError, httpx.HTTPError, httpx.InvalidURL) as error:
        # Prefect is optional, and the schedules of later deployments start at once.
        is_warning = resumed or (refused and not isinstance(error, RetriableError))
        remedy = f" {error.remedy}" if isinstance(error, MfnError) else ""
        level = logging.WARNING if is_warning else logging.DEBUG
        logger.log(level, "the schedules or alerts in Prefect were not updated: %s%s", error, remedy)
    return resumed


def _print_schedules(passed: Sequence[str], resumed: Sequence[str]) -> None:
    for name in resumed:
        print_line(f"{name}: its schedules are now active")
    if rest := [name for name in passed if name not in resumed]:
        print_line(f"{', '.join(rest)}: mfn deploy or mfn up starts the schedules, unless they are already active")


def _failure(failed: Sequence[Step]) -> FatalError:
    names = ", ".join(f"{step.name} of {step.connection}" for step in failed)
    return FatalError(f"not set up yet: {names}.", remedy="Fix what the failed steps report, then run mfn check again.")


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
    lines = [Text(name, style="bold")]
    for number, step in enumerate(steps, start=1):
        sign, colour = SIGNS[step.status]
        lines.append(Text.assemble((f"{sign} {number} {step.name}: {step.status}", colour)))
        for finding in step.sorted_findings:
            sign, colour = SIGNS[finding.status]
            lines.append(Text.assemble("    ", (sign, colour), f" {shown_lines(finding.detail)}"))
            if finding.remedy:
                lines.append(Text.assemble("      ", ("what to do: ", "bold"), shown_lines(finding.remedy)))
    counts = {status: sum(step.status == status for step in steps) for status in SIGNS}
    summary = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    passed = "passed" if not counts["failed"] else "not passed"
    lines.append(Text(f"{name}: {passed} ({summary})", style="bold"))
    print_styled(lines)

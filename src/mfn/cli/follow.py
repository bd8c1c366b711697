"""`mfn follow`: imports as soon as Amazon's rates allow them, until interrupted, without Prefect."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import JsonOption, print_json, print_line
from mfn.connections import load_connections
from mfn.errors import ConfigurationError
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def add_to(application: typer.Typer) -> None:
    """Add the command of this file."""
    application.command("follow")(follow)


def follow(
    connection: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONNECTION]...", help="Connections. Default: all of connections.yaml.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Import continuously, until interrupted. A run starts once there is something new and Amazon's rates allow it."""
    from mfn.steps.importing.following import follow as go_on  # noqa: PLC0415 - pandas takes a second that --help does not need

    settings = load_settings()
    names = list(dict.fromkeys(connection or load_connections(settings)))
    if not names:
        raise ConfigurationError("connections.yaml has no connections.", remedy="Add one; mfn init writes an example.")
    ended: Counter[str] = Counter()

    def count(run: Mapping[str, Any]) -> None:
        ended[run["status"]] += 1

    with suppress(KeyboardInterrupt):
        go_on(settings, names, on_import=count)
    if as_json:
        print_json({"connections": names, "imports": ended.total(), "failed": ended["failed"]})
    else:
        print_line(f"{', '.join(names)}: {ended.total()} imports, {ended['failed']} of them failed")

"""`mfn notifications`: the state of reading Amazon's notifications of changed orders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mfn.cli.output import ConnectionArgument, JsonOption, print_line, print_table
from mfn.cli.read_only import run_read_only

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import typer


def add_to(application: typer.Typer) -> None:
    """Add the command of this file."""
    application.command("notifications")(notifications)


def notifications(connection: ConnectionArgument, as_json: JsonOption = False) -> None:
    """Show a connection's queue of notifications. Lists orders yet to be read and messages that could not be used."""
    from mfn.notifications.state import notifications_state  # noqa: PLC0415 - so that --help answers at once

    run_read_only("notifications", connection, notifications_state, _show, as_json=as_json)


def _show(state: Mapping[str, Any], _mappings: Path) -> None:
    queue, orders = state["queue"], state["orders"]
    print_line(f"{state['queue_url']}: {queue['waiting']} messages waiting, {queue['in_flight']} being read")
    oldest = f", the oldest change at {orders['oldest_changed_at']}" if orders["waiting"] else ""
    print_line(f"orders in notifications that have not landed yet: {orders['waiting']}{oldest}")
    if not state["refused"]:
        print_line("no unusable messages")
        return
    rows = [
        (
            one["message_id"],
            one["refused_at"],
            "left on the queue" if one["is_left"] else "set aside",
            f"{one['why']}; shape: {json.dumps(one['shape'])}",
        )
        for one in state["refused"]
    ]
    print_table(("message", "when", "outcome", "why"), rows)

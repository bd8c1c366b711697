"""Creating, updating and removing Prefect automations over the Prefect API, and finding the block that they notify."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from mfn.alerts.automations import PREFIX, TAG, automations, flows_of
from mfn.alerts.events import IMPORTS_EXPECTED, resource_id
from mfn.cli.prefect_answers import ask, ask_all
from mfn.cli.schedules import unchecked
from mfn.connections import load_connections
from mfn.errors import ConfigurationError
from mfn.prefect_api import prefect_client, shown_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mfn.connection import Connection
    from mfn.settings import Settings

log = logging.getLogger(__name__)

NOBODY_IS_NOTIFIED = (
    "nobody is notified when a run fails: set MFN_NOTIFICATION_BLOCK to a notification block (docs/runbook.md)"
)


def keep_automations(
    client: httpx.Client,
    settings: Settings,
    connections: Mapping[str, Connection],
    *,
    flows: Collection[str],
    block_id: str | None,
    ui_url: str,
) -> None:
    """Create or update every automation that should exist, and remove those that should not.

    One that somebody switched off stays off. One that is as it should be is not touched, so that its time windows go
    on.

    Args:
        client: A client of the Prefect API.
        settings: The settings in force.
        connections: The connections by name.
        flows: The names of the flows that are deployed.
        block_id: What `notification_block_id` returned.
        ui_url: Where the Prefect UI is.

    Raises:
        RetriableError: The Prefect API, or the ledger, cannot be reached.
        FatalError: The Prefect API refuses an automation.
    """
    resting = unchecked(settings, connections)
    checked = [name for name in connections if name not in resting]
    found = list(connections.values())
    wanted = automations(found, checked=checked, flows=sorted(flows), block_id=block_id, ui_url=ui_url)
    there = {automation["name"]: automation for automation in _ours(client)}
    for automation in wanted:
        before = there.pop(automation["name"], None)
        if before is None:
            ask(client, "POST", "/automations/", automation)
        elif not _has(before, kept := {**automation, "enabled": before["enabled"]}):
            ask(client, "PUT", f"/automations/{before['id']}", kept)
    for automation in there.values():
        ask(client, "DELETE", f"/automations/{automation['id']}")
        log.warning("removed the automation %s: it is no longer needed", automation["name"])
    if block_id is not None and checked:
        _expect_imports(client, checked)


def refresh_automations(settings: Settings, api: str, environ: Mapping[str, str]) -> None:
    """Update the automations once a connection has passed `mfn check`: from then on a missing import is noticed.

    If `mfn deploy` has not created any yet, there is nothing to do.

    Args:
        settings: The settings in force.
        api: The API's base URL.
        environ: What it wants to be shown, as in `prefect_client`, and perhaps `PREFECT_UI_URL`.

    Raises:
        ConfigurationError: connections.yaml is wrong, or there is no such notification block.
        RetriableError: The Prefect API, or the ledger, cannot be reached.
        FatalError: The Prefect API refuses an automation.
    """
    ui_url = ui_url_of(api, environ)
    with prefect_client(api, environ) as client:
        names = [flow for automation in _ours(client) for flow in flows_of(automation)]
        if names:
            block_id = notification_block_id(client, settings, ui_url)
            connections = load_connections(settings)
            keep_automations(client, settings, connections, flows=set(names), block_id=block_id, ui_url=ui_url)


def notification_block_id(client: httpx.Client, settings: Settings, ui_url: str) -> str | None:
    """The id of the notification block that alerts people; None if `MFN_NOTIFICATION_BLOCK` names none.

    Args:
        client: A client of the Prefect API.
        settings: The settings in force.
        ui_url: Where the Prefect UI is, for the message.

    Raises:
        ConfigurationError: There is no such block, or it cannot notify.
        RetriableError: The Prefect API cannot be reached.
    """
    if settings.notification_block is None:
        return None
    kind, _, name = settings.notification_block.partition("/")
    path = f"/block_types/slug/{kind}/block_documents/name/{name}"
    answer = ask(client, "GET", path, allowed=(httpx.codes.NOT_FOUND,))
    block = answer.json() if answer.is_success else None
    if block is not None and "notify" in block["block_schema"]["capabilities"]:
        return str(block["id"])
    able = ask(
        client, "POST", "/block_documents/filter", {"block_schemas": {"block_capabilities": {"all_": ["notify"]}}}
    )
    names = sorted(f"{entry['block_type']['slug']}/{entry['name']}" for entry in able.json() if entry.get("name"))
    fault = "does not exist" if block is None else "is not a notification block"
    raise ConfigurationError(
        f"the Prefect block {settings.notification_block} of MFN_NOTIFICATION_BLOCK {fault};"
        f" blocks that can send notifications: {', '.join(names) or 'none'}.",
        remedy=f"Create one at {ui_url}/blocks/catalog, or correct MFN_NOTIFICATION_BLOCK. If this keeps mfn up from"
        " starting: remove MFN_NOTIFICATION_BLOCK, start mfn up, create the block, set it again, and run mfn deploy.",
    )


def ui_url_of(api: str, environ: Mapping[str, str]) -> str:
    """The URL of the Prefect UI: `PREFECT_UI_URL`, or next to the API.

    Args:
        api: The API's base URL.
        environ: The environment.
    """
    return (environ.get("PREFECT_UI_URL") or shown_url(api).rstrip("/").removesuffix("/api")).rstrip("/")


def _ours(client: httpx.Client) -> list[dict[str, Any]]:
    found = ask_all(client, "/automations/filter", {"automations": {"tags": {"all_": [TAG]}}})
    return [automation for automation in found if automation["name"].startswith(PREFIX)]


def _has(there: Any, wanted: Any) -> bool:
    """Whether an existing document has everything that is wanted; the server adds ids and defaults of its own."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(
            key in there and _has(there[key], value) for key, value in wanted.items()
        )
    if not isinstance(wanted, list):
        return bool(there == wanted)
    if not isinstance(there, list) or len(there) != len(wanted):
        return False
    if all(isinstance(entry, str) for entry in (*there, *wanted)):  # the server stores sets
        return sorted(there) == sorted(wanted)
    return all(_has(*pair) for pair in zip(there, wanted, strict=True))


def _expect_imports(client: httpx.Client, connections: Sequence[str]) -> None:
    """Make Prefect notice a missing import; if it is waiting for one already, nothing changes."""
    now = datetime.now(UTC).isoformat()
    events = [
        {
            "id": str(uuid4()),
            "event": IMPORTS_EXPECTED,
            "occurred": now,
            "resource": {"prefect.resource.id": resource_id(name), "prefect.resource.name": name},
        }
        for name in connections
    ]
    ask(client, "POST", "/events", events)

"""The Prefect automations that alert people, as documents for Prefect's API; no request is made here.

Facts on triggers and actions: Prefect 3.9, docs "Automations" and "Detect zombie flows", 2026-11-29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.alerts.events import (
    IMPORT_DONE,
    IMPORTS_EXPECTED,
    ORDERS_DUE_SOON,
    ORDERS_HELD,
    ORDERS_OVERDUE,
    SECRET_EXPIRING,
    resource_id,
)
from mfn.alerts.news import REMINDED_AFTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mfn.connection import Connection

PREFIX = "mfn: "
DEAD_RUNS = "dead runs"
TAG = "mfn"
"""Marks what `mfn deploy` has created: it changes and removes nothing else."""

HEARTBEAT_SECONDS = 60
"""How often a flow run sends a heartbeat; prefect.yaml sets this for every deployment, and a test compares the two."""

MISSED_HEARTBEATS = 3
BEGINNING_SECONDS = 15 * 60
"""A worker may have to pull an image before a run that it took starts."""

NOTIFIED_AGAIN_SECONDS = 30 * 60
"""A deployment that keeps failing, every five minutes perhaps, is reported once in this time."""

SHORTEST_SILENCE_SECONDS = 10
"""The shortest time that Prefect accepts for the absence of an event."""

LONGEST_MESSAGE = 3000

ENDINGS = ("Completed", "Failed", "Crashed", "Cancelled", "Skipped", "TimedOut", "Suspended", "Paused", "AwaitingRetry")
"""States in which nothing of a flow run is running; Skipped is a name that this project's flows use."""

RUN = """\
{% if flow_run.parameters.connection %}Connection: {{ flow_run.parameters.connection }}
{% endif %}Flow run: {{ flow_run.name }}, {{ (flow_run | ui_url) or ("RUNS" ~ flow_run.id) }}"""
COMMANDS = """\
{% if 'mfn batches' not in (flow_run.state.message or '') %}What failed, at which stage and why: mfn batches --failed
Once it is fixed: Retry on the flow run's page, or mfn rerun --failed{% endif %}"""
"""Most messages of failed runs contain them already."""

WHICH = "{{ flow.name }}{% if deployment %}/{{ deployment.name }}{% endif %}"


def automations(
    connections: Iterable[Connection],
    *,
    checked: Collection[str],
    flows: Sequence[str],
    block_id: str | None,
    ui_url: str,
) -> list[dict[str, Any]]:
    """Every automation that should exist.

    Args:
        connections: Those of connections.yaml.
        checked: The names of those that have passed `mfn check`: only they are expected to import.
        flows: The names of the flows that are deployed.
        block_id: The id of the notification block that alerts people; None to alert nobody and only find runs that
            died.
        ui_url: The URL of the Prefect UI, for links if the server itself does not know it.

    Returns:
        One document for each automation, as Prefect's API takes it.
    """
    found = [_dead_runs(flows), _runs_that_never_began(flows)]
    if block_id is None:
        return found
    found += [_failed(flows, block_id, ui_url), _died(flows, block_id, ui_url)]
    for connection in connections:
        if connection.name in checked:
            found.append(_no_import(connection, block_id, ui_url))
        found += [
            _on_event(f"held orders of {connection.name}", ORDERS_HELD, connection.name, block_id),
            _on_event(f"orders of {connection.name} due soon", ORDERS_DUE_SOON, connection.name, block_id),
            _on_event(f"overdue orders of {connection.name}", ORDERS_OVERDUE, connection.name, block_id),
            _on_event(f"a secret of {connection.name} expires", SECRET_EXPIRING, connection.name, block_id),
        ]
    return found


def flows_of(automation: Mapping[str, Any]) -> list[str]:
    """The flows that the automation for dead runs watches; none for any other automation.

    Args:
        automation: An automation as Prefect's API returns it.
    """
    if automation["name"] != PREFIX + DEAD_RUNS:
        return []
    return list(automation["trigger"]["match_related"][0]["prefect.resource.name"])


def _automation(name: str, description: str, trigger: dict[str, Any], *actions: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": PREFIX + name,
        "description": f"{description} Managed by mfn deploy, which does not change whether it is switched on.",
        "enabled": True,
        "tags": [TAG],
        "trigger": trigger,
        "actions": list(actions),
    }


def _event(posture: str, expect: Collection[str], within: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "event", "posture": posture, "expect": sorted(expect), "threshold": 1, "within": float(within), **more
    }  # fmt: skip


def _of_our_runs(flows: Sequence[str]) -> dict[str, Any]:
    return {
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": list(flows)},
    }


def _of_our_deployed_runs(flows: Sequence[str]) -> dict[str, Any]:
    """Only deployed runs: one that a person starts from a shell sends heartbeats at another interval."""
    matched = _of_our_runs(flows)
    return {**matched, "match_related": [matched["match_related"], {"prefect.resource.role": "deployment"}]}


def _states(*names: str) -> list[str]:
    return [f"prefect.flow-run.{name}" for name in names]


def _notify(block_id: str, subject: str, body: str) -> dict[str, Any]:
    return {"type": "send-notification", "block_document_id": block_id, "subject": subject, "body": body}


def _crash(message: str) -> dict[str, Any]:
    remedy = "The next run resumes its batch. To resume it now: mfn rerun --failed."
    return {"type": "change-flow-run-state", "state": "CRASHED", "name": "Crashed", "message": f"{message} {remedy}"}


def _dead_runs(flows: Sequence[str]) -> dict[str, Any]:
    silence = MISSED_HEARTBEATS * HEARTBEAT_SECONDS
    heartbeat = "prefect.flow-run.heartbeat"
    return _automation(
        DEAD_RUNS,
        "A run without heartbeats has died with its worker or its machine: it is marked as crashed.",
        _event(
            "Proactive", [heartbeat, *_states(*ENDINGS)], silence,
            after=[heartbeat], for_each=["prefect.resource.id"], **_of_our_deployed_runs(flows),
        ),
        _crash(f"No heartbeat for {silence} seconds: the run died with its worker or its machine."),
    )  # fmt: skip


def _runs_that_never_began(flows: Sequence[str]) -> dict[str, Any]:
    minutes = BEGINNING_SECONDS // 60
    return _automation(
        "runs that never began",
        "A run that a worker picked up but never started has died with it: it is marked as crashed.",
        _event(
            "Proactive", _states("Running", "Scheduled", "AwaitingConcurrencySlot", *ENDINGS), BEGINNING_SECONDS,
            after=_states("Pending"), for_each=["prefect.resource.id"], **_of_our_deployed_runs(flows),
        ),
        _crash(f"A worker picked it up but did not start it within {minutes} minutes: the worker or its machine died."),
    )  # fmt: skip


def _failed(flows: Sequence[str], block_id: str, ui_url: str) -> dict[str, Any]:
    return _automation(
        "a run failed",
        f"Notifies at once, and every {NOTIFIED_AGAIN_SECONDS // 60} minutes while the deployment keeps failing.",
        _of_ends(flows, "Failed", "TimedOut"),
        _notify(block_id, f"mfn: {WHICH} failed", _run_body(f"{WHICH} failed.", ui_url)),
    )


def _died(flows: Sequence[str], block_id: str, ui_url: str) -> dict[str, Any]:
    return _automation(
        "a run died",
        "Notifies when a run was killed, or died with its worker or its machine.",
        _of_ends(flows, "Crashed"),
        _notify(block_id, f"mfn: {WHICH} died", _run_body(f"{WHICH} died: it or its worker was killed.", ui_url)),
    )


def _of_ends(flows: Sequence[str], *names: str) -> dict[str, Any]:
    each = ["related:deployment:prefect.resource.id", "related:flow:prefect.resource.id"]
    return _event("Reactive", _states(*names), NOTIFIED_AGAIN_SECONDS, for_each=each, **_of_our_runs(flows))


def _run_body(what: str, ui_url: str) -> str:
    return "\n".join(
        [
            what,
            "{{ (flow_run.state.message or 'It gave no reason.') | truncate(" + str(LONGEST_MESSAGE) + ") }}",
            RUN.replace("RUNS", f"{ui_url}/runs/flow-run/"),
            COMMANDS,
        ]
    )


def _no_import(connection: Connection, block_id: str, ui_url: str) -> dict[str, Any]:
    name, minutes = connection.name, connection.alerts.no_import_minutes
    silence = max(minutes * 60, SHORTEST_SILENCE_SECONDS)
    about = {"match": {"prefect.resource.id": resource_id(name)}}
    after = {"after": sorted([IMPORT_DONE, IMPORTS_EXPECTED]), "for_each": ["prefect.resource.id"]}
    reminder = max(silence, REMINDED_AFTER.total_seconds())
    body = [
        f"No import of {name} has finished within {minutes:g} minutes (alerts.no_import_minutes).",
        "{% if event and event.event == '" + IMPORT_DONE + "' %}The last one finished at"
        " {{ event.occurred.strftime('%Y-%m-%d %H:%M') }} UTC: {{ event.payload.report }}\n"
        f"{{% endif %}}Check that its schedule is active and a worker is running: {ui_url}/deployments and"
        f" {ui_url}/work-pools",
        "What failed, at which stage and why: mfn batches --failed",
        f"To import now: mfn import {name}",
    ]
    return _automation(
        f"no import of {name}",
        f"No import finished within {minutes:g} minutes of the last one, or of the first deployment; repeated daily.",
        {
            "type": "compound",
            "require": "any",
            "within": None,
            "triggers": [
                _event("Proactive", [IMPORT_DONE], silence, **after, **about),
                _event("Proactive", [IMPORT_DONE], reminder, **about),
            ],
        },
        _notify(block_id, f"mfn {name}: no import for {minutes:g} minutes", "\n".join(body)),
    )


def _on_event(name: str, event: str, connection: str, block_id: str) -> dict[str, Any]:
    return _automation(
        name,
        f"Notifies on every event {event}, which imports emit when there is something new to report.",
        _event("Reactive", [event], 0, match={"prefect.resource.id": resource_id(connection)}),
        _notify(block_id, "{{ event.payload.subject }}", "{{ event.payload.message }}"),
    )

"""Schedules: each connection's start at different times, and are paused until it has passed `mfn check`."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.cli.prefect_answers import ask, ask_all
from mfn.ledger.opening import is_there, open_ledger
from mfn.ledger.passed_checks import has_passed
from mfn.prefect_api import prefect_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from mfn.settings import Settings

WAITS = "waits-for-check"
"""The tag of deployments whose schedules start once their connection has passed `mfn check`."""

DAILY = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* \*")
"""A cron line for one time of each day."""

DAILY_MINUTES = 120
"""Daily runs begin within this time after the one in prefect.yaml."""


def spread(schedule: Mapping[str, Any], *, over: str) -> dict[str, Any]:
    """A schedule shifted by a part of its period, so that those of many connections do not start in the same second.

    The share follows from the words alone: it is the same in every deployment, and is not moved by other connections.

    Args:
        schedule: As prefect.yaml has it. One with an interval begins at another second of it, one that comes once a day
            within two hours after the time given there; any other stays as it is.
        over: What distinguishes it from others that have the same period.
    """
    share = int.from_bytes(hashlib.sha256(over.encode()).digest()[:8])
    if "interval" in schedule:
        anchor = datetime.fromisoformat(schedule["anchor_date"]) + timedelta(seconds=share % schedule["interval"])
        return {**schedule, "anchor_date": anchor.isoformat()}
    if daily := DAILY.fullmatch(schedule.get("cron", "")):
        minutes = int(daily[2]) * 60 + int(daily[1]) + share % DAILY_MINUTES
        return {**schedule, "cron": f"{minutes % 60} {minutes // 60 % 24} * * *"}
    return dict(schedule)


def unchecked(settings: Settings, connections: Iterable[str]) -> set[str]:
    """Connections that never passed `mfn check`.

    Args:
        settings: The settings in force.
        connections: Names of connections.
    """
    if not is_there(settings):
        return set(connections)
    ledger = open_ledger(settings)
    return {name for name in connections if not has_passed(ledger, name)}


def waiting_deployments(client: httpx.Client) -> list[dict[str, Any]]:
    """The deployments whose schedules wait for a check.

    Args:
        client: A client of the Prefect API.

    Raises:
        RetriableError: It cannot be reached.
    """
    return ask_all(client, "/deployments/filter", {"deployments": {"tags": {"all_": [WAITS]}}})


def waiting_names(api: str, environ: Mapping[str, str]) -> set[str]:
    """The deployments whose schedules wait for a check, as `flow/name`.

    Args:
        api: URL of the Prefect API.
        environ: What it wants to be shown, as in `prefect_client`.

    Raises:
        RetriableError: It cannot be reached.
    """
    with prefect_client(api, environ) as client:
        waiting = waiting_deployments(client)
        flows = {key: ask(client, "GET", f"/flows/{key}").json()["name"] for key in {one["flow_id"] for one in waiting}}
    return {f"{flows[one['flow_id']]}/{one['name']}" for one in waiting}


def resume_checked(settings: Settings, api: str, environ: Mapping[str, str]) -> list[str]:
    """Start the schedules that waited for a check that has been passed since.

    Args:
        settings: The settings in force.
        api: URL of the Prefect API.
        environ: What it wants to be shown, as in `prefect_client`.

    Returns:
        The connections whose schedules began.

    Raises:
        RetriableError: The Prefect API or the ledger cannot be reached.
    """
    resumed: set[str] = set()
    with prefect_client(api, environ) as client:
        waiting = waiting_deployments(client)
        names = {str(deployment["parameters"].get("connection")) for deployment in waiting}
        passed = names - unchecked(settings, names)
        for deployment in waiting:
            name = deployment["parameters"].get("connection")
            if name not in passed:
                continue
            path = f"/deployments/{deployment['id']}"
            for schedule in deployment["schedules"]:
                if schedule["slug"] is None:
                    continue  # somebody added it in the UI, and left it at rest
                ask(client, "PATCH", f"{path}/schedules/{schedule['id']}", {"active": True})
            tags = [tag for tag in deployment["tags"] if tag != WAITS]
            ask(client, "PATCH", path, {"tags": tags})
            resumed.add(name)
    return sorted(resumed)

"""Which automations there ought to be at Prefect, when each acts, and which of them stand there already."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfn.alerts.automations import automations, flows_of
from mfn.cli.automations import _has as has
from mfn.cli.automations import ui_url_of

MINUTE, DAY = 60.0, 86_400.0


def connection(name: str, minutes: float = 60) -> Any:
    return SimpleNamespace(name=name, alerts=SimpleNamespace(no_import_minutes=minutes))


def wanted(*connections: Any, checked: tuple[str, ...] = (), block_id: str | None = "block") -> dict[str, Any]:
    """The automations by their names."""
    found = automations(connections, checked=checked, flows=["a", "b"], block_id=block_id, ui_url="http://ui")
    return {automation["name"]: automation for automation in found}


def test_without_a_notification_block_only_dead_runs_are_found() -> None:
    found = wanted(connection("us"), checked=("us",), block_id=None)
    assert set(found) == {"mfn: dead runs", "mfn: runs that never began"}
    for automation in found.values():
        assert [action["state"] for action in automation["actions"]] == ["CRASHED"]
        assert automation["trigger"]["match_related"][0]["prefect.resource.name"] == ["a", "b"]
    assert [flows_of(automation) for automation in found.values()] == [["a", "b"], []]


def test_people_are_notified_about_every_connection_and_about_missing_imports_after_its_check() -> None:
    found = wanted(connection("us"), connection("eu"), checked=("eu",))
    of_each = ("held orders of {}", "orders of {} due soon", "overdue orders of {}", "a secret of {} expires")
    assert set(found) == {
        "mfn: dead runs",
        "mfn: runs that never began",
        "mfn: a run failed",
        "mfn: a run died",
        "mfn: no import of eu",
        *("mfn: " + name.format(each) for name in of_each for each in ("us", "eu")),
    }
    others = {name: automation for name, automation in found.items() if "runs" not in name}
    assert {action["block_document_id"] for one in others.values() for action in one["actions"]} == {"block"}
    assert {automation["enabled"] for automation in found.values()} == {True}


@pytest.mark.parametrize(
    ("name", "posture", "after", "until", "within"),
    [
        ("dead runs", "Proactive", "heartbeat", "heartbeat", 3 * MINUTE),
        ("runs that never began", "Proactive", "Pending", "Running", 15 * MINUTE),
        ("a run failed", "Reactive", None, "Failed", 30 * MINUTE),
        ("a run died", "Reactive", None, "Crashed", 30 * MINUTE),
    ],
)
def test_what_happens_to_a_run_is_notified_after_its_time_and_separately_for_each(
    name: str, posture: str, after: str | None, until: str, within: float
) -> None:
    trigger = wanted(connection("us"))[f"mfn: {name}"]["trigger"]
    assert (trigger["posture"], trigger["within"], trigger["threshold"]) == (posture, within, 1)
    assert trigger.get("after", []) == ([f"prefect.flow-run.{after}"] if after else [])
    assert f"prefect.flow-run.{until}" in trigger["expect"]
    assert ("prefect.flow-run.Completed" in trigger["expect"]) == (posture == "Proactive")
    assert trigger["for_each"]


@pytest.mark.parametrize(
    ("minutes", "silence", "reminder"),
    [(60, 60 * MINUTE, DAY), (0.1, 10.0, DAY), (2880, 2 * DAY, 2 * DAY)],
)
def test_a_missing_import_is_notified_after_its_connections_time_and_again_each_day(
    minutes: float, silence: float, reminder: float
) -> None:
    trigger = wanted(connection("us", minutes), checked=("us",))["mfn: no import of us"]["trigger"]
    first, again = trigger["triggers"]
    assert (trigger["require"], first["within"], again["within"]) == ("any", silence, reminder)
    assert first["after"] == ["mfn.import.done", "mfn.import.expected"]
    assert [each["expect"] for each in (first, again)] == [["mfn.import.done"]] * 2
    assert {each["match"]["prefect.resource.id"] for each in (first, again)} == {"mfn.connection.us"}


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("held orders of us", "mfn.orders.held"),
        ("orders of us due soon", "mfn.orders.due-soon"),
        ("overdue orders of us", "mfn.orders.overdue"),
        ("a secret of us expires", "mfn.secret.expiring"),
    ],
)
def test_what_imports_find_is_notified_at_once_in_their_words(name: str, event: str) -> None:
    automation = wanted(connection("us"))[f"mfn: {name}"]
    trigger, (action,) = automation["trigger"], automation["actions"]
    assert (trigger["expect"], trigger["within"], trigger["posture"]) == ([event], 0, "Reactive")
    assert trigger["match"] == {"prefect.resource.id": "mfn.connection.us"}
    assert (action["subject"], action["body"]) == ("{{ event.payload.subject }}", "{{ event.payload.message }}")


@pytest.mark.parametrize(
    ("there", "is_there"),
    [
        ({"a": 1, "b": ["x", "y"], "c": [{"d": 1}]}, True),
        ({"a": 1, "b": ["y", "x"], "c": [{"d": 1, "id": 7}], "id": 8}, True),
        ({"a": 2, "b": ["x", "y"], "c": [{"d": 1}]}, False),
        ({"b": ["x", "y"], "c": [{"d": 1}]}, False),
        ({"a": 1, "b": ["x"], "c": [{"d": 1}]}, False),
        ({"a": 1, "b": ["x", "y", "z"], "c": [{"d": 1}]}, False),
        ({"a": 1, "b": ["x", "z"], "c": [{"d": 1}]}, False),
        ({"a": 1, "b": "xy", "c": [{"d": 1}]}, False),
        ({"a": 1, "b": ["x", "y"], "c": [{"d": 2}]}, False),
        ({"a": 1, "b": ["x", "y"], "c": ["d"]}, False),
        ({"a": 1, "b": ["x", "y"], "c": {"d": 1}}, False),
        (None, False),
    ],
)
def test_an_automation_is_up_to_date_if_it_has_all_that_is_wanted_whatever_prefect_adds(
    there: Any, *, is_there: bool
) -> None:
    assert has(there, {"a": 1, "b": ["x", "y"], "c": [{"d": 1}]}) is is_there


@pytest.mark.parametrize(
    ("api", "environ", "ui_url"),
    [
        ("http://127.0.0.1:4200/api", {}, "http://127.0.0.1:4200"),
        ("http://127.0.0.1:4200/api/", {}, "http://127.0.0.1:4200"),
        ("http://prefect.example/x/api", {"PREFECT_UI_URL": ""}, "http://prefect.example/x"),
        ("http://127.0.0.1:4200/api", {"PREFECT_UI_URL": "https://ui.example/"}, "https://ui.example"),
    ],
)
def test_the_user_interface_is_beside_the_api_unless_prefect_says_where(
    api: str, environ: dict[str, str], ui_url: str
) -> None:
    assert ui_url_of(api, environ) == ui_url

"""`mfn deploy` against a real Prefect server: once for each connection, and what was edited in the UI stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from mfn.cli.deployments import deploy
from mfn.cli.schedules import resume_checked, waiting_names
from mfn.errors import ConfigurationError, RetriableError
from mfn.ledger.passed_checks import note_passed

if TYPE_CHECKING:
    from tests.world import World

pytestmark = [
    pytest.mark.filterwarnings("default", "ignore::ResourceWarning"),
]

NAMES = [
    *("import-orders/us", "import-orders/eu_west", "follow-orders/us", "follow-orders/eu_west"),
    *("confirm-shipments/us", "confirm-shipments/eu_west"),
    *("sync-inventory/us", "sync-inventory/eu_west", "reconcile/us", "reconcile/eu_west"),
    *("purge-expired/default", "rerun-batches/default", "reprocess-orders/default", "reprocess-part/default"),
]


def environ(url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**clean, "PREFECT_API_URL": url}


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_attempt(100), wait=wait_fixed(0.1))
def ask(method: str, url: str, content: Any = None) -> httpx.Response:
    """An answer of the Prefect API; a server whose database is locked says 503, and is asked again."""
    return httpx.request(method, url, json=content).raise_for_status()


def deployment(url: str, name: str) -> Any:
    return ask("GET", f"{url}/deployments/name/{name}").json()


@pytest.mark.usefixtures("prefect")
def test_every_connection_is_deployed_and_an_edited_schedule_stays(world: World) -> None:
    url = str(PREFECT_API_URL.value())
    world.add_connection("eu_west", marketplaces="[DE]")
    assert deploy(world.settings, environ(url)) == NAMES
    first = deployment(url, "import-orders/eu_west")
    assert first["parameters"] == {"connection": "eu_west"}
    assert first["global_concurrency_limit"]["limit"] == 1
    assert first["work_pool_name"] == "mfn"
    assert first["job_variables"]["env"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60"}
    automations = {entry["name"] for entry in ask("POST", f"{url}/automations/filter", {}).json()}
    assert automations >= {"mfn: dead runs", "mfn: runs that never began"}
    schedules = deployment(url, "sync-inventory/eu_west")["schedules"]
    assert {schedule["slug"]: schedule["parameters"] for schedule in schedules} == {
        "every-5-minutes": {},
        "daily-full": {"full": True},
    }
    (schedule,) = first["schedules"]
    assert schedule["slug"] == "every-15-minutes"
    edited = {"active": False, "schedule": {"cron": "0 * * * *", "timezone": "Europe/Berlin"}}
    ask("PATCH", f"{url}/deployments/{first['id']}/schedules/{schedule['id']}", edited)
    assert deploy(world.settings, environ(url)) == NAMES
    (kept,) = deployment(url, "import-orders/eu_west")["schedules"]
    assert (kept["active"], kept["schedule"]["cron"]) == (False, "0 * * * *")


@pytest.mark.usefixtures("prefect")
def test_schedules_of_a_new_connection_rest_until_its_check_has_passed(world: World) -> None:
    url = str(PREFECT_API_URL.value())
    world.add_connection("ca_new", marketplaces="[CA]")
    deploy(world.settings, environ(url))
    assert {name for name in waiting_names(url, environ(url)) if name.endswith("/ca_new")} == {
        *("import-orders/ca_new", "confirm-shipments/ca_new", "sync-inventory/ca_new", "reconcile/ca_new")
    }
    resting = deployment(url, "import-orders/ca_new")
    (schedule,) = resting["schedules"]
    assert not schedule["active"]
    path = f"{url}/deployments/{resting['id']}"
    ask("PATCH", f"{path}/schedules/{schedule['id']}", {"schedule": {"cron": "0 6 * * *", "timezone": "UTC"}})
    of_theirs = {"active": False, "schedule": {"cron": "0 7 * * *", "timezone": "UTC"}}
    ask("POST", f"{path}/schedules", [of_theirs])
    ask("POST", f"{path}/pause_deployment")
    deploy(world.settings, environ(url))
    assert not any(one["active"] for one in deployment(url, "import-orders/ca_new")["schedules"])
    note_passed(world.ledger, "ca_new")
    assert resume_checked(world.settings, url, environ(url)) == ["ca_new"]
    begun = deployment(url, "import-orders/ca_new")
    assert {one["schedule"]["cron"]: one["active"] for one in begun["schedules"]} == {
        "0 6 * * *": True,
        "0 7 * * *": False,
    }
    assert begun["paused"], "what somebody paused meanwhile stays"
    assert begun["tags"] == []
    ask("PATCH", f"{path}/schedules/{schedule['id']}", {"active": False})
    deploy(world.settings, environ(url))
    assert not any(one["active"] for one in deployment(url, "import-orders/ca_new")["schedules"]), (
        "so does an edit later"
    )


def test_a_prefect_server_that_is_not_there_says_what_to_do(world: World) -> None:
    with pytest.raises(RetriableError, match="cannot be reached") as failed:
        deploy(world.settings, environ("http://127.0.0.1:1/api"))
    assert "prefect server start" in failed.value.remedy


def test_connections_that_are_wrong_are_told_before_anything_is_deployed(world: World) -> None:
    (world.home / "connections.yaml").write_text("connections: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"connections\.yaml"):
        deploy(world.settings, environ("http://127.0.0.1:1/api"))

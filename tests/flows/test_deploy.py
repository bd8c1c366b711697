"""`mfn deploy` against a real Prefect server: once for each connection, and what was edited in the UI stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from mfn.cli.deployments import deploy
from mfn.cli.prefect_address import with_prefect_api
from mfn.cli.schedules import resume_checked, waiting_names
from mfn.errors import ConfigurationError, FatalError, RetriableError
from mfn.ledger.passed_checks import note_passed

if TYPE_CHECKING:
    from pathlib import Path

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
def test_every_connection_is_deployed_and_edits_are_kept_before_and_after_its_check_passes(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    url = str(PREFECT_API_URL.value())
    world.add_connection("eu_west", marketplaces="[DE]")
    assert deploy(world.settings, environ(url)) == NAMES
    automations = {entry["name"] for entry in ask("POST", f"{url}/automations/filter", {}).json()}
    assert automations >= {"mfn: dead runs", "mfn: runs that never began"}
    schedules = deployment(url, "sync-inventory/eu_west")["schedules"]
    assert {schedule["slug"]: schedule["parameters"] for schedule in schedules} == {
        "every-5-minutes": {},
        "daily-full": {"full": True},
    }
    assert {name for name in waiting_names(url, environ(url)) if name.endswith("/eu_west")} == {
        *("import-orders/eu_west", "confirm-shipments/eu_west", "sync-inventory/eu_west", "reconcile/eu_west")
    }
    resting = deployment(url, "import-orders/eu_west")
    assert resting["parameters"] == {"connection": "eu_west"}
    assert resting["global_concurrency_limit"]["limit"] == 1
    assert resting["work_pool_name"] == "mfn"
    assert resting["job_variables"]["env"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60"}
    (schedule,) = resting["schedules"]
    assert (schedule["slug"], schedule["active"]) == ("every-15-minutes", False)
    path = f"{url}/deployments/{resting['id']}"
    ask("PATCH", f"{path}/schedules/{schedule['id']}", {"schedule": {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}})
    of_theirs = {"active": False, "schedule": {"cron": "0 7 * * *", "timezone": "UTC"}}
    ask("POST", f"{path}/schedules", [of_theirs])
    ask("POST", f"{path}/pause_deployment")

    assert deploy(world.settings, environ(url)) == NAMES
    kept = deployment(url, "import-orders/eu_west")["schedules"]
    assert {one["schedule"]["cron"]: one["active"] for one in kept} == {"0 6 * * *": False, "0 7 * * *": False}
    note_passed(world.ledger, "eu_west")
    assert resume_checked(world.settings, url, environ(url)) == ["eu_west"]
    begun = deployment(url, "import-orders/eu_west")
    assert {one["schedule"]["cron"]: one["active"] for one in begun["schedules"]} == {
        "0 6 * * *": True,
        "0 7 * * *": False,
    }
    assert begun["paused"], "what somebody paused meanwhile stays"
    assert begun["tags"] == []

    left = deployment(url, "import-orders/us")
    assert caplog.messages == []

    ask("PATCH", f"{path}/schedules/{schedule['id']}", {"active": False})
    file = world.settings.connections
    file.write_text(file.read_text(encoding="utf-8").replace("  us:", "  mirror:"), encoding="utf-8")
    assert "import-orders/mirror" in deploy(world.settings, environ(url)), (
        "a name with the letters of error is no error"
    )
    after = deployment(url, "import-orders/eu_west")["schedules"]
    assert not any(one["active"] for one in after), "so does an edit later"
    assert {one["schedule"]["cron"] for one in after} == {"0 6 * * *", "0 7 * * *"}
    (expected,) = caplog.messages
    assert "has no connection us, but its deployments still exist" in expected
    gone = {f"prefect deployment delete {name}" for name in NAMES if name.endswith("/us")}
    assert "\n" not in expected, "a log line shows it as two letters, and then nothing can be pasted"
    # other tests may have left deployments for this connection on the same server
    commands = expected.partition("delete the deployments: ")[2].split(" && ")
    assert gone <= set(commands)
    assert not any(command.endswith(("/eu_west", "/mirror", "/default")) for command in commands)
    assert deployment(url, "import-orders/us")["id"] == left["id"]


REFUSED = """\
name: refused
deployments:
  - name: default
    entrypoint: flows/nothing.py:nothing
    work_pool: {name: mfn}
    schedules: [{slug: daily, cron: at noon}]
"""


@pytest.mark.usefixtures("prefect")
def test_a_refusal_by_prefect_is_reported_with_a_command_that_can_be_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flows").mkdir(exist_ok=True)
    (tmp_path / "flows" / "nothing.py").write_text("from prefect import flow\n\n\n@flow\ndef nothing(): ...\n")
    (tmp_path / "prefect.yaml").write_text(REFUSED)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FatalError, match="prefect deploy --all failed") as expected:
        deploy(world.settings, environ(str(PREFECT_API_URL.value())))
    assert "Run the command again" in expected.value.remedy
    assert "prefect.yaml" not in expected.value.remedy, "the one that was deployed is gone"


def test_a_missing_prefect_server_is_reported_with_what_to_do(world: World) -> None:
    with pytest.raises(RetriableError, match="cannot be reached") as failed:
        deploy(world.settings, environ("http://127.0.0.1:1/api"))
    assert "prefect server start" in failed.value.remedy


@pytest.mark.usefixtures("prefect")
def test_a_prefect_address_without_its_api_path_is_reported_as_such(world: World) -> None:
    address = str(PREFECT_API_URL.value()).removesuffix("/api")
    with pytest.raises(ConfigurationError, match=f"{address} is not a Prefect API") as refused:
        deploy(world.settings, environ(address))
    assert "ends in /api" in refused.value.remedy


def test_an_invalid_prefect_setting_is_named(world: World) -> None:
    with pytest.raises(ConfigurationError, match=r"ServerAPISettings port Input should be a valid integer") as refused:
        with_prefect_api(world.settings, environ("") | {"PREFECT_SERVER_API_PORT": "x"})
    assert "PREFECT_…" in refused.value.remedy


def test_wrong_connections_are_reported_before_anything_is_deployed(world: World) -> None:
    (world.home / "connections.yaml").write_text("connections: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"connections\.yaml"):
        deploy(world.settings, environ("http://127.0.0.1:1/api"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"deployments: [\n", r"prefect\.yaml:\d: is not valid YAML"),
        (b"\xff", r"prefect\.yaml is not UTF-8"),
        (b"", r"prefect\.yaml:1: deployments: expected a list"),
        (b"deployments: [{name: us}]\n", r"deployments\.us: lacks entrypoint, work_pool"),
    ],
)
def test_a_wrong_prefect_yaml_is_reported_before_anything_is_deployed(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: bytes, expected: str
) -> None:
    settings = world.settings
    (tmp_path / "checkout" / "flows").mkdir(parents=True)
    (tmp_path / "checkout" / "prefect.yaml").write_bytes(text)
    monkeypatch.chdir(tmp_path / "checkout")
    with pytest.raises(ConfigurationError, match=expected):
        deploy(settings, environ("http://127.0.0.1:1/api"))

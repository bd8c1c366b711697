"""Alerts, on a real Prefect server with a real webhook: what failed, died or does not come, and what is held."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Running
from ruamel.yaml import YAML
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from flows.import_orders import import_orders
from mfn.alerts.automations import HEARTBEAT_SECONDS
from mfn.cli.automations import keep_automations, notification_block_id, refresh_automations
from mfn.cli.project import project_root
from mfn.connections import load_connections
from mfn.errors import ConfigurationError
from mfn.ledger.passed_checks import note_passed
from mfn.prefect_api import prefect_client
from mfn.simulator.clock import amazon_time
from tests.flows.deployed import NUMBERS, started_by_hand
from tests.flows.flow_runs import ON_PREFECT
from tests.flows.webhook import Webhook, webhook
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.world import World

pytestmark = ON_PREFECT

FLOWS = ("import-orders", "confirm-shipments")
UI = "http://127.0.0.1:4200"
EVERYBODY = [
    "mfn: a run died", "mfn: a run failed", "mfn: a secret of us expires", "mfn: dead runs", "mfn: held orders of us",
    "mfn: no import of us", "mfn: orders of us due soon", "mfn: overdue orders of us", "mfn: runs that never began",
]  # fmt: skip


@pytest.fixture
def api() -> Iterator[httpx.Client]:
    """The Prefect API, without an automation at first, and at the end."""
    with prefect_client(str(PREFECT_API_URL.value()), {}) as client:
        remove_all(client)
        yield client
        remove_all(client)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A webhook whose block the settings name."""
    with webhook() as served:
        monkeypatch.setenv("MFN_NOTIFICATION_BLOCK", served.block)
        yield served


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_attempt(100), wait=wait_fixed(0.1))
def ask(api: httpx.Client, method: str, path: str, content: Any) -> httpx.Response:
    """An answer of the Prefect API; one that is busy, or had closed an idle connection, is asked again."""
    answer = api.request(method, path, json=content)
    is_gone = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND  # an earlier try had removed it
    return answer if is_gone else answer.raise_for_status()


def remove_all(api: httpx.Client) -> None:
    for automation in listed(api):
        ask(api, "DELETE", f"/automations/{automation['id']}", None)


def listed(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(api, "POST", "/automations/filter", {}).json()
    return found


def names(api: httpx.Client) -> list[str]:
    return sorted(automation["name"] for automation in listed(api))


def keep(api: httpx.Client, world: World) -> None:
    """What `mfn deploy` does at its end."""
    settings = world.settings
    block_id = notification_block_id(api, settings, UI)
    keep_automations(api, settings, load_connections(settings), flows=FLOWS, block_id=block_id, ui_url=UI)


def set_alerts(world: World, **alerts: float) -> None:
    path = world.home / "connections.yaml"
    document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    document["connections"]["us"]["alerts"] = alerts
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(document, file)


async def a_run_that_died() -> UUID:
    """A run of a deployment that runs, has said so once, and says nothing more."""
    async with get_client() as client:
        flow_id = await client.create_flow(import_orders)
        deployment = await client.create_deployment(flow_id, f"test-{next(NUMBERS)}", parameters={"connection": "us"})
        run = await client.create_flow_run_from_deployment(deployment)
        await client.set_flow_run_state(run.id, Running(), force=True)
    flow = {"prefect.resource.id": f"prefect.flow.{flow_id}", "prefect.resource.role": "flow"}
    heartbeat = {
        "id": str(uuid4()),
        "event": "prefect.flow-run.heartbeat",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run.id}"},
        "related": [
            {**flow, "prefect.resource.name": "import-orders"},
            {"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"},
        ],
    }
    with prefect_client(str(PREFECT_API_URL.value()), {}) as client:
        ask(client, "POST", "/events", [heartbeat])
    return run.id


async def state_of(run: UUID) -> str:
    async with get_client() as client:
        state = (await client.read_flow_run(run)).state
        return f"{state and state.name}: {state and state.message}"


def test_a_failed_run_is_notified_with_its_reason_its_link_and_the_command(
    world: World, api: httpx.Client, hook: Webhook
) -> None:
    keep(api, world)
    world.put(*(an_order() for _ in range(4)))
    world.amazon.faults.without_recipients = True
    state = started_by_hand(import_orders, connection="us")
    assert state.is_failed()
    text = hook.message(f"mfn: import-orders/test-{next(NUMBERS) - 1} failed")
    assert "Direct-to-Consumer Delivery" in text
    assert "Connection: us" in text
    assert f"/runs/flow-run/{state.state_details.flow_run_id}" in text
    assert "mfn batches --failed" in text
    assert "mfn rerun us-import-" in text
    assert "Test Buyer" not in text


def test_a_dead_run_and_missing_imports_are_notified(
    world: World, api: httpx.Client, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfn.alerts.automations.HEARTBEAT_SECONDS", 4)
    set_alerts(world, no_import_minutes=0.2)
    note_passed(world.ledger, "us")
    keep(api, world)
    run = asyncio.run(a_run_that_died())
    text = hook.message("mfn us: no import for 0.2 minutes")
    assert "No import of us has finished within 0.2 minutes" in text
    assert "mfn import us" in text
    assert f"{UI}/deployments" in text
    text = hook.message(f"mfn: import-orders/test-{next(NUMBERS) - 1} died")
    assert "No heartbeat for 12 seconds" in text
    assert "mfn rerun --failed" in text
    assert str(run) in text
    assert asyncio.run(state_of(run)).startswith("Crashed: No heartbeat")


def test_held_orders_and_orders_due_soon_are_notified_with_their_ids_and_reasons(
    world: World, api: httpx.Client, hook: Webhook
) -> None:
    set_alerts(world, held_orders=2, ship_by_hours=2)
    keep(api, world)
    in_an_hour = {"shipByWindow": {"latestDateTime": amazon_time(datetime.now(UTC) + timedelta(hours=1))}}
    (urgent, other) = world.put(
        an_order(an_item(sku="MUG-GREEN"), fulfillment=in_an_hour), an_order(an_item(sku="MUG-GREEN"))
    )
    assert started_by_hand(import_orders, connection="us").is_completed()
    text = hook.message("mfn us: 2 orders held")
    assert "sku_unknown 2" in text
    assert text.index(urgent) < text.index(other)
    assert "mfn orders --status held --connection us" in text
    assert ".html" in text
    text = hook.message("mfn us: 1 order due soon, not loaded")
    assert urgent in text
    assert other not in text
    assert f"mfn orders show {urgent}" in text
    assert all("Test Buyer" not in said["text"] for said in hook.seen)


def test_automations_switched_off_stay_off_and_correct_ones_are_not_touched(
    world: World, api: httpx.Client, hook: Webhook
) -> None:
    note_passed(world.ledger, "us")
    keep(api, world)
    assert names(api) == EVERYBODY
    before = {automation["name"]: automation for automation in listed(api)}
    off = before["mfn: no import of us"]
    ask(api, "PATCH", f"/automations/{off['id']}", {"enabled": False})
    set_alerts(world, no_import_minutes=120)
    keep(api, world)
    after = {automation["name"]: automation for automation in listed(api)}
    changed = after.pop("mfn: no import of us")
    assert (changed["id"], changed["enabled"]) == (off["id"], False)
    assert changed["trigger"]["triggers"][0]["within"] == 7200
    assert after == {name: automation for name, automation in before.items() if name in after}


def test_automations_without_a_connection_are_removed_and_those_of_others_stay(
    world: World, api: httpx.Client, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {
        "name": "mfn: their own",
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["nothing"], "threshold": 1, "within": 0},
        "actions": [{"type": "do-nothing"}],
    }
    ask(api, "POST", "/automations/", theirs)
    world.add_connection("eu_west", marketplaces="[DE]")
    keep(api, world)
    assert "mfn: held orders of eu_west" in names(api)
    world.write_connections()
    keep(api, world)
    imports_are_expected_once_the_check_has_passed = {"mfn: no import of us"}
    assert names(api) == sorted({*EVERYBODY, "mfn: their own"} - imports_are_expected_once_the_check_has_passed)
    monkeypatch.delenv("MFN_NOTIFICATION_BLOCK")
    keep(api, world)
    assert names(api) == ["mfn: dead runs", "mfn: runs that never began", "mfn: their own"]


def test_imports_are_expected_once_a_connection_has_passed_its_check(
    world: World, api: httpx.Client, hook: Webhook
) -> None:
    url = str(PREFECT_API_URL.value())
    refresh_automations(world.settings, url, {})
    assert names(api) == []
    keep(api, world)
    note_passed(world.ledger, "us")
    refresh_automations(world.settings, url, {})
    assert names(api) == EVERYBODY
    (died,) = [automation for automation in listed(api) if automation["name"] == "mfn: a run died"]
    assert died["trigger"]["match_related"]["prefect.resource.name"] == sorted(FLOWS)


def test_a_missing_block_is_reported_with_those_that_exist(
    world: World, api: httpx.Client, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_NOTIFICATION_BLOCK", "slack-webhook/operations")
    with pytest.raises(ConfigurationError, match="slack-webhook/operations of MFN_NOTIFICATION_BLOCK") as failed:
        keep(api, world)
    assert hook.block in failed.value.message
    assert f"{UI}/blocks/catalog" in failed.value.remedy
    assert "start mfn up, create the block" in failed.value.remedy, "without mfn up there is no UI"
    assert names(api) == []


def test_every_deployment_sends_heartbeats_as_often_as_the_automation_expects() -> None:
    document = YAML(typ="safe").load((project_root() / "prefect.yaml").read_text(encoding="utf-8"))
    sent = {
        entry["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
        for entry in document["deployments"]
    }
    assert sent == {str(HEARTBEAT_SECONDS)}

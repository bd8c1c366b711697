"""The settings of docs/scaling.md: two workers at two API processes of one Prefect server, on one PostgreSQL ledger."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mfn.cli.deployments import deploy
from mfn.cli.prefect_address import with_prefect_api
from mfn.errors import ConfigurationError
from mfn.ledger.batch_listing import list_batches
from tests.scaling.machines import SCALING
from tests.world import an_order

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.scaling.machines import Machines
    from tests.world import World

ORDERS = 20
RUN_SECONDS = 240


def start(client: httpx.Client, name: str) -> str:
    """Start a run of a deployment; its id."""
    found = client.get(f"/deployments/name/{name}").raise_for_status().json()
    body = {"state": {"type": "SCHEDULED"}}
    created = client.post(f"/deployments/{found['id']}/create_flow_run", json=body).raise_for_status()
    return str(created.json()["id"])


@retry(retry=retry_if_result(lambda states: states is None), stop=stop_after_delay(RUN_SECONDS), wait=wait_fixed(0.2))
def ended(client: httpx.Client, runs: list[str]) -> list[str] | None:
    """How the runs ended, once all have: state and message."""
    states = [client.get(f"/flow_runs/{run}").raise_for_status().json()["state"] for run in runs]
    final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    return [f"{state['type']} {state['message']}" for state in states] if {s["type"] for s in states} <= final else None


def states_of(client: httpx.Client, run: str) -> list[str]:
    """Every state that a run went through."""
    found = client.get("/flow_run_states/", params={"flow_run_id": run}).raise_for_status()
    return [str(state["name"]) for state in found.json()]


@retry(retry=retry_if_result(lambda count: count != 2), stop=stop_after_delay(RUN_SECONDS), wait=wait_fixed(0.2))
def online_workers(client: httpx.Client) -> int:
    """Wait until both workers have told the server that they are there."""
    return len(client.post("/work_pools/mfn/workers/filter", json={}).raise_for_status().json())


@retry(retry=retry_if_result(lambda found: not found), stop=stop_after_delay(60), wait=wait_fixed(0.2))
def events(client: httpx.Client, run: str, name: str) -> list[Any]:
    """Events of a run that have come through Redis and the services process into the database."""
    wanted = {"event": {"name": [name]}, "related": {"id": []}, "resource": {"id": [f"prefect.flow-run.{run}"]}}
    found = client.post("/events/filter", json={"filter": wanted, "limit": 10}).raise_for_status()
    return list(found.json()["events"])


def test_two_workers_on_one_ledger_load_every_order_once(machines: Machines, two_accounts: tuple[World, World]) -> None:
    for world in two_accounts:
        world.put(*(an_order() for _ in range(ORDERS)))
    environ = dict(os.environ) | {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    names = deploy(two_accounts[0].settings, environ)
    assert {"import-orders/us", "import-orders/us_two"} <= set(names)
    with ExitStack() as running:
        first, second = (running.enter_context(machines.client(api)) for api in (0, 1))
        for name in names:  # only what is started here
            found = first.get(f"/deployments/name/{name}").raise_for_status().json()
            first.post(f"/deployments/{found['id']}/pause_deployment").raise_for_status()
        logs = [running.enter_context(machines.worker(f"number-{api}", api, environ)) for api in (0, 1)]
        online_workers(first)
        # The same connection twice, each through another API process: one waits for the other.
        asked = [(first, "us"), (second, "us"), (second, "us_two")]
        runs = [start(client, f"import-orders/{connection}") for client, connection in asked]
        assert [how.split(" ")[0] for how in ended(first, runs) or ()] == ["COMPLETED"] * 3
        assert "AwaitingConcurrencySlot" in states_of(first, runs[0]) + states_of(first, runs[1])
        assert events(second, runs[0], "prefect.flow-run.Completed")
    taken = [{run for run in runs if run in log.read_text(encoding="utf-8")} for log in logs]
    assert all(taken), "one worker did nothing"
    batches = list_batches(two_accounts[0].ledger)
    assert sorted((batch.connection, batch.status) for batch in batches) == [
        ("us", "done"), ("us", "done"), ("us_two", "done"),
    ]  # fmt: skip
    loaded = [row["order_number"] for row in two_accounts[0].rows()]
    assert len(loaded) == 2 * ORDERS
    assert set(two_accounts[0].statuses().values()) == {"loaded"}
    with redis.Redis(port=machines.redis_port) as server:
        assert server.exists("events"), "the events did not go through Redis"
    for log in sorted(machines.logs.glob("*.log")):
        assert "Traceback" not in log.read_text(encoding="utf-8"), log.name


def test_deployments_go_to_a_work_pool_of_another_type(
    machines: Machines, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_WORK_POOL", "mfn-kubernetes")
    with pytest.raises(ConfigurationError, match="mfn-kubernetes") as failed:
        deploy(world.settings, machines.environ)
    assert "prefect work-pool create mfn-kubernetes" in failed.value.remedy
    with machines.client() as client:
        for kind in ("docker", "kubernetes"):
            template = json.loads((SCALING / f"{kind}-pool.json").read_text(encoding="utf-8"))
            pool = {"name": f"mfn-{kind}", "type": kind, "base_job_template": template}
            client.post("/work_pools/", json=pool).raise_for_status()
        deploy(world.settings, machines.environ)
        found = client.get("/deployments/name/import-orders/us").raise_for_status().json()
    assert (found["work_pool_name"], found["work_queue_name"]) == ("mfn-kubernetes", "default")


PROFILES = """\
active = "shop"

[profiles.shop]
PREFECT_API_URL = "{api}"
PREFECT_API_AUTH_STRING = "{shown}"
"""
"""What `prefect config set` writes."""


def test_credentials_stored_by_prefect_config_set_open_a_password_protected_server(
    machines: Machines, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MFN_WORK_POOL", "nowhere")  # asked of the server, and the end of it
    plain = {name: text for name, text in machines.environ.items() if not name.startswith("PREFECT_")}
    environ = {**plain, "PREFECT_HOME": str(tmp_path)}
    profiles = tmp_path / "profiles.toml"
    for shown, told in (
        (machines.environ["PREFECT_API_AUTH_STRING"], "work pool nowhere"),
        ("mfn:another", r"denies access \(HTTP 401\)"),
    ):
        profiles.write_text(PROFILES.format(api=machines.apis[0], shown=shown), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=told) as refused:
            deploy(world.settings, with_prefect_api(world.settings, environ))
    assert "PREFECT_API_AUTH_STRING" in refused.value.remedy

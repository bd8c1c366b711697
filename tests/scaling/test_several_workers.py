"""The settings of docs/scaling.md: two workers at two API processes of one Prefect server, on one PostgreSQL ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from mfn.database.engines import engine_for
from mfn.ledger.batches import list_batches
from mfn.simulator.server import SimulatorServer
from tests.world import World, an_amazon, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.scaling.machines import Machines

MFN = Path(sys.executable).with_name("mfn")
ORDERS = 20
RUN_SECONDS = 240


@pytest.fixture
def two_accounts(machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, World]]:
    """Two connections, each with an Amazon of its own, to one warehouse; their ledger is on PostgreSQL."""
    home = {"MFN_CONNECTIONS": str(tmp_path / "connections.yaml"), "MFN_MAPPINGS": str(tmp_path / "mappings")}
    for name, text in (machines.environ | home).items():
        monkeypatch.setenv(name, text)
    with SimulatorServer(an_amazon()) as first, SimulatorServer(an_amazon()) as second:
        world = World(tmp_path, first.amazon, first.endpoint, machines.url("warehouse"))
        world.set_up()
        other = World(tmp_path, second.amazon, second.endpoint, machines.url("warehouse"))
        entry = (tmp_path / "connections.yaml").read_text(encoding="utf-8")
        more = entry.removeprefix("connections:\n").replace("  us:", "  us_two:").replace(first.endpoint, second.endpoint)
        (tmp_path / "connections.yaml").write_text(entry + more, encoding="utf-8")
        yield world, other
    engine_for(machines.url("warehouse")).dispose()
    engine_for(machines.url("ledger")).dispose()


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


def test_two_workers_on_one_ledger_load_every_order_once(
    machines: Machines, two_accounts: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    for world in two_accounts:
        world.put(*(an_order() for _ in range(ORDERS)))
    environ = machines.environ | {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        **{name: str(getattr(two_accounts[0].settings, name[4:].lower())) for name in ("MFN_CONNECTIONS", "MFN_MAPPINGS")},
    }
    deployed = subprocess.run([MFN, "deploy", "--json"], env=environ, capture_output=True, text=True, check=False)
    assert deployed.returncode == 0, deployed.stderr
    names = json.loads(deployed.stdout)["deployments"]
    assert {"import-orders/us", "import-orders/us_two"} <= set(names)
    with ExitStack() as running:
        first, second = (running.enter_context(machines.client(api)) for api in (0, 1))
        for name in names:  # only what is started here
            found = first.get(f"/deployments/name/{name}").raise_for_status().json()
            first.post(f"/deployments/{found['id']}/pause_deployment").raise_for_status()
        logs = [running.enter_context(machines.worker(f"number-{api}", api, environ)) for api in (0, 1)]
        online_workers(first)
        # The same connection twice, each through another API process: one waits for the other.
        runs = [start(first, "import-orders/us"), start(second, "import-orders/us_two"), start(second, "import-orders/us")]
        assert ended(first, runs) == ["COMPLETED None"] * 3
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

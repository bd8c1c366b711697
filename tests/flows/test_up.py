"""`mfn up` as a person starts it: everything on one machine, stopped well and badly, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.passed_checks import note_passed
from tests.commands import mfn
from tests.ports import free_port
from tests.privacy.planting import SECRETS
from tests.privacy.searching import Search
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Row

    from tests.world import World

MFN = str(Path(sys.executable).with_name("mfn"))
PATIENCE = 180
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
IMPORT = "import-orders/us"


def environ(world: World, port: int) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return clean | {
        **SECRETS,
        "PREFECT_HOME": str(world.home / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "MFN_REPORTS_URL": "",  # as a template of .env has it: not set
    }


def start(world: World, port: int, reports_port: int) -> subprocess.Popen[str]:
    words = [MFN, "up", "--json", "--reports-port", str(reports_port)]
    with (world.home / "up.err").open("a") as said:
        return subprocess.Popen(
            words, cwd=world.home, env=environ(world, port), stdout=subprocess.PIPE, stderr=said, text=True
        )


def ready(world: World, up: subprocess.Popen[str]) -> Any:
    """What it prints once all is ready."""
    assert up.stdout is not None
    line = up.stdout.readline()
    assert line, (world.home / "up.err").read_text(encoding="utf-8")
    document = json.loads(line)
    assert "error" not in document, document
    return document


def family(up: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(up.pid).children(recursive=True)


def assert_no_secret_is_shown(processes: list[psutil.Process]) -> None:
    """In the list of processes, which every user of the machine can read."""
    words = [word for process in processes if process.is_running() for word in process.cmdline()]
    assert [word for word in words if any(secret in word for secret in SECRETS.values())] == []


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        if process.is_running():
            process.kill()
    psutil.wait_procs(processes, timeout=PATIENCE)


@contextmanager
def nothing_left() -> Iterator[list[psutil.Process]]:
    """Whatever the test finds: every process that is put into this list is gone at its end."""
    seen: list[psutil.Process] = []
    try:
        yield seen
    finally:
        kill(seen)


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(PATIENCE), wait=wait_fixed(0.2))
def ask(method: str, url: str, content: Any = None) -> Any:
    answer = httpx.request(method, url, json=content, timeout=30).raise_for_status()
    return answer.json() if answer.content else None


def post(api: str, name: str, what: str, content: Any = None) -> Any:
    """Something that is done with a deployment."""
    deployment = ask("GET", f"{api}/deployments/name/{name}")["id"]
    return ask("POST", f"{api}/deployments/{deployment}/{what}", content)


def rest(api: str, names: Collection[str]) -> None:
    """Pause deployments, whose schedules would otherwise have the processor."""
    for name in names:
        post(api, name, "pause_deployment")


def start_run(api: str) -> str:
    return str(post(api, IMPORT, "create_flow_run", {})["id"])


def state_of(api: str, run: str) -> str:
    return str(ask("GET", f"{api}/flow_runs/{run}")["state"]["type"])


@retry(retry=retry_if_result(lambda state: state not in ENDED), stop=stop_after_delay(PATIENCE), wait=wait_fixed(0.2))
def outcome(api: str, run: str) -> str:
    return state_of(api, run)


@retry(retry=retry_if_result(lambda rows: not rows), stop=stop_after_delay(PATIENCE), wait=wait_fixed(0.2))
def batches_begun(world: World) -> Sequence[Row[Any]]:
    return list_batches(world.ledger, connection="us", kind="import", limit=9)


def refused(world: World, port: int, reports_port: int) -> tuple[int, Any]:
    """What a `mfn up` says that starts nothing, and so needs no process of its own."""
    words = ["up", "--reports-port", str(reports_port)]
    return mfn(*words, folder=world.home, environ=environ(world, port))


def test_a_killed_run_is_carried_on_and_a_clean_stop_leaves_no_processes(world: World) -> None:
    note_passed(world.ledger, "us")
    world.add_connection("eu_west", marketplaces="[DE]")
    world.put(an_order(), an_order())
    port, reports_port = free_port(), free_port()
    with nothing_left() as seen:
        up = start(world, port, reports_port)
        seen.append(psutil.Process(up.pid))
        shown = ready(world, up)
        seen.extend(family(up))
        api = shown["api"]
        assert (shown["ui"], shown["reports"]) == (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{reports_port}")
        rest(api, {*shown["deployments"]} - {IMPORT})
        assert IMPORT in shown["deployments"]
        assert sorted({name.split("/")[1] for name in shown["waiting"]}) == ["eu_west"]
        assert httpx.get(f"{shown['reports']}/health").is_success
        private = [*(world.home / ".mfn" / "logs").iterdir(), world.home / ".mfn" / "up.json"]
        private += (world.home / "prefect").glob("prefect.db*")
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        status, message = refused(world, port, free_port())
        assert (status, message["remedy"] != "") == (3, True)
        assert "mfn up is already running here" in message["error"]
        deployment = ask("GET", f"{api}/deployments/name/{IMPORT}")
        (schedule,) = deployment["schedules"]
        edited = {"active": False, "schedule": {"cron": "0 4 * * *", "timezone": "Europe/Berlin"}}
        ask("PATCH", f"{api}/deployments/{deployment['id']}/schedules/{schedule['id']}", edited)

        world.amazon.faults.hang("searchOrders")
        start_run(api)
        (begun,) = batches_begun(world)  # of this run, or of the schedule's, where that came before
        waiting = start_run(api)
        seen.extend(family(up))
        assert_no_secret_is_shown(seen)
        kill(list(seen))  # all at once: the command, the server, the worker, the site and the run
        up.wait()

        up = start(world, port, reports_port)
        seen.append(psutil.Process(up.pid))
        ready(world, up)
        seen.extend(family(up))
        assert state_of(api, begun.flow_run_id) == "CRASHED"
        (kept,) = ask("GET", f"{api}/deployments/name/{IMPORT}")["schedules"]
        assert (kept["active"], kept["schedule"]["cron"]) == (False, "0 4 * * *")
        assert outcome(api, waiting) == "COMPLETED", "the turn of the run that is gone is free again"
        *_, batch = batches_begun(world)
        assert (batch.batch_id, batch.status, batch.counts["loaded"]) == (begun.batch_id, "done", 2)

        seen.extend(family(up))
        up.send_signal(signal.SIGTERM)
        assert up.wait(PATIENCE) == 0
        assert [process for process in seen if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
        assert not (world.home / ".mfn" / "up.json").exists()
    assert Search(["import-orders"]).below(world.home), "what was written is looked into"
    assert Search(SECRETS.values()).below(world.home) == [], "no secret stands in logs, in the ledger or at Prefect"


def test_errors_are_reported_before_anything_is_started(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, message = refused(world, port, free_port())
        assert status == 2
        assert "PREFECT_SERVER_API_PORT" in message["remedy"]
        status, message = refused(world, free_port(), port)
        assert status == 2
        assert "--reports-port" in message["remedy"]
    same = free_port()
    status, message = refused(world, same, same)
    assert (status, "--reports-port" in message["remedy"]) == (2, True)
    (world.home / "connections.yaml").write_text("connections: {}\n", encoding="utf-8")
    status, message = refused(world, free_port(), free_port())
    assert status == 2
    assert "connections.yaml" in message["error"]
    assert not (world.home / ".mfn" / "logs").exists()

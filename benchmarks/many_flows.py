"""Imports of many connections as flow runs: a Prefect server, workers of a process pool, all runs asked for at once."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.goals import ROOT, console
from benchmarks.many_runs import LOOK_BACK
from mfn.cli.prefect_answers import ask
from mfn.cli.programs import SERVER, Programs
from mfn.cli.project import prefect_program
from mfn.prefect_api import prefect_client
from mfn.serving import listen
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import httpx

POOL = "mfn"
PAGE = 200
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 1_200


@dataclass(frozen=True)
class FlowRun:
    """One flow run that has ended.

    Attributes:
        connection: Whose import.
        waited: Seconds from being asked for until it began.
        took: Seconds from then to its end.
        is_done: Whether it ended well.
    """

    connection: str
    waited: float
    took: float
    is_done: bool


@dataclass(frozen=True)
class Round:
    """Flow runs that were asked for at once.

    Attributes:
        runs: Those that were to be measured.
        runs_cpu: Seconds that the workers and everything that they started have worked.
        server_cpu: Seconds that the Prefect server has worked.
    """

    runs: list[FlowRun]
    runs_cpu: float
    server_cpu: float


class Prefect:
    """A Prefect server with workers.

    Args:
        programs: What runs.
        client: A client of its API.
    """

    def __init__(self, programs: Programs, client: httpx.Client) -> None:
        self._programs = programs
        self._client = client
        self._deployments: dict[str, str] = {}

    @property
    def api(self) -> str:
        """Where its API is."""
        return str(self._client.base_url).rstrip("/")

    def deploy(self, connections: Sequence[str]) -> None:
        """Deploy the import of connections, without a schedule."""
        one_at_a_time = {"concurrency_limit": 1, "concurrency_options": {"collision_strategy": "ENQUEUE"}}
        for connection in connections:
            wanted = {"name": connection, "parameters": {"connection": connection}, **one_at_a_time}
            self._deployments[connection] = self._deploy("import_orders", wanted)

    def deploy_parts(self) -> None:
        """Deploy the parts of what is processed again."""
        self._deploy("reprocess_part", {"name": "default"})

    def _deploy(self, flow: str, wanted: Mapping[str, Any]) -> str:
        flow_id = self._ask("POST", "/flows/", {"name": flow.replace("_", "-")})["id"]
        of_all = {
            "flow_id": flow_id,
            "entrypoint": f"flows/{flow}.py:{flow}",
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
            "work_pool_name": POOL,
            "job_variables": {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60"}},
        }
        return str(self._ask("POST", "/deployments/", {**of_all, **wanted})["id"])

    def import_all(self, connections: Sequence[str]) -> Round:
        """Ask for the imports of connections, all at once, and wait for them."""
        before = self._cpu()
        asked = [self._run(connection) for connection in connections]
        self._wait_for(asked)
        after = self._cpu()
        found = [self._found(connection, run) for connection, run in zip(connections, asked, strict=True)]
        return Round(found, after[0] - before[0], after[1] - before[1])

    @contextmanager
    def importing_on_and_on(self, connection: str) -> Iterator[None]:
        """A connection that imports all of its orders again and again, until the block ends."""
        stop = threading.Event()

        def go_on() -> None:
            while not stop.is_set():
                since = (datetime.now(UTC) - LOOK_BACK).isoformat()
                self._wait_for([self._run(connection, {"since": since})])

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, connection: str, parameters: Mapping[str, Any] | None = None) -> str:
        path = f"/deployments/{self._deployments[connection]}/create_flow_run"
        wanted = {"state": {"type": "SCHEDULED"}, "parameters": {"connection": connection, **(parameters or {})}}
        return str(self._ask("POST", path, wanted)["id"])

    def _wait_for(self, runs: Sequence[str]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        left = list(runs)
        while left and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            some = left[:PAGE]
            chosen = {"flow_runs": {"id": {"any_": some}, "state": {"type": {"any_": ENDED}}}, "limit": PAGE}
            ended = {run["id"] for run in self._ask("POST", "/flow_runs/filter", chosen)}
            left = [run for run in left if run not in ended]
        if left:
            console.print(f"{len(left)} flow runs have not ended after {PATIENCE_SECONDS} seconds", style="bold red")

    def _found(self, connection: str, run: str) -> FlowRun:
        row = self._ask("GET", f"/flow_runs/{run}")
        asked, began, ended = (_moment(row[name]) for name in ("expected_start_time", "start_time", "end_time"))
        return FlowRun(connection, began - asked, ended - began, row["state_type"] == "COMPLETED")

    def _cpu(self) -> tuple[float, float]:
        """CPU seconds of the workers with what they started, and of the server."""
        seconds = {name: _cpu_of(process.pid) for name, process in self._programs.running.items()}
        server = seconds.pop("prefect-server")
        return sum(seconds.values()), server

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        return ask(self._client, method, path, content).json()


def _moment(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else float("nan")


def _cpu_of(pid: int) -> float:
    """What a process and its children have worked: those that it has waited for, and those that run."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    running = sum(_cpu_of(child.pid) for child in process.children())
    return own.user + own.system + own.children_user + own.children_system + running


@contextmanager
def prefect(*, workers: int, limit: int) -> Iterator[Prefect]:
    """A Prefect server on SQLite and workers of a process pool, until the block ends.

    The environment of this process is theirs.

    Args:
        workers: How many.
        limit: How many runs each carries out at the same time.
    """
    settings = load_settings()
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    api = f"http://127.0.0.1:{port}/api"
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        **SERVER,
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }
    settings.home.mkdir(parents=True, exist_ok=True)
    programs = Programs(settings, environ, api)
    with ExitStack() as running:
        running.callback(programs.stop)
        programs.start_server("127.0.0.1", port)
        programs.wait_for(f"{api}/health")
        client = running.enter_context(prefect_client(api, environ))
        ask(client, "POST", "/work_pools/", {"name": POOL, "type": "process", "base_job_template": _template()})
        words = [prefect_program(), "worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit)]
        for number in range(workers):
            programs.start(f"prefect-worker-{number}", [*words, "--name", f"worker-{number}"])
        yield Prefect(programs, client)


def _template() -> dict[str, Any]:
    from prefect.workers.process import ProcessWorker  # noqa: PLC0415, TID251 - two seconds that only this part takes

    template: dict[str, Any] = ProcessWorker.get_default_base_job_template()
    return template

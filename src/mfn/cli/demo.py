"""`mfn demo`: a local Amazon, a local warehouse, Prefect, a day of orders on their way through and back, and stock."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.engine import URL
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from mfn.cli.deployments import deploy
from mfn.cli.output import console_of
from mfn.cli.prefect_answers import ask
from mfn.cli.programs import SERVER, START_SECONDS, WORKER, Programs, end_as_asked
from mfn.cli.project import project_root
from mfn.errors import FatalError, RetriableError
from mfn.ledger.opening import make_home
from mfn.prefect_api import prefect_client
from mfn.serving import listen
from mfn.settings import load_settings
from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.server import SimulatorServer, open_amazon
from mfn.simulator.warehouse import create_demo_warehouse, ship_loaded_orders, write_demo_mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mfn.models import BatchKind

CONNECTION = "demo"
ORDERS = 240
SEED = 1
SPEED = 100.0
HOST = "127.0.0.1"
RUN_SECONDS = 180
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
"""Prefect's states of a flow run that has ended."""

CONNECTIONS = """\
connections:
  demo:
    seller_id: A2LOCALSELLER01
    marketplaces: [US, CA]
    endpoint: {endpoint}
    lwa_endpoint: {endpoint}
    warehouse: {{kind: sql, url: "sqlite:///warehouse.db"}}
"""

CREDENTIALS = {
    "SP_API_REFRESH_TOKEN": "Atzr|local",
    "LWA_APP_ID": "local-application",
    "LWA_CLIENT_SECRET": "local-secret",
}
"""The local Amazon accepts any. The programs started here get them, and `.env` has them for commands run by hand."""


@dataclass(frozen=True)
class Demonstration:
    """What a demonstration did.

    Attributes:
        home: Where its ledger, warehouse, reports and logs are.
        imported: What the import did, as `mfn import --json` prints it.
        confirmed: What the confirm run did, as `mfn confirm --json` prints it.
        pushed: What the stock run did, as `mfn inventory --json` prints it.
        ui: Where the Prefect UI is while it runs.
    """

    home: Path
    imported: dict[str, Any]
    confirmed: dict[str, Any]
    pushed: dict[str, Any]
    ui: str


@contextmanager
def demonstration() -> Iterator[Demonstration]:
    """A day of orders from a local Amazon into a local warehouse, parcels and stock back, by deployments on Prefect.

    Everything that is started is stopped when the block ends; the home stays, to be read.

    Yields:
        What was done, everything still running.

    Raises:
        FatalError: Something did not start, or the run failed; names the log to read.
    """
    end_as_asked()
    home = Path(tempfile.mkdtemp(prefix="mfn-demo-"))
    console = console_of(stderr=True)
    with ExitStack() as running:
        console.print(f"the demo's folder: {home}", markup=False)
        amazon = running.enter_context(SimulatorServer(open_amazon(orders=ORDERS, seed=SEED, speed=SPEED, malformed=1)))
        _set_up(home, amazon.endpoint)
        port = _free_port()
        ui = f"http://{HOST}:{port}"
        _use(home, ui)
        console.print(f"local Amazon with {ORDERS} orders: {amazon.endpoint}", markup=False)
        console.print(f"starting a Prefect server: {ui}", markup=False)
        settings = load_settings()
        make_home(settings.home)
        programs = Programs(settings, os.environ, f"{ui}/api")
        running.callback(programs.stop)
        programs.start_server(HOST, port)
        client = running.enter_context(prefect_client(programs.api, os.environ))
        _check()
        programs.wait_for(f"{programs.api}/health")
        console.print("deploying every flow for the connection demo, and starting a worker", markup=False)
        deployments = deploy(settings, os.environ)
        # Or a scheduled run comes in between whenever a quarter of an hour begins.
        _switch(client, deployments, "pause")
        programs.start_worker()
        _run_deployment(client, programs, f"import-orders/{CONNECTION}")
        parcels = ship_loaded_orders(_warehouse(home))
        console.print(f"the local warehouse ships {parcels} parcels", markup=False)
        _run_deployment(client, programs, f"confirm-shipments/{CONNECTION}")
        console.print("sending the remaining stock to the local Amazon", markup=False)
        _run_deployment(client, programs, f"sync-inventory/{CONNECTION}")
        _switch(client, deployments, "resume")
        yield Demonstration(home, _newest("import"), _newest("confirm"), _newest("inventory"), ui)


def _check() -> None:
    """What has not passed its check gets no schedules."""
    from mfn.steps.checking.walk import check_connection, has_passed_all  # noqa: PLC0415 - pandas takes a second

    steps = check_connection(load_settings(), CONNECTION)
    if not has_passed_all(steps):
        failed = next(finding for step in steps for finding in step.sorted_findings if step.status == "failed")
        raise FatalError(f"the set-up of the demo failed: {failed.detail}", remedy=failed.remedy)


def _newest(kind: BatchKind) -> dict[str, Any]:
    from mfn.ledger.batch_listing import list_batches  # noqa: PLC0415 - the ledger exists only now
    from mfn.ledger.opening import open_ledger  # noqa: PLC0415
    from mfn.steps.summaries import summary_of  # noqa: PLC0415

    settings = load_settings()
    (batch,) = list_batches(open_ledger(settings), connection=CONNECTION, kind=kind, limit=1)
    return summary_of(settings, batch.batch_id)


def _warehouse(home: Path) -> str:
    return _sqlite(home / "warehouse.db")


def _sqlite(path: Path) -> str:
    """The URL of a file, whatever its folders are called."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _set_up(home: Path, endpoint: str) -> None:
    (home / "connections.yaml").write_text(CONNECTIONS.format(endpoint=endpoint), encoding="utf-8")
    (home / ".env").touch(mode=0o600)  # or every command in this home would warn of it
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in CREDENTIALS.items()), encoding="utf-8")
    catalogue = build_catalogue()
    create_demo_warehouse(_warehouse(home), catalogue)
    write_demo_mappings(home / "mappings", CONNECTION)
    for name in ("carriers.csv", "accepted_carriers.csv"):
        shutil.copy(project_root() / "mappings" / name, home / "mappings")


def _use(home: Path, ui: str) -> None:
    """Point this process, and every one that it starts, to the demonstration's own home."""
    for name in [name for name in os.environ if name.startswith(("MFN_", "SP_API_", "LWA_", "PREFECT_"))]:
        del os.environ[name]
    os.environ |= {
        **SERVER,
        **CREDENTIALS,
        "MFN_HOME": str(home / ".mfn"),
        "MFN_CONNECTIONS": str(home / "connections.yaml"),
        "MFN_MAPPINGS": str(home / "mappings"),
        "MFN_LEDGER_URL": _sqlite(home / ".mfn" / "ledger.db"),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{ui}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }


def _ask(client: httpx.Client, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    """What the Prefect API answers; a busy one is asked again."""
    patient = Retrying(
        retry=retry_if_exception_type(RetriableError),
        stop=stop_after_delay(START_SECONDS),
        wait=wait_fixed(0.25),
        reraise=True,
    )
    answer: httpx.Response = patient(lambda: ask(client, method, path, content))
    return answer.json() if answer.content else None


def _deployment_id(client: httpx.Client, name: str) -> str:
    return str(_ask(client, "GET", f"/deployments/name/{name}")["id"])


def _switch(client: httpx.Client, deployments: list[str], what: Literal["pause", "resume"]) -> None:
    """Let the schedules of deployments rest, or go on."""
    for name in deployments:
        _ask(client, "POST", f"/deployments/{_deployment_id(client, name)}/{what}_deployment")


def _run_deployment(client: httpx.Client, programs: Programs, name: str) -> None:
    # A request whose answer was lost is repeated, and starts no second run.
    asked = {"idempotency_key": f"{programs.settings.home.parent.name} {name}"}
    run = _ask(client, "POST", f"/deployments/{_deployment_id(client, name)}/create_flow_run", asked)["id"]
    watch = Retrying(
        retry=retry_if_result(lambda state: state["type"] not in ENDED),
        stop=stop_after_delay(RUN_SECONDS),
        wait=wait_fixed(0.25),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    state = watch(lambda: _ask(client, "GET", f"/flow_runs/{run}")["state"])
    if state["type"] != "COMPLETED":
        ended = f"ended as {state['type']}: {state.get('message') or 'no message'}"
        raise FatalError(
            f"{name} {ended if state['type'] in ENDED else f'did not end within {RUN_SECONDS} s.'}",
            remedy=f"Read {programs.logs / WORKER}.log.",
        )


def _free_port() -> int:
    with closing(listen(HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_interrupted() -> None:
    """Stay until Ctrl-C."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        sys.stderr.write("\n")

"""A whole operation for browsers to look at: a local Amazon with a day of orders, a warehouse, and `mfn up`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import func, select, text
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from mfn.database.engines import engine_for, reading, writing
from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.server import DEMO_SELLER, SimulatorServer, open_amazon
from mfn.simulator.warehouse import create_demo_warehouse, write_demo_mappings
from mfn.warehouse.tables import wms_order_line
from tests.commands import mfn
from tests.ports import free_port
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.simulator.local_amazon import LocalAmazon

ROOT = Path(__file__).parents[2]
MFN = str(Path(sys.executable).with_name("mfn"))
ORDERS = 160
SEED = 11
START_SECONDS = 240
STOP_SECONDS = 60
CONNECTIONS = """\
connections:
  us:
    seller_id: {seller}
    marketplaces: [US]
    endpoint: {endpoint}
    lwa_endpoint: {endpoint}
    warehouse: {{kind: sql, url: "{warehouse}"}}
  ca:
    seller_id: {seller}
    marketplaces: [CA]
    endpoint: {endpoint}
    lwa_endpoint: {endpoint}
    warehouse: {{kind: sql, url: "{warehouse}"}}
"""
CREDENTIALS = {"SP_API_REFRESH_TOKEN": "Atzr|local", "LWA_APP_ID": "local", "LWA_CLIENT_SECRET": "local"}
LEFT_OUT = ",,SCHEDULED,,GROUND,\n,,SAME_DAY,,NEXTDAY,\n"
"""Rows that the demonstration's mappings leave out on purpose, and without which a set-up is not complete."""


@dataclass
class Operation:
    """What runs, and what the people who look after it do beside their browsers.

    Attributes:
        home: The folder with connections.yaml, the mappings and the state.
        amazon: The local Amazon.
        environ: The environment of every command.
        ui: Where the Prefect UI is.
        api: Where Prefect's API is.
        reports: Where the report site is.
        deployments: What `mfn up` deployed, as `flow/name`.
    """

    home: Path
    amazon: LocalAmazon
    environ: dict[str, str]
    ui: str = ""
    api: str = ""
    reports: str = ""
    deployments: tuple[str, ...] = ()

    @property
    def warehouse_url(self) -> str:
        """The warehouse's database."""
        return f"sqlite:///{self.home / 'warehouse.db'}"

    def mfn(self, *words: str) -> Any:
        """What an mfn command prints with --json; it has to end well."""
        status, document = mfn(*words, folder=self.home, environ=self.environ)
        assert status == 0, f"mfn {' '.join(words)}: {document}"
        return document

    def deployment(self, name: str) -> Any:
        """A deployment as the Prefect API has it."""
        return ask("GET", f"{self.api}/deployments/name/{name}")

    def rest(self, connection: str) -> None:
        """Pause every schedule of a connection, or runs come in between whenever a quarter of an hour begins."""
        for name in self.deployments:
            if name.endswith(f"/{connection}"):
                ask("POST", f"{self.api}/deployments/{self.deployment(name)['id']}/pause_deployment")

    def batches(self) -> list[dict[str, Any]]:
        """Every batch of the ledger, newest first."""
        batches: list[dict[str, Any]] = self.mfn("batches")["batches"]
        return batches

    def buy(self, count: int) -> list[str]:
        """New orders come in, of one unit each, with nothing wrong with them; returns their ids."""
        skus = [item.sku for item in build_catalogue().items if item.is_active][:count]
        orders = [an_order(an_item(sku=sku), minutes_ago=4) for sku in skus]
        for order in orders:
            self.amazon.orders.put(order)
        return [order["orderId"] for order in orders]

    def alter_warehouse(self, statement: str) -> None:
        """Whoever looks after the warehouse changes its database."""
        with writing(engine_for(self.warehouse_url), what="the warehouse") as database:
            database.execute(text(statement))

    def units(self, order_ids: list[str]) -> dict[str, int]:
        """How many units of these orders the warehouse is to ship, by order; without those that it does not have."""
        lines = (
            select(wms_order_line.c.order_number, func.sum(wms_order_line.c.quantity))
            .where(wms_order_line.c.order_number.in_(order_ids))
            .group_by(wms_order_line.c.order_number)
        )
        with reading(engine_for(self.warehouse_url), what="the warehouse") as database:
            return {order_id: int(units) for order_id, units in database.execute(lines)}

    @property
    def shipping_methods(self) -> Path:
        """The mapping of shipping methods."""
        return self.home / "mappings" / "shipping_methods.csv"


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(60), wait=wait_fixed(0.25), reraise=True)
def ask(method: str, url: str, content: Any = None) -> Any:
    """An answer of the Prefect API; a busy one, whose database is locked, is asked again."""
    answer = httpx.request(method, url, json=content, timeout=30).raise_for_status()
    return answer.json() if answer.content else None


@contextmanager
def running_operation(home: Path) -> Iterator[Operation]:
    """An operation whose connection `us` is set up and has a day behind it; `ca` is new, and never was checked."""
    with SimulatorServer(open_amazon(orders=ORDERS, seed=SEED, speed=1000.0, malformed=1)) as server:
        operation = Operation(home, server.amazon, _environ(home))
        _set_up(operation, server.endpoint)
        operation.mfn("check", "us")
        operation.mfn("import", "us")
        with _up(operation):
            operation.rest("us")
            yield operation
    engine_for(operation.warehouse_url).dispose()


def _set_up(operation: Operation, endpoint: str) -> None:
    mappings = operation.home / "mappings"
    connections = CONNECTIONS.format(seller=DEMO_SELLER, endpoint=endpoint, warehouse=operation.warehouse_url)
    (operation.home / "connections.yaml").write_text(connections, encoding="utf-8")
    create_demo_warehouse(operation.warehouse_url, build_catalogue())
    write_demo_mappings(mappings, "")
    with operation.shipping_methods.open("a", encoding="utf-8") as file:
        file.write(LEFT_OUT)
    for name in ("carriers.csv", "accepted_carriers.csv"):
        shutil.copy(ROOT / "mappings" / name, mappings)


def _environ(home: Path) -> dict[str, str]:
    foreign = ("MFN_", "SP_API_", "LWA_", "PREFECT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return (
        kept
        | CREDENTIALS
        | {
            "MFN_HOME": str(home / ".mfn"),
            "MFN_CONNECTIONS": str(home / "connections.yaml"),
            "MFN_MAPPINGS": str(home / "mappings"),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_SERVER_API_PORT": str(free_port()),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "MFN_REPORTS_URL": f"http://127.0.0.1:{free_port()}",
            "DO_NOT_TRACK": "1",
        }
    )


@contextmanager
def _up(operation: Operation) -> Iterator[None]:
    said = operation.home / "up.log"
    words = [MFN, "up", "--json", "--reports-port", operation.environ["MFN_REPORTS_URL"].rsplit(":", 1)[1]]
    with said.open("wb") as log:
        process = subprocess.Popen(
            words,
            cwd=operation.home,
            env=operation.environ,
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        late.cancel()
        assert line, f"mfn up ended before it was ready: {said.read_text(encoding='utf-8')}"
        document = json.loads(line)
        operation.ui, operation.api, operation.reports = (document[name] for name in ("ui", "api", "reports"))
        operation.deployments = tuple(document["deployments"])
        operation.environ["PREFECT_API_URL"] = operation.api
        yield
    finally:
        late.cancel()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.communicate()

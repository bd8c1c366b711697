"""The ways to get Amazon's orders that need nothing but this project's environment."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from benchmarks.goals import ROOT
from benchmarks.homes import CONNECTION, CREDENTIALS, enter_home
from benchmarks.peers.runs import Arrived, Run, run_program

if TYPE_CHECKING:
    from pathlib import Path

BIN = ROOT / ".venv" / "bin"
TO_WAIT = frozenset({"pending", "cancelled"})
"""Orders that nobody ships yet, or any more: the warehouse does not get them."""


def environment() -> dict[str, str]:
    """This process's, with the credentials of the local Amazon and no settings of this project."""
    foreign = ("MFN_", "SP_API_", "LWA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | CREDENTIALS


class Ours:
    """`mfn import`."""

    name = "mfn import"
    does = "lands, encrypts, checks, maps, upserts into a warehouse's tables, reports"

    def prepare(self, folder: Path, endpoint: str) -> None:
        """A home with a new ledger, mappings and a warehouse."""
        self._folder = folder
        here = os.getcwd()  # noqa: PTH109 - as it was
        try:
            enter_home(folder / "home", endpoint=endpoint, marketplaces="US")
        finally:
            os.chdir(here)
        self._environment = environment()

    def run(self) -> Run:
        """One import."""
        words = [str(BIN / "mfn"), "import", CONNECTION, "--json"]
        return run_program(
            words, cwd=self._folder / "home", output=self._folder / "said.txt", environment=self._environment
        )

    def arrived(self) -> Arrived:
        """What stands in the warehouse's tables, and what `mfn orders` says of the others."""
        with closing(sqlite3.connect(self._folder / "home" / "warehouse.db")) as database:
            items = _items(database, "SELECT order_number, order_item_id FROM wms_order_line")
            repeated = _repeated(database, "wms_order", "order_number")
        listed = subprocess.run(
            [str(BIN / "mfn"), "orders", "--json"],
            cwd=self._folder / "home", env=self._environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        orders = json.loads(listed.stdout)["orders"]
        waiting = frozenset(order["order_id"] for order in orders if order["status"] in TO_WAIT)
        return Arrived(
            items, repeated, {order["order_id"]: _why(order) for order in orders if order["reasons"]}, waiting
        )


def _why(order: dict[str, Any]) -> str:
    return "; ".join(f"{reason['code']}: {reason['detail']}" for reason in order["reasons"])


class Script:
    """The straightforward script: python-amazon-sp-api, pandas, to_sql."""

    name = "python-amazon-sp-api + pandas + to_sql"
    does = "appends to two tables"

    def prepare(self, folder: Path, endpoint: str) -> None:
        """Nothing: its tables are made by the first page."""
        self._folder, self._endpoint = folder, endpoint

    def run(self) -> Run:
        """One run; another one appends to what is there."""
        database = f"sqlite:///{self._folder / 'orders.db'}"
        words = [sys.executable, "-m", "benchmarks.peers.run_script", self._endpoint, database]
        return run_program(words, cwd=ROOT, output=self._folder / "said.txt", environment=environment())

    def arrived(self) -> Arrived:
        """What stands in its tables."""
        with closing(sqlite3.connect(self._folder / "orders.db")) as database:
            if not _has(database, "order_items"):
                return Arrived({})
            return Arrived(
                _items(database, 'SELECT "orderId", "orderItemId" FROM order_items'),
                _repeated(database, "orders", '"orderId"'),
            )


class Floor:
    """The bare floor: httpx, json, executemany."""

    name = "bare httpx + json + executemany"
    does = "inserts into two tables; each run starts from scratch"

    def prepare(self, folder: Path, endpoint: str) -> None:
        """Nothing."""
        self._folder, self._endpoint = folder, endpoint

    def run(self) -> Run:
        """One run, into tables of its own."""
        database = self._folder / "orders.db"
        for path in self._folder.glob("orders.db*"):
            path.unlink()
        words = [
            sys.executable, "-m", "benchmarks.floor",
            json.dumps({"endpoint": self._endpoint, "database": str(database)}),
        ]  # fmt: skip
        return run_program(words, cwd=ROOT, output=self._folder / "said.txt", environment=environment())

    def arrived(self) -> Arrived:
        """What stands in its tables."""
        with closing(sqlite3.connect(self._folder / "orders.db")) as database:
            return Arrived(
                _items(database, "SELECT order_id, item_id FROM lines"), _repeated(database, "orders", "order_id")
            )


def _items(database: sqlite3.Connection, query: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for order_id, item_id in database.execute(query):
        found.setdefault(order_id, set()).add(item_id)
    return {order_id: frozenset(items) for order_id, items in found.items()}


def _repeated(database: sqlite3.Connection, table: str, key: str) -> frozenset[str]:
    query = f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1"
    return frozenset(row[0] for row in database.execute(query))


def _has(database: sqlite3.Connection, table: str) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE name = ?"
    return bool(database.execute(query, [table]).fetchone()[0])

"""airbyte's source, built into an environment of its own, and a destination that keeps its records by their key."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.goals import ROOT
from benchmarks.peers.runs import Arrived, Run, run_program
from benchmarks.peers.ways import BIN, environment

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "benchmarks" / "peers"
LOCK = FOLDER / "airbyte.lock"
HOME = ROOT / ".venv" / "peers-airbyte"
FITTING = {(3, 10), (3, 11)}
"""The versions of Python that the source takes."""

KEYS = {"Orders": "AmazonOrderId", "OrderItems": "OrderItemId"}
FROM_SOURCE = "pendulum"
"""The one package of which there is no wheel; what builds it is in the lock."""


class AirbyteFailedError(Exception):
    """The environment could not be built; its text says what it lacks, in a few words."""


def build() -> None:
    """Build the environment from the lock, once for each lock.

    Raises:
        AirbyteFailedError: No Python fits, or a package cannot be had; what uv says of it stands on standard error.
    """
    if _is_ready():
        return
    shutil.rmtree(HOME, ignore_errors=True)
    python = sys.executable if sys.version_info[:2] in FITTING else "3.11"
    _uv("Python 3.10 or 3.11", "venv", "--no-python-downloads", "--python", python, str(HOME))
    _uv(
        "a package of its lock",
        *("pip", "install", "--python", str(HOME / "bin" / "python"), "--require-hashes", "--requirement", str(LOCK)),
        *("--only-binary", ":all:", "--no-binary", FROM_SOURCE, "--no-build-isolation-package", FROM_SOURCE),
    )
    shutil.copyfile(LOCK, HOME / LOCK.name)


def _uv(needed: str, *words: str) -> None:
    if subprocess.run([str(BIN / "uv"), *words, "--quiet"], check=False).returncode:
        raise AirbyteFailedError(f"it needs {needed}")


def _is_ready() -> bool:
    built = HOME / LOCK.name
    return built.is_file() and built.read_bytes() == LOCK.read_bytes()


def versions() -> dict[str, str]:
    """Those of airbyte's packages that matter, as locked."""
    pinned = (line.split()[0].split("==") for line in LOCK.read_text(encoding="utf-8").splitlines() if "==" in line)
    return {name: version for name, version in pinned if name.startswith("airbyte")}


class Airbyte:
    """airbyte-source-amazon-seller-partner, its streams Orders and OrderItems, incremental, deduplicated."""

    name = "airbyte-source-amazon-seller-partner"
    does = "writes records; what puts them into tables is not in its figures"

    def prepare(self, folder: Path, endpoint: str) -> None:
        """Its configuration and catalogue."""
        self._folder, self._endpoint = folder, endpoint
        self._records: dict[str, dict[str, dict[str, Any]]] = {stream: {} for stream in KEYS}
        self._state: dict[str, dict[str, Any]] = {}
        since = datetime.now(UTC) - timedelta(days=7)
        self._write(
            "config",
            {
                "aws_environment": "PRODUCTION",
                "region": "US",
                "account_type": "Seller",
                "lwa_app_id": "local",
                "lwa_client_secret": "local",
                "refresh_token": "local",
                "replication_start_date": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )
        self._write("catalog", {"streams": [_stream(name, key) for name, key in KEYS.items()]})

    def run(self) -> Run:
        """One sync, from the state that the last one left."""
        self._write("state", list(self._state.values()))
        said = self._folder / "said.jsonl"
        words = [
            str(HOME / "bin" / "python"), str(FOLDER / "airbyte_source.py"), self._endpoint, "read",
            *(part for name in ("config", "catalog", "state") for part in (f"--{name}", str(self._path(name)))),
        ]  # fmt: skip
        run = run_program(words, cwd=self._folder, output=said, environment=environment())
        waited, error = 0.0, ""
        with said.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("{"):
                    message = json.loads(line)
                    self._take(message)
                    error = _error_in(message) or error
                elif line.startswith("waited "):
                    waited = float(line.split()[1])
        return replace(run, said=error, waited=waited)

    def arrived(self) -> Arrived:
        """The orders whose items have come."""
        items: dict[str, set[str]] = {}
        for item in self._records["OrderItems"].values():
            items.setdefault(item["AmazonOrderId"], set()).add(item["OrderItemId"])
        known = self._records["Orders"].keys()
        return Arrived({order_id: frozenset(found) for order_id, found in items.items() if order_id in known})

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "RECORD":
            stream, data = message["record"]["stream"], message["record"]["data"]
            self._records[stream][data[KEYS[stream]]] = data
        elif message["type"] == "STATE":
            stream = message["state"]["stream"]["stream_descriptor"]["name"]
            self._state[stream] = message["state"]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _write(self, name: str, content: Any) -> None:
        self._path(name).write_text(json.dumps(content), encoding="utf-8")


def _error_in(message: dict[str, Any]) -> str:
    error = message["trace"].get("error") if message["type"] == "TRACE" else None
    return str(error["message"]) if error else ""


def _stream(name: str, key: str) -> dict[str, Any]:
    return {
        "stream": {
            "name": name,
            "json_schema": {},
            "supported_sync_modes": ["full_refresh", "incremental"],
            "source_defined_cursor": True,
            "default_cursor_field": ["LastUpdateDate"],
            "source_defined_primary_key": [[key]],
        },
        "sync_mode": "incremental",
        "cursor_field": ["LastUpdateDate"],
        "destination_sync_mode": "append_dedup",
        "primary_key": [[key]],
    }

"""The machines of docs/scaling.md once for all tests that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.database.engines import engine_for
from mfn.simulator.server import SimulatorServer
from tests.scaling.machines import missing_packages, running_machines
from tests.world import World, an_amazon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scaling.machines import Machines


@pytest.fixture(scope="package")
def machines() -> Iterator[Machines]:
    """PostgreSQL, Redis and a Prefect server in parts; skipped where Debian's packages are missing."""
    if missing := missing_packages():
        pytest.skip(f"Debian's packages are missing: {' '.join(missing)} (make debian-packages)")
    with running_machines() as machines:
        yield machines


@pytest.fixture
def two_accounts(machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, World]]:
    """Two connections, each with an Amazon of its own, to one warehouse; their ledger is on PostgreSQL."""
    where = {"MFN_CONNECTIONS": str(tmp_path / "connections.yaml"), "MFN_MAPPINGS": str(tmp_path / "mappings")}
    for name, text in (machines.environ | where).items():
        monkeypatch.setenv(name, text)
    with SimulatorServer(an_amazon()) as first, SimulatorServer(an_amazon()) as second:
        world = World(tmp_path, first.amazon, first.endpoint, machines.url("warehouse"))
        world.set_up()
        other = World(tmp_path, second.amazon, second.endpoint, machines.url("warehouse"))
        entry = (tmp_path / "connections.yaml").read_text(encoding="utf-8")
        more = (
            entry.removeprefix("connections:\n").replace("  us:", "  us_two:").replace(first.endpoint, second.endpoint)
        )
        (tmp_path / "connections.yaml").write_text(entry + more, encoding="utf-8")
        yield world, other
    engine_for(machines.url("warehouse")).dispose()
    engine_for(machines.url("ledger")).dispose()

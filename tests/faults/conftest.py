"""Worlds for the faults: warm ones, since Great Expectations takes seconds at first, and one on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.database.engines import engine_for
from mfn.ledger.opening import ledger_engine
from mfn.simulator.server import SimulatorServer
from tests.faults.gates import Gate
from tests.world import World, an_amazon, an_order, set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def is_warm(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """One import in this process, so that none in a child begins with importing everything."""
    home = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch, SimulatorServer(an_amazon()) as server:
        patch.chdir(home)
        set_secrets(patch)
        world = World(home, server.amazon, server.endpoint, f"sqlite:///{home / 'warehouse.db'}")
        world.set_up()
        world.put(an_order())
        world.run()
    engine_for(world.warehouse_url).dispose()
    ledger_engine(f"sqlite:///{home / '.mfn' / 'ledger.db'}").dispose()
    return True


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Where children stand still."""
    made = Gate()
    yield made
    made.close()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon is asked again at once."""
    monkeypatch.setattr("mfn.amazon.calling._grow", lambda _state: 0.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A small world, once on SQLite and once on PostgreSQL; nothing of it is open, so that children may be forked."""
    world: World = request.getfixturevalue("world" if request.param == "sqlite" else "world_on_postgres")
    world.ledger.engine.dispose()
    engine_for(world.warehouse_url).dispose()
    return world

"""Databases for the tests: a real SQLite and a real PostgreSQL, fresh for each test."""

from __future__ import annotations

import gc
import itertools
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from mfn.database.engines import engine_for
from mfn.ledger.opening import ledger_engine
from mfn.simulator.server import SimulatorServer
from tests.new_ledgers import made, quickly
from tests.postgres import fresh_schema, running_postgres
from tests.quick_asserts import rewritten_beforehand
from tests.quick_certificates import one_authority
from tests.quick_mappings import read_once
from tests.quick_programs import seldom_tidied
from tests.quick_sqlite import hurrying
from tests.world import World, an_amazon, set_secrets

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from xdist.remote import Producer

schema_numbers = itertools.count(1)

# No assertion about time: the first example of a test may load what the others find loaded.
settings.register_profile("mfn", deadline=None)
settings.load_profile("mfn")


SHARED = ("tests/flows/", "tests/browser/", "tests/scaling/", "tests/notifications/", "tests/test_deployments.py")
"""What the tests of a folder or file share takes long to start, such as a Prefect server."""


def pytest_configure(config: pytest.Config) -> None:
    """Prefect asks for the authorities as soon as it is imported, and so does every program that is started."""
    while_tests_run = ExitStack()
    while_tests_run.enter_context(one_authority())
    while_tests_run.enter_context(seldom_tidied())
    config.add_cleanup(while_tests_run.close)
    if config.getoption("numprocesses", default=0) and not hasattr(config, "workerinput"):
        rewritten_beforehand(config, config.rootpath / "tests")


class OnePrefectServer(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Tests go to whichever process is free, but for those that share what takes long to start: one has them all."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in SHARED if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OnePrefectServer:
    """How pytest-xdist shares the tests out."""
    return OnePrefectServer(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is imported stays: looking for rubbish in it meanwhile costs a third of the time, and again in tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def made_quickly() -> Iterator[None]:
    """A new ledger costs a seventh of its migrations, SQLite no waiting for the disk, mapping files one reading."""
    with made(quickly), hurrying(), read_once():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the tests."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """A SQLite file that is not there yet."""
    url = f"sqlite:///{tmp_path / 'database.db'}"
    yield url
    engine_for(url).dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema on PostgreSQL."""
    with fresh_schema(postgres_server, f"test_{next(schema_numbers)}") as url:
        yield url
        engine_for(url).dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once on SQLite and once on PostgreSQL."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A small world on SQLite, its home the working directory."""
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with SimulatorServer(an_amazon()) as server:
        world = World(tmp_path, server.amazon, server.endpoint, f"sqlite:///{tmp_path / 'warehouse.db'}")
        world.set_up()
        yield world
    engine_for(world.warehouse_url).dispose()
    ledger_engine(f"sqlite:///{tmp_path / '.mfn' / 'ledger.db'}").dispose()


@pytest.fixture
def world_on_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str, postgres_url: str
) -> Iterator[World]:
    """A small world whose ledger and warehouse are on PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with fresh_schema(postgres_server, f"ledger_{tmp_path.name}".lower()) as ledger_url:
        monkeypatch.setenv("MFN_LEDGER_URL", ledger_url)
        with SimulatorServer(an_amazon()) as server:
            world = World(tmp_path, server.amazon, server.endpoint, postgres_url)
            world.set_up()
            yield world
            world.ledger.engine.dispose()

"""A world at one moment, to which every trial returns: ledger, warehouse, files and Amazon."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon import calling, order_pages
from mfn.amazon.credentials import NAMES
from mfn.ledger import removal
from mfn.simulator.server import SimulatorServer
from mfn.steps.importing import validate
from mfn.steps.privacy import scrub
from tests.faults.matrix.stores import PostgresStore, SqliteStore, disconnect
from tests.world import World, an_amazon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mfn.simulator.local_amazon import LocalAmazon
    from tests.faults.matrix.stores import Store

FOREIGN = ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS")
PAGE_ORDERS, CHUNK_ORDERS, PAGES_PURGED, ORDERS_SCRUBBED = 7, 9, 2, 4
"""So small that a day of few orders has several of each."""


@dataclass
class Stage:
    """A world, and how it is put back.

    Attributes:
        world: The world; its home is the working directory.
        store: Its databases.
        server: Where its Amazon is served.
        known: What the judge of a flow has to know of how the day began.
    """

    world: World
    store: Store
    server: SimulatorServer
    known: Any = None
    _amazon: LocalAmazon = field(init=False)

    def keep(self, known: Any) -> None:
        """The day begins here: remember everything.

        Args:
            known: What the judge has to know.
        """
        self.known = known
        disconnect(self.store)
        self.store.keep()
        self._amazon = copy.deepcopy(self.world.amazon)

    def put_back(self) -> None:
        """Everything is again as it was when the day began."""
        disconnect(self.store)
        self.store.put_back()
        os.chdir(self.world.home)  # the folder of before is gone
        self.world.amazon = copy.deepcopy(self._amazon)
        app: Any = self.server._server.config.app
        app.state.amazon = self.world.amazon
        disconnect(self.store)


@contextmanager
def open_stage(build: Callable[[World], Any], server_url: str | None) -> Iterator[Stage]:
    """A world in a folder of its own, with a day behind it.

    Args:
        build: Makes the day, and returns what the judge has to know.
        server_url: A PostgreSQL server for the ledger and the warehouse; None: SQLite.
    """
    before = Path.cwd()
    environment = dict(os.environ)
    # Not the usual temporary directory where that is long: the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="mfn-faults-"))
    home = folder / "home"
    home.mkdir()
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(dict.fromkeys(NAMES, "test"))
    logging.getLogger("mfn").addHandler(logging.NullHandler())  # what goes wrong while a day is made is meant to
    store: Store
    if server_url is None:
        store = SqliteStore(home, folder / "kept")
    else:
        store = PostgresStore(home, folder / "kept", server_url, folder.name.replace("-", "_").lower())
    os.chdir(home)
    try:
        with SimulatorServer(an_amazon()) as server, _in_small_parts():
            stage = Stage(World(home, server.amazon, server.endpoint, store.warehouse_url), store, server)
            stage.world.set_up()
            stage.keep(build(stage.world))
            yield stage
    finally:
        disconnect(store)
        store.close()
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _in_small_parts() -> Iterator[None]:
    """Small pages and chunks, and no pauses before Amazon is asked again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_pages, "PAGE_SIZE", PAGE_ORDERS)
        patch.setattr(validate, "CHUNK_ORDERS", CHUNK_ORDERS)
        patch.setattr(removal, "PAGES_AT_ONCE", PAGES_PURGED)
        patch.setattr(scrub, "SCRUBBED_AT_ONCE", ORDERS_SCRUBBED)
        patch.setattr(calling, "_grow", lambda _state: 0.0)
        yield

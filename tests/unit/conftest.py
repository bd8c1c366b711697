"""A ledger for the unit tests: its tables on each database, with a key of its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mfn.database.engines import engine_for, writing
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.keys import register_newest
from mfn.ledger.opening import Ledger
from mfn.ledger.schema import Base
from tests.postgres import fresh_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


class EmptiedTables:
    """A ledger's tables on PostgreSQL, which test after test has without a row: to make them takes a tenth of a second.

    Args:
        server_url: The server.
        schemas: What drops the schemas at the end.
    """

    def __init__(self, server_url: str, schemas: ExitStack) -> None:
        self._server_url = server_url
        self._schemas = schemas
        self._made: list[str] = []

    def url(self) -> str:
        """The tables; recreated if the test before changed them or still holds them."""
        if not self._made or not self._are_emptied():
            name = f"emptied_{len(self._made)}"
            self._made.append(self._schemas.enter_context(fresh_schema(self._server_url, name)))
            Base.metadata.create_all(engine_for(self._made[-1]))
        return self._made[-1]

    def _are_emptied(self) -> bool:
        try:
            with engine_for(self._made[-1]).begin() as database:
                database.execute(text("SET LOCAL lock_timeout = '2s'"))
                for table in reversed(Base.metadata.sorted_tables):
                    database.execute(table.delete())
        except DBAPIError:
            return False
        return True


@pytest.fixture(scope="session")
def emptied_tables(postgres_server: str) -> Iterator[EmptiedTables]:
    """The tables on PostgreSQL."""
    with ExitStack() as schemas:
        yield EmptiedTables(postgres_server, schemas)


@pytest.fixture
def ledger(database_url: str, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger, once on SQLite and once on PostgreSQL."""
    if database_url.startswith("sqlite"):
        engine = engine_for(database_url)
        Base.metadata.create_all(engine)
    else:
        engine = engine_for(request.getfixturevalue("emptied_tables").url())
    keys = parse_keys(new_key(), origin="test")
    with writing(engine, what="the ledger") as database:
        secret = register_newest(database, keys)
    yield Ledger(engine, Cipher(keys, secret))
    engine.dispose()

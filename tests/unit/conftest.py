"""A ledger for the unit tests: its tables on each database, with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.database.engines import engine_for, writing
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.keys import register_newest
from mfn.ledger.opening import Ledger
from mfn.ledger.schema import Base

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """An empty ledger, once on SQLite and once on PostgreSQL."""
    engine = engine_for(database_url)
    Base.metadata.create_all(engine)
    keys = parse_keys(new_key(), origin="test")
    with writing(engine, what="the ledger") as database:
        secret = register_newest(database, keys)
    yield Ledger(engine, Cipher(keys, secret))
    engine.dispose()

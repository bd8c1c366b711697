"""A ledger for the unit tests: its tables on each database, with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.database.engines import engine_for
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.opening import Ledger
from mfn.ledger.schema import Base

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """An empty ledger, once on SQLite and once on PostgreSQL."""
    engine = engine_for(database_url)
    Base.metadata.create_all(engine)
    yield Ledger(engine, Cipher(parse_keys(new_key(), origin="test"), b"secret"))
    engine.dispose()

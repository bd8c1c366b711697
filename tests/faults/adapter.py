"""The adapter as a run would make it, against a scripted Amazon and a clock that only waiting moves."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.amazon.client import AmazonOrders
from mfn.amazon.credentials import Credentials
from mfn.amazon.order_pages import SearchWindow
from mfn.amazon.session import open_session
from mfn.amazon.transport import library_of
from mfn.connection import Connection
from mfn.database.engines import engine_for
from mfn.ledger.budget import Budget
from mfn.ledger.schema import Base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WINDOW = SearchWindow(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 0, 15, tzinfo=UTC))
SECRETS = Credentials("Atzr|refresh-secret", "amzn1.application-oa2-client.test", "client-secret")


@dataclass
class Clock:
    """Seconds since 1970; waiting is what moves it."""

    now: float = 1_800_000_000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def connection_to(endpoint: str) -> Connection:
    """The connection `us`, with both endpoints on loopback."""
    return Connection.model_validate(
        {
            "name": "us",
            "seller_id": "A2TESTSELLER",
            "marketplaces": ["US", "CA"],
            "endpoint": endpoint,
            "lwa_endpoint": endpoint,
        }
    )


@contextmanager
def adapter(
    endpoint: str, folder: Path, clock: Clock, *, timeout_seconds: float = 20, credentials: Credentials = SECRETS
) -> Iterator[AmazonOrders]:
    """An adapter with a ledger of its own; its connections are closed at the end."""
    engine = engine_for(f"sqlite:///{folder / 'ledger.db'}")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["rate_budget"]])
    connection = connection_to(endpoint)
    budget = Budget(engine, connection.account, clock=clock)
    session = open_session(connection, credentials, budget, wait=clock.wait, timeout_seconds=timeout_seconds)
    orders = AmazonOrders(session)
    try:
        yield orders
    finally:
        orders._session.library.close()
        library_of.cache_clear()
        engine.dispose()

"""A ledger with pages and chunks whose keys rotate, and what has to be so afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, insert, select

from mfn.ledger.batch_opening import open_batch
from mfn.ledger.buyers_data import read_chunks, stored_orders
from mfn.ledger.chunks import write_chunk
from mfn.ledger.encryption import key_id_of, parse_keys
from mfn.ledger.key_file import retired_file
from mfn.ledger.keys import registered_keys
from mfn.ledger.landed_pages import seal_page
from mfn.ledger.landing import WINDOW
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import BatchChunk, LandedOrder, LandedPage
from tests.met import add_to_batch

if TYPE_CHECKING:
    from pathlib import Path

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.settings import Settings

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Content(msgspec.Struct, array_like=True):
    """What a stage makes of a chunk."""

    names: list[str]


def text(page: int) -> bytes:
    """The one order of a page."""
    return b'{"orderId": "order-%d", "buyer": "Test Buyer"}' % page


def ids_in(path: Path) -> list[str]:
    """The ids of the keys in a file, as they stand there."""
    return [key.key_id for key in parse_keys(path.read_text(encoding="ascii"), origin="test")]


@dataclass(frozen=True)
class Rotating:
    """The ledger of some settings.

    Attributes:
        settings: The settings.
        batch: An import batch that has ended.
    """

    settings: Settings
    batch: BatchRef

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened again."""
        return open_ledger(self.settings)

    @property
    def keys_file(self) -> Path:
        """The file with the keys."""
        return self.settings.keys_file

    def in_file(self) -> list[str]:
        """The ids of the keys in the file."""
        return ids_in(self.keys_file)

    def set_aside(self) -> list[str]:
        """The ids of the keys that were set aside."""
        return ids_in(retired_file(self.keys_file))

    def registered(self) -> set[str]:
        """The ids of the keys that the ledger knows."""
        with self.ledger.reading() as database:
            return set(registered_keys(database))

    def keys_used(self) -> set[str]:
        """The ids of the keys that something is encrypted with."""
        with self.ledger.reading() as database:
            payloads = [
                payload
                for column in (LandedPage.payload, BatchChunk.payload)
                for payload in database.execute(select(func.substr(column, 1, 8))).scalars()
            ]
        return {key_id_of(payload) for payload in payloads}

    def fill(self, pages: int, *, chunks: int = 2) -> None:
        """Write pages with an order each, and chunks, under the newest key."""
        ledger, batch = self.ledger, self.batch
        place = {"connection": "us", "position": 0, "batch_id": batch.batch_id, "landed_at": NOON}
        numbers = range(1, pages + 1)
        with ledger.writing() as database:
            add_to_batch(database, batch, [f"order-{page}" for page in numbers], origin=WINDOW)
            sealed = {page: seal_page(ledger, "us", page, [text(page)]) for page in numbers}
            rows = [{"connection": "us", "page": page, "payload": sealed[page], "texts": 1} for page in numbers]
            database.execute(insert(LandedPage), rows)
            database.execute(insert(LandedOrder), [{**place, "order_id": f"order-{p}", "page": p} for p in numbers])
            for number in range(chunks):
                content = Content([f"Buyer {number}"])
                write_chunk(ledger, database, batch, content, stage="validate", number=number)

    def assert_whole(self, pages: int, *, chunks: int = 2) -> None:
        """Nothing was lost, and everything is under the one key that the ledger knows."""
        ledger = self.ledger
        assert self.keys_used() <= {ledger.cipher.newest}
        assert self.registered() == {ledger.cipher.newest}
        expected = {f"order-{page}": text(page) for page in range(1, pages + 1)}
        assert dict(stored_orders(ledger, "us", list(expected), purpose="test")) == expected
        for number in range(chunks):
            (made,) = read_chunks(ledger, self.batch, "validate", [number], Content, purpose="test")
            assert made.names == [f"Buyer {number}"]


def rotating_in(settings: Settings) -> Rotating:
    """A new ledger of these settings, with an import batch."""
    ledger = open_ledger(settings)
    with lease(ledger, "us", "import") as token:
        batch = open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")
    return Rotating(settings, batch)

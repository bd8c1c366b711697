"""Whatever happened to orders, a purge leaves only the newest texts of those within their retention."""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, update

from mfn.database.engines import engine_for, writing
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.compression import decompressed
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.keys import register_newest
from mfn.ledger.landed_pages import page_context
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.leases import lease
from mfn.ledger.opening import Ledger
from mfn.ledger.order_ends import End, note_ends, note_erased, note_known_ends
from mfn.ledger.orders import write_standing
from mfn.ledger.removal import Removing
from mfn.ledger.retention import due_orders
from mfn.ledger.schema import ArrivedPage, Base, LandedOrder, LandedPage, OrderEnd, Parcel, TrackedOrder
from mfn.models import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.models import BatchRef

START = datetime(2001, 1, 1, tzinfo=UTC)  # noted moments are never in the future
RETENTION = timedelta(days=30)
ORDERS = [f"111-{number:07d}-0000001" for number in range(5)]
OPEN = ("pending", "held", "ready", "loaded", "partially_shipped")
LEFT_ALONE = ("ignored", "dismissed")
NUMBERS = itertools.count(1)


class BrokenOffError(Exception):
    """The run dies in the middle of a purge."""


@dataclass
class Truth:
    """What is known of one order, kept apart from the ledger; days since the start."""

    text: bytes | None = None
    landed: int = 0
    status: str | None = None
    ends: dict[str, int] = field(default_factory=dict)
    parcel: int | None = None
    is_erased: bool = False
    is_removed: bool = False

    def note(self, day: int) -> None:
        """What a purge on that day notes for good."""
        if self.text is None:
            return
        if self.status in ("shipped", "confirmed"):
            left = self.landed if self.parcel is None else self.parcel
            self.ends.setdefault("shipped_at", min(left, day))
        if self.status == "cancelled":
            self.ends.setdefault("cancelled_at", min(self.landed, day))

    def is_due(self, day: int) -> bool:
        """Whether its text may not be there after a purge on that day."""
        if self.is_erased:
            return True
        names = ("delivered_at", "shipped_at", "cancelled_at")
        ended = next((self.ends[name] for name in names if name in self.ends), None)
        begins = ended
        if self.status is None or self.status in LEFT_ALONE:
            begins = self.landed if ended is None else min(ended, self.landed)
        return begins is not None and day - begins >= RETENTION.days


ORDER = st.sampled_from(ORDERS)
CHANGES = st.one_of(
    st.tuples(st.just("status"), st.tuples(ORDER, st.sampled_from([*OPEN, *LEFT_ALONE, "shipped", "cancelled"]))),
    st.tuples(st.just("ended"), st.tuples(ORDER, st.sampled_from(["shipped_at", "delivered_at", "cancelled_at"]))),
    st.tuples(st.just("parcel"), st.tuples(ORDER, st.integers(-5, 50))),
    st.tuples(st.just("erase"), ORDER),
)
PAGES = st.lists(st.lists(ORDER, min_size=1, max_size=4), max_size=2)
TIMES = st.tuples(PAGES, st.lists(CHANGES, max_size=3), st.integers(0, 4) | st.none(), st.integers(0, 35))
"""Pages land, things happen to orders, a purge dies after so many commits, or there is none; days pass."""


class History:
    """A ledger to which things happen, and what is known of it apart from it."""

    def __init__(self, ledger: Ledger, batch: BatchRef) -> None:
        self.ledger, self.batch, self.name, self.day = ledger, batch, batch.connection, 0
        self.truth = {order_id: Truth() for order_id in ORDERS}

    @property
    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    def land(self, order_ids: list[str]) -> None:
        texts = []
        for order_id in order_ids:
            last = self.now.isoformat()
            raw = json.dumps({"orderId": order_id, "lastUpdatedTime": last, "number": next(NUMBERS)}).encode()
            texts.append(raw)
            self.truth[order_id].text, self.truth[order_id].landed = raw, self.day
        with self.ledger.writing() as database:
            land(self.ledger, database, self.batch, [read_arrival(raw) for raw in texts], origin=WINDOW)
            mine = ArrivedPage.connection == self.name
            database.execute(update(ArrivedPage).where(mine).values(landed_at=self.now))
        index_pages(self.ledger, self.batch)

    def status(self, change: tuple[str, str]) -> None:
        order_id, status = change
        self.truth[order_id].status = status
        with self.ledger.writing() as database:
            write_standing(database, self.batch, [(order_id, status, None, *Standing())])

    def ended(self, change: tuple[str, str]) -> None:
        order_id, name = change
        self.truth[order_id].ends.setdefault(name, self.day)
        with self.ledger.writing() as database:
            seen: dict[str, Any] = {name: self.now}
            note_ends(database, self.name, [End(order_id, **seen)])

    def parcel(self, change: tuple[str, int]) -> None:
        order_id, days = change
        left = self.day + days
        known = self.truth[order_id].parcel
        self.truth[order_id].parcel = left if known is None else max(known, left)
        row = {
            "connection": self.name, "shipment_id": f"S{next(NUMBERS)}", "order_number": order_id, "status": "sent",
            "written_digest": "", "shipped_at": START + timedelta(days=left), "times_sent": 1, "batch_id": "",
            "updated_at": self.now,
        }  # fmt: skip
        with self.ledger.writing() as database:
            database.execute(insert(Parcel), [row])

    def erase(self, order_id: str) -> None:
        self.truth[order_id].is_erased = True
        with self.ledger.writing() as database:
            note_erased(database, self.name, order_id, at=self.now, by="somebody")

    def purge(self, commits: int = 10_000) -> None:
        """A purge that dies after so many commits, and the next one, which does not."""
        for truth in self.truth.values():
            truth.note(self.day)
        with dying_after(self.ledger, commits), suppress(BrokenOffError):
            self._purge()
        self._purge()
        for order_id, truth in self.truth.items():
            if truth.is_due(self.day):
                if truth.text is not None and truth.status in ("pending", "held", "ready"):
                    truth.status = self.status_of(order_id)  # what becomes of it is another test's business
                truth.is_removed |= truth.text is not None
                truth.text = None
        self.check()

    def _purge(self) -> None:
        with self.ledger.writing() as database:
            note_known_ends(database, self.name, self.now)
            due = due_orders(database, self.name, now=self.now, retention=RETENTION)
        removing = Removing(self.ledger, self.name, self.batch.lease, self.now, {}, "purge", self.batch.batch_id)
        removing.remove(due, lambda _database, _removed: None)

    def check(self) -> None:
        with self.ledger.reading() as database:
            pages = database.execute(select(LandedPage).where(LandedPage.connection == self.name)).all()
            places = database.execute(select(LandedOrder).where(LandedOrder.connection == self.name)).all()
            is_removed = (OrderEnd.connection == self.name) & OrderEnd.purged_at.is_not(None)
            removed = set(database.execute(select(OrderEnd.order_id).where(is_removed)).scalars())
        texts = {
            page.page: msgspec.msgpack.decode(
                decompressed(self.ledger.cipher.decrypt(page.payload, context=page_context(self.name, page.page))),
                type=list[bytes],
            )
            for page in pages
        }
        kept = {order_id: truth.text for order_id, truth in self.truth.items() if truth.text is not None}
        assert {row.order_id: texts[row.page][row.position] for row in places} == kept
        assert sorted(text for page in texts.values() for text in page if text) == sorted(kept.values())
        assert {page.page: page.texts for page in pages} == {
            page: sum(map(bool, found)) for page, found in texts.items()
        }
        assert removed == {order_id for order_id, truth in self.truth.items() if truth.is_removed}

    def status_of(self, order_id: str) -> str:
        with self.ledger.reading() as database:
            mine = (TrackedOrder.connection == self.name) & (TrackedOrder.order_id == order_id)
            return database.execute(select(TrackedOrder.status).where(mine)).scalar_one()


@contextmanager
def dying_after(ledger: Ledger, commits: int) -> Iterator[None]:
    left = itertools.count(commits, -1)

    def die(_connection: Any) -> None:
        if next(left) <= 0:
            raise BrokenOffError

    event.listen(ledger.engine, "commit", die)
    try:
        yield
    finally:
        event.remove(ledger.engine, "commit", die)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger; each history has a connection of its own in it."""
    engine = engine_for(f"sqlite:///{tmp_path_factory.mktemp('purge') / 'ledger.db'}", survives_power_cut=False)
    Base.metadata.create_all(engine)
    keys = parse_keys(new_key(), origin="test")
    with writing(engine, what="the ledger") as database:
        secret = register_newest(database, keys)
    yield Ledger(engine, Cipher(keys, secret))
    engine.dispose()


@settings(max_examples=20)
@given(times=st.lists(TIMES, min_size=1, max_size=6))
def test_the_ledger_holds_only_the_newest_texts_of_orders_within_their_retention(
    ledger: Ledger, times: list[tuple[Any, ...]]
) -> None:
    name = f"connection_{next(NUMBERS)}"
    with lease(ledger, name, "import") as token:
        history = History(ledger, open_batch(ledger, name, "import", lease=token, parameters={}, last_stage="load"))
        for pages, changes, commits, days in times:
            for page in pages:
                history.land(page)
            for change, what in changes:
                getattr(history, change)(what)
            if commits is not None:
                history.purge(commits)
            history.day += days
        history.purge()

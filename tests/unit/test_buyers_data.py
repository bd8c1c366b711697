"""The one door to buyers' data: what passes it is in the audit trail, and nothing goes another way."""

from __future__ import annotations

import ast
import os
import platform
import pwd
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import delete, select, text, update

import mfn
from mfn.errors import FatalError, MfnError, RetriableError
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.buyers_data import keep_texts, read_chunks, read_plain_chunk, stored_orders
from mfn.ledger.chunks import write_chunk
from mfn.ledger.data_access import note_access
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.keys import register_newest
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.leases import lease
from mfn.ledger.opening import Ledger
from mfn.ledger.schema import DataAccess, EncryptionKey, LandedPage
from tests.met import add_to_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.models import BatchRef

ROOT = Path(mfn.__file__).parents[2]
MAY_DECRYPT = {"src/mfn/ledger/buyers_data.py", "src/mfn/ledger/encryption.py"}


class Content(msgspec.Struct, array_like=True):
    names: list[str]


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def landed(ledger: Ledger, batch: BatchRef, *order_ids: str) -> None:
    """One page of orders."""
    with ledger.writing() as database:
        arrivals = [read_arrival(b'{"orderId": "%s"}' % order_id.encode()) for order_id in order_ids]
        land(ledger, database, batch, arrivals, origin=WINDOW)
    index_pages(ledger, batch)


def texts_of(ledger: Ledger, *order_ids: str) -> dict[str, bytes]:
    return dict(stored_orders(ledger, "us", order_ids, purpose="test"))


def accesses(ledger: Ledger) -> list[tuple[Any, ...]]:
    columns = (DataAccess.purpose, DataAccess.connection, DataAccess.batch_id, DataAccess.order_id, DataAccess.orders)
    with ledger.reading() as database:
        return [tuple(row) for row in database.execute(select(*columns).order_by(DataAccess.number))]


def with_newer_key(ledger: Ledger) -> Ledger:
    """The same ledger as a rotation leaves it that has just retired the key before."""
    newer = parse_keys(new_key(), origin="test")
    with ledger.writing() as database:
        database.execute(delete(EncryptionKey))
        secret = register_newest(database, newer)
    return Ledger(ledger.engine, Cipher(newer, secret))


def test_nothing_but_the_door_decrypts() -> None:
    found = {
        str(path.relative_to(ROOT))
        for folder in ("src", "tasks", "flows")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "decrypt"
    }
    assert found == MAY_DECRYPT, "payloads are decrypted by mfn.ledger.buyers_data alone, which writes the audit trail"


def test_an_access_says_who_what_for_and_how_many(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1", "2")
    list(stored_orders(ledger, "us", ["1", "2", "3"], purpose="validate", batch_id=batch.batch_id))
    list(stored_orders(ledger, "us", ["2"], purpose="rules test"))
    list(stored_orders(ledger, "us", ["3"], purpose="rules test"))
    assert accesses(ledger) == [
        ("validate", "us", batch.batch_id, None, 2),
        ("rules test", "us", None, "2", 1),
    ], "an order that never landed shows nobody's data"
    with ledger.reading() as database:
        by = set(database.execute(select(DataAccess.by)).scalars())
    assert by == {f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"}


def test_a_chunk_of_orders_is_an_access_and_one_of_stock_is_none(ledger: Ledger, batch: BatchRef) -> None:
    with ledger.writing() as database:
        add_to_batch(database, batch, ["1", "2", "3"], origin=WINDOW)
        for number, name in enumerate("xy"):
            write_chunk(ledger, database, batch, Content([name]), stage="validate", number=number)
    read = read_chunks(ledger, batch, "validate", [0, 1], Content, purpose="transform")
    assert [content.names for content in read] == [["x"], ["y"]]
    assert accesses(ledger) == [("transform", "us", batch.batch_id, None, 3)]
    with pytest.raises(ValueError, match="may hold buyers' data"):
        read_plain_chunk(ledger, batch, "validate", 0, Content)
    assert read_plain_chunk(ledger, replace(batch, kind="inventory"), "validate", 0, Content).names == ["x"]
    assert len(accesses(ledger)) == 1


def test_the_trail_is_written_before_anything_is_decrypted(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1")
    with ledger.writing() as database:
        payload = database.execute(select(LandedPage.payload)).scalar_one()
        database.execute(update(LandedPage).values(payload=payload[:-1] + bytes([payload[-1] ^ 1])))
    with pytest.raises(FatalError, match="was changed or belongs to another row"):
        texts_of(ledger, "1")
    assert accesses(ledger) == [("test", "us", None, "1", 1)]


def test_where_the_trail_cannot_be_written_nothing_is_shown(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1")
    with ledger.writing() as database:
        database.execute(text("DROP TABLE data_access"))
    shown = stored_orders(ledger, "us", ["1"], purpose="test")
    with pytest.raises(MfnError):
        next(shown)


def test_a_page_keeps_the_texts_that_stay_in_their_places(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1", "2", "3")
    landed(ledger, batch, "4")
    access = note_access(ledger, "purge", connection="us", orders=4)
    with ledger.writing() as database:
        assert keep_texts(ledger, database, access, "us", {1: {2}, 2: (), 3: {0}}) == 3
    assert texts_of(ledger, "1", "2", "3") == {"3": b'{"orderId": "3"}'}
    with ledger.reading() as database:
        assert database.execute(select(LandedPage.page, LandedPage.texts)).all() == [(1, 1)]
    with ledger.writing() as database:
        assert keep_texts(ledger, database, access, "us", {1: {2}}) == 0


def test_a_text_that_moves_while_orders_are_read_is_looked_for_once_more(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1")
    landed(ledger, batch, "2", "3")
    landed(ledger, batch, "4", "5")
    access = note_access(ledger, "purge", connection="us", orders=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mfn.ledger.buyers_data.PAGES_IN_MEMORY", 1)
        reader = stored_orders(ledger, "us", ["1", "2", "3", "4", "5"], purpose="test")
        found = dict([next(reader)])
        landed(ledger, batch, "2", "4")
        with ledger.writing() as database:
            keep_texts(ledger, database, access, "us", {2: (), 3: {1}})
        found |= dict(reader)
    assert sorted(found) == ["1", "2", "4", "5"], "2 and 4 have landed again, 3 was removed"


def test_texts_that_nobody_had_counted_are_counted_and_the_page_stays_as_it_is(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1", "2")
    with ledger.writing() as database:
        database.execute(update(LandedPage).values(texts=None))
        before = database.execute(select(LandedPage.payload)).scalar_one()
    access = note_access(ledger, "purge", connection="us", orders=2)
    with ledger.writing() as database:
        assert keep_texts(ledger, database, access, "us", {1: [0, 1]}) == 0
    with ledger.reading() as database:
        assert database.execute(select(LandedPage.payload, LandedPage.texts)).one() == (before, 2)


def test_an_access_opens_the_pages_of_no_other_connection(ledger: Ledger) -> None:
    access = note_access(ledger, "purge", connection="us", orders=1)
    with (
        ledger.writing() as database,
        pytest.raises(ValueError, match="noted for us, not for eu"),
    ):
        keep_texts(ledger, database, access, "eu", {1: [0]})


def test_a_run_whose_key_was_retired_in_the_meantime_writes_nothing(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1")
    access = note_access(ledger, "purge", connection="us", orders=1)
    with_newer_key(ledger)
    with (
        pytest.raises(RetriableError, match="keys were changed"),
        ledger.writing() as database,
    ):
        land(ledger, database, batch, [read_arrival(b"{}")], origin=WINDOW)
    with (
        pytest.raises(RetriableError, match="keys were changed"),
        ledger.writing() as database,
    ):
        write_chunk(ledger, database, batch, Content(["x"]), stage="validate", number=0)
    with (
        pytest.raises(RetriableError, match="keys were changed"),
        ledger.writing() as database,
    ):
        keep_texts(ledger, database, access, "us", {1: ()})


def test_what_a_newer_key_has_encrypted_is_read_by_the_next_try(ledger: Ledger, batch: BatchRef) -> None:
    landed(with_newer_key(ledger), batch, "1")
    with pytest.raises(RetriableError, match="keys were changed"):
        texts_of(ledger, "1")


def test_what_no_registered_key_fits_is_a_permanent_error(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, "1")
    with pytest.raises(FatalError, match="no key fits"):
        texts_of(with_newer_key(ledger), "1")

"""Keys rotate: everything is under a new one in the end, wherever it was broken off and whatever went on meanwhile."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from mfn.database.engines import reading, writing
from mfn.errors import ConfigurationError, LeaseHeldError, MfnError, RetriableError, RunFailedError
from mfn.ledger import resealing
from mfn.ledger.batches import open_batch
from mfn.ledger.buyers_data import read_chunk, stored_orders
from mfn.ledger.chunks import write_chunk
from mfn.ledger.encryption import key_id_of, new_key, parse_keys
from mfn.ledger.key_file import read_keys
from mfn.ledger.keys import registered_keys
from mfn.ledger.landing import WINDOW, add_to_batch, land, read_arrival, seal_page
from mfn.ledger.leases import lease
from mfn.ledger.opening import ledger_engine, open_ledger
from mfn.ledger.schema import BatchChunk, DataAccess, LandedOrder, LandedPage
from mfn.settings import load_settings
from mfn.steps import key_rotation
from mfn.steps.key_rotation import rotate_keys
from tests.faults.gates import Gate, stand_before
from tests.faults.processes import die_at_commit, in_child, start, without_privileges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.settings import Settings


NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Content(msgspec.Struct, array_like=True):
    names: list[str]


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A home with a key in its file, and a ledger on each database."""
    for name in ("MFN_HOME", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS", "MFN_PII_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFN_LEDGER_URL", database_url)
    loaded = load_settings()
    open_ledger(loaded)
    yield loaded
    ledger_engine(loaded.ledger_url.get_secret_value()).dispose()


@pytest.fixture
def batch(settings: Settings) -> BatchRef:
    ledger = open_ledger(settings)
    with lease(ledger, "us", "import") as token:
        return open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def fill(settings: Settings, batch: BatchRef, pages: int, *, chunks: int = 2) -> None:
    """Pages with an order each, and chunks, under the newest key."""
    ledger = open_ledger(settings)
    with writing(ledger.engine, what="the ledger") as database:
        add_to_batch(database, batch, [f"order-{page}" for page in range(1, pages + 1)], origin=WINDOW)
        database.execute(
            insert(LandedPage),
            [
                {"connection": "us", "page": page, "payload": seal_page(ledger, "us", page, [text(page)]), "texts": 1}
                for page in range(1, pages + 1)
            ],
        )
        place = {"connection": "us", "position": 0, "batch_id": batch.batch_id, "landed_at": NOON}
        orders = [{**place, "order_id": f"order-{page}", "page": page} for page in range(1, pages + 1)]
        database.execute(insert(LandedOrder), orders)
        for number in range(chunks):
            write_chunk(ledger, database, batch, Content([f"Buyer {number}"]), stage="validate", number=number)


def text(page: int) -> bytes:
    return b'{"orderId": "order-%d", "buyer": "Test Buyer"}' % page


def keys_used(ledger: Ledger) -> set[str]:
    """The keys that payloads are encrypted with."""
    with reading(ledger.engine, what="the ledger") as database:
        payloads = [
            payload
            for column in (LandedPage.payload, BatchChunk.payload)
            for payload in database.execute(select(func.substr(column, 1, 8))).scalars()
        ]
    return {key_id_of(payload) for payload in payloads}


def registered(ledger: Ledger) -> set[str]:
    with reading(ledger.engine, what="the ledger") as database:
        return set(registered_keys(database))


def ids_in(path: Path) -> list[str]:
    return [key.key_id for key in parse_keys(path.read_text(encoding="ascii"), origin="test")]


def assert_whole(settings: Settings, batch: BatchRef, pages: int, *, chunks: int = 2) -> None:
    """Nothing was lost, and everything is under the one key that is there."""
    ledger = open_ledger(settings)
    assert keys_used(ledger) <= {ledger.cipher.newest}
    assert registered(ledger) == {ledger.cipher.newest}
    ids = [f"order-{page}" for page in range(1, pages + 1)]
    found = dict(stored_orders(ledger, "us", ids, purpose="test"))
    assert found == {f"order-{page}": text(page) for page in range(1, pages + 1)}
    for number in range(chunks):
        assert read_chunk(ledger, batch, "validate", number, Content, purpose="test").names == [f"Buyer {number}"]


def one_row_a_transaction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resealing, "SEALED", tuple(replace(sealed, at_once=1) for sealed in resealing.SEALED))


def test_everything_is_encrypted_anew_and_the_old_key_is_set_aside(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 45)
    before, (old,) = open_ledger(settings).cipher.digest(b"order"), ids_in(settings.keys_file)
    rotation = rotate_keys(settings)
    assert (rotation.reencrypted, rotation.remaining, rotation.retired) == (47, 0, (old,))
    assert rotation.key_id != old
    assert_whole(settings, batch, 45)
    retired = settings.home / "keys.retired"
    assert ids_in(settings.keys_file) == [rotation.key_id]
    assert ids_in(retired) == [old]
    assert {path.stat().st_mode & 0o777 for path in (settings.keys_file, retired)} == {0o600}
    assert {path.name for path in settings.home.iterdir()} <= {"keys", "keys.retired"}
    assert open_ledger(settings).cipher.digest(b"order") == before, "orders would look changed"
    again = rotate_keys(settings)
    assert again.retired == (rotation.key_id,)
    assert ids_in(retired) == [rotation.key_id, old]


def test_a_rotation_stands_in_the_audit_trail(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 3)
    rotate_keys(settings)
    with reading(open_ledger(settings).engine, what="the ledger") as database:
        rows = database.execute(select(DataAccess.purpose, DataAccess.connection, DataAccess.orders)).all()
    assert rows == [("keys rotate", None, 3)]


def test_a_rotation_killed_at_any_commit_is_finished_by_the_next_without_another_key(
    settings: Settings, batch: BatchRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_row_a_transaction(monkeypatch)
    fill(settings, batch, 2, chunks=1)
    killed = 0
    for before in (True, False):
        number = 1
        while True:
            (old,) = ids_in(settings.keys_file)

            def rotate(number: int = number, *, before: bool = before) -> None:
                die_at_commit(number, before=before)
                rotate_keys(settings)

            if not in_child(rotate).is_killed:
                break
            killed += 1
            begun = [key for key in ids_in(settings.keys_file) if key != old]
            is_done = ids_in(settings.keys_file) == begun
            ended = rotate_keys(settings)
            assert is_done or not begun or begun == [ended.key_id], "another key was made"
            assert ids_in(settings.keys_file) == [ended.key_id]
            assert old in ids_in(settings.home / "keys.retired")
            assert_whole(settings, batch, 2, chunks=1)
            number += 1
    assert killed >= 16, "taking the lease, the key, the trail, three rows and two ends of tables, the retiring; twice"


@pytest.mark.parametrize(("number", "before"), [(1, True), (1, False), (2, True), (2, False), (3, True)])
def test_a_rotation_killed_while_files_are_put_in_place_loses_no_key(
    settings: Settings, batch: BatchRef, number: int, *, before: bool
) -> None:
    fill(settings, batch, 1)
    (old,) = ids_in(settings.keys_file)

    def rotate() -> None:
        original, calls = Path.replace, iter(range(1, 9))

        def replace_and_die(path: Path, target: Path) -> Path:
            is_last = next(calls) == number
            if is_last and before:
                os.kill(os.getpid(), signal.SIGKILL)
            original(path, target)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return target

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "replace", replace_and_die)
            rotate_keys(settings)

    assert in_child(rotate).is_killed
    rotation = rotate_keys(settings)
    assert rotation.retired == (old,)
    assert_whole(settings, batch, 1)
    assert (ids_in(settings.keys_file), ids_in(settings.home / "keys.retired")) == ([rotation.key_id], [old])


def test_a_run_that_lands_pages_meanwhile_loses_none_and_is_told_in_the_end(
    settings: Settings, batch: BatchRef
) -> None:
    fill(settings, batch, 5_000)
    begun = Gate()

    def import_on_and_on() -> int:
        ledger, landed = open_ledger(settings), 0
        while True:
            arrivals = [read_arrival(text(5_001 + landed))]
            try:
                with writing(ledger.engine, what="the ledger") as database:
                    land(ledger, database, batch, arrivals, origin=WINDOW)
            except RetriableError as error:
                assert "keys were changed" in error.message  # noqa: PT017 - the loop ends here alone
                return landed
            landed += 1
            if landed == 1:
                begun.stand()

    child = start(import_on_and_on)
    begun.await_one()
    begun.open()
    rotation = rotate_keys(settings)
    ended = child.ended()
    assert ended.error == ""
    assert ended.value >= 1
    assert 5_002 <= rotation.reencrypted <= 5_002 + ended.value
    assert_whole(settings, batch, 5_000)
    with reading(open_ledger(settings).engine, what="the ledger") as database:
        assert database.execute(select(func.count()).select_from(LandedPage)).scalar_one() == 5_000 + ended.value


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_page_that_another_run_is_changing_is_waited_for_and_not_undone(settings: Settings, batch: BatchRef) -> None:
    ledger = open_ledger(settings)
    fill(settings, batch, 3)
    changing, resealed = Gate(), resealing.reseal

    def change() -> None:
        with writing(open_ledger(settings).engine, what="the ledger") as database:
            database.execute(update(LandedPage).where(LandedPage.page == 2).values(texts=7))
            changing.stand()

    child = start(change)
    changing.await_one()

    def reseal_and_open(*arguments: Any, **options: Any) -> resealing.Resealed:
        result = resealed(*arguments, **options)
        changing.open()
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_rotation, "reseal", reseal_and_open)
        assert rotate_keys(settings).reencrypted == 5
    assert child.ended().error == ""
    assert_whole(settings, batch, 3)
    with reading(ledger.engine, what="the ledger") as database:
        assert database.execute(select(LandedPage.texts).order_by(LandedPage.page)).scalars().all() == [1, 7, 1]


def test_of_two_rotations_at_once_the_second_is_told_and_makes_no_key(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 1)
    gate = Gate()

    def stand_then_rotate() -> str:
        stand_before(gate, key_rotation, "reseal")
        return rotate_keys(settings).key_id

    child = start(stand_then_rotate)
    gate.await_one()
    keys = ids_in(settings.keys_file)
    with pytest.raises(LeaseHeldError, match="another rotation"):
        rotate_keys(settings)
    assert ids_in(settings.keys_file) == keys
    gate.open()
    assert child.ended().value == keys[0]
    assert_whole(settings, batch, 1)


def test_keys_from_the_environment_are_only_read(
    settings: Settings, batch: BatchRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(settings, batch, 3)
    old = settings.keys_file.read_text(encoding="ascii").strip()
    settings.keys_file.unlink()
    monkeypatch.setenv("MFN_PII_KEYS", old)
    with pytest.raises(ConfigurationError) as caught:
        rotate_keys(load_settings())
    assert "mfn keys new" in caught.value.remedy
    fresh = new_key()
    monkeypatch.setenv("MFN_PII_KEYS", f"{fresh},{old}")
    rotation = rotate_keys(load_settings())
    assert rotation.reencrypted == 5
    assert rotation.retired == tuple(key.key_id for key in parse_keys(old, origin="test"))
    assert rotation.key_id == parse_keys(fresh, origin="test")[0].key_id
    with pytest.raises(ConfigurationError, match="everything is encrypted with the first"):
        rotate_keys(load_settings())
    monkeypatch.setenv("MFN_PII_KEYS", fresh)
    assert_whole(load_settings(), batch, 3)
    assert not settings.keys_file.exists()
    assert not (settings.home / "keys.retired").exists()


def test_a_retired_key_that_is_given_still_does_not_come_back(
    settings: Settings, batch: BatchRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(settings, batch, 1)
    old = settings.keys_file.read_text(encoding="ascii").strip()
    rotation = rotate_keys(settings)
    settings.keys_file.write_text(f"{settings.keys_file.read_text(encoding='ascii')}{old}\n", encoding="ascii")
    assert registered(open_ledger(settings)) == {rotation.key_id}
    assert open_ledger(settings).cipher.has(parse_keys(old, origin="test")[0].key_id), "for a backup that was put back"
    settings.keys_file.write_text(old, encoding="ascii")
    with pytest.raises(ConfigurationError, match="keys that are not here"):
        open_ledger(settings)


def test_what_no_key_decrypts_stops_nothing_else_and_keeps_the_old_key(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 3)
    (old,) = ids_in(settings.keys_file)
    ledger = open_ledger(settings)
    with writing(ledger.engine, what="the ledger") as database:
        payload = database.execute(select(LandedPage.payload).where(LandedPage.page == 2)).scalar_one()
        database.execute(update(LandedPage).where(LandedPage.page == 2).values(payload=payload[:-1]))
    with pytest.raises(RunFailedError, match="us page 2") as caught:
        rotate_keys(settings)
    assert caught.value.summary["reencrypted"] == 4
    assert caught.value.summary["remaining"] == 1
    assert registered(ledger) == {*ids_in(settings.keys_file)}
    assert ids_in(settings.keys_file) == [caught.value.summary["key_id"], old]
    with writing(ledger.engine, what="the ledger") as database:
        database.execute(update(LandedPage).where(LandedPage.page == 2).values(payload=payload))
    assert rotate_keys(settings).retired == (old,)
    assert_whole(settings, batch, 3)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a server is of no interest here
def test_a_home_that_cannot_be_written_is_told_and_nothing_is_changed(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 1)
    before = settings.keys_file.read_bytes()
    settings.home.chmod(0o500)

    def rotate() -> None:
        without_privileges()
        rotate_keys(settings)

    ended = in_child(rotate)
    settings.home.chmod(0o700)
    assert (ended.error, ended.exit_code) == ("ConfigurationError", 2)
    assert "cannot be kept" in ended.message
    assert settings.keys_file.read_bytes() == before
    assert_whole(settings, batch, 1)


def test_a_run_that_opens_the_ledger_just_as_a_rotation_ends_finds_its_key(settings: Settings, batch: BatchRef) -> None:
    fill(settings, batch, 1)
    monkeypatch = pytest.MonkeyPatch()

    def read_late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        assert in_child(partial(rotate_keys, settings)).error == ""
        return read_keys(*arguments, **options)

    monkeypatch.setattr("mfn.ledger.opening.read_keys", read_late)
    open_ledger(settings)
    assert_whole(settings, batch, 1)


def test_without_a_ledger_there_is_nothing_to_rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MFN_LEDGER_URL", raising=False)
    with pytest.raises(MfnError, match="no ledger yet"):
        rotate_keys(load_settings())
    assert not (tmp_path / ".mfn").exists()

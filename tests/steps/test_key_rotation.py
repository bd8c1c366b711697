"""Keys rotate: everything is under a new one in the end, and the old ones are set aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, select, update

from mfn.database.engines import reading
from mfn.database.forgetting import empty_log
from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.encryption import new_key, parse_keys
from mfn.ledger.key_file import retired_file
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import DataAccess, LandedPage
from mfn.settings import load_settings
from mfn.steps.privacy.key_rotation import rotate_keys
from tests.faults.processes import in_child, without_privileges
from tests.steps.rotating import ids_in, text

if TYPE_CHECKING:
    from tests.steps.rotating import Rotating


def test_everything_is_re_encrypted_and_the_old_key_is_set_aside(rotating: Rotating) -> None:
    rotating.fill(45)
    before, (old,) = rotating.ledger.cipher.digest(b"order"), rotating.in_file()
    rotation = rotate_keys(rotating.settings)
    assert (rotation.reencrypted, rotation.remaining, rotation.retired) == (47, 0, (old,))
    assert rotation.key_id != old
    rotating.assert_whole(45)
    retired = retired_file(rotating.keys_file)
    assert rotating.in_file() == [rotation.key_id]
    assert ids_in(retired) == [old]
    assert {path.stat().st_mode & 0o777 for path in (rotating.keys_file, retired)} == {0o600}
    assert {path.name for path in rotating.settings.home.iterdir()} <= {"keys", "keys.retired"}
    assert rotating.ledger.cipher.digest(b"order") == before, "orders would look changed"
    again = rotate_keys(rotating.settings)
    assert again.retired == (rotation.key_id,)
    assert ids_in(retired) == [rotation.key_id, old]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL clears its tables itself
def test_what_the_old_key_encrypted_leaves_the_file_too(rotating: Rotating) -> None:
    def in_files() -> list[bool]:
        content = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
        return [payload in content for payload in payloads]

    rotating.fill(30)
    engine = rotating.ledger.engine
    folder = Path(str(engine.url.database)).parent
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete = OFF").close())
    with reading(engine, what="the ledger") as database:
        payloads = database.execute(select(LandedPage.payload)).scalars().all()
    empty_log(engine)
    assert all(in_files())
    rotate_keys(rotating.settings)
    assert not any(in_files())


def test_a_rotation_is_in_the_audit_trail(rotating: Rotating) -> None:
    rotating.fill(3)
    rotate_keys(rotating.settings)
    with rotating.ledger.reading() as database:
        rows = database.execute(select(DataAccess.purpose, DataAccess.connection, DataAccess.orders)).all()
    assert rows == [("keys rotate", None, 3)]


def test_keys_from_the_environment_are_only_read(rotating: Rotating, monkeypatch: pytest.MonkeyPatch) -> None:
    rotating.fill(3)
    old = rotating.keys_file.read_text(encoding="ascii").strip()
    rotating.keys_file.unlink()
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
    replace(rotating, settings=load_settings()).assert_whole(3)
    assert not rotating.keys_file.exists()
    assert not (retired_file(rotating.keys_file)).exists()


def test_a_retired_key_that_is_given_still_does_not_come_back(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotating.fill(1)
    old = rotating.keys_file.read_text(encoding="ascii").strip()
    rotation = rotate_keys(rotating.settings)
    rotating.keys_file.write_text(f"{rotating.keys_file.read_text(encoding='ascii')}{old}\n", encoding="ascii")
    assert rotating.registered() == {rotation.key_id}
    assert rotating.ledger.cipher.has(parse_keys(old, origin="test")[0].key_id), "for a backup that was put back"
    rotating.keys_file.write_text(old, encoding="ascii")
    with pytest.raises(ConfigurationError, match="keys that are missing"):
        open_ledger(rotating.settings)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # whose backup is a file
def test_an_older_backup_opens_with_the_retired_keys_appended_and_is_re_encrypted(
    rotating: Rotating, tmp_path: Path
) -> None:
    rotating.fill(2)
    engine, backup = rotating.ledger.engine, tmp_path / "backup.db"
    file = Path(str(engine.url.database))
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", [str(backup)])
    key_id = rotate_keys(rotating.settings).key_id
    engine.dispose()
    backup.replace(file)
    with pytest.raises(ConfigurationError, match="keys that are missing") as refused:
        open_ledger(rotating.settings)
    assert f"They are in {retired_file(rotating.keys_file)}" in refused.value.remedy
    with rotating.keys_file.open("a", encoding="ascii") as keys:
        keys.write((retired_file(rotating.keys_file)).read_text(encoding="ascii"))
    assert dict(stored_orders(rotating.ledger, "us", ["order-2"], purpose="test")) == {"order-2": text(2)}
    assert rotate_keys(rotating.settings).key_id == key_id, "another key was made"
    rotating.assert_whole(2)


def test_what_no_key_decrypts_stops_nothing_else_and_keeps_the_old_key(rotating: Rotating) -> None:
    rotating.fill(3)
    (old,) = rotating.in_file()
    ledger = rotating.ledger
    with ledger.writing() as database:
        payload = database.execute(select(LandedPage.payload).where(LandedPage.page == 2)).scalar_one()
        database.execute(update(LandedPage).where(LandedPage.page == 2).values(payload=payload[:-1]))
    with pytest.raises(RunFailedError, match="us page 2") as caught:
        rotate_keys(rotating.settings)
    assert caught.value.summary["reencrypted"] == 4
    assert caught.value.summary["remaining"] == 1
    assert rotating.registered() == {*rotating.in_file()}
    assert rotating.in_file() == [caught.value.summary["key_id"], old]
    with ledger.writing() as database:
        database.execute(update(LandedPage).where(LandedPage.page == 2).values(payload=payload))
    assert rotate_keys(rotating.settings).retired == (old,)
    rotating.assert_whole(3)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a server is of no interest here
def test_a_home_that_cannot_be_written_is_reported_and_nothing_is_changed(rotating: Rotating) -> None:
    rotating.fill(1)
    before = rotating.keys_file.read_bytes()
    rotating.settings.home.chmod(0o500)

    def rotate() -> None:
        without_privileges()
        rotate_keys(rotating.settings)

    ended = in_child(rotate)
    rotating.settings.home.chmod(0o700)
    assert (ended.error, ended.exit_code) == ("ConfigurationError", 2)
    assert "cannot be stored" in ended.message
    assert rotating.keys_file.read_bytes() == before
    rotating.assert_whole(1)


def test_without_a_ledger_there_is_nothing_to_rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MFN_LEDGER_URL", raising=False)
    with pytest.raises(MfnError, match="there is no ledger"):
        rotate_keys(load_settings())
    assert not (tmp_path / ".mfn").exists()

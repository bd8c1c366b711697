"""The ledger is made with its keys, and opened with no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import select, text, update

import mfn.ledger
from mfn.database.engines import writing
from mfn.errors import ConfigurationError, FatalError
from mfn.ledger.encryption import new_key
from mfn.ledger.opening import HEAD, is_there, ledger_engine, make_home, open_ledger
from mfn.ledger.schema import Base, EncryptionKey, Parcel
from mfn.settings import load_settings
from tests.faults.processes import at_once, die_at_commit, in_child, without_privileges
from tests.new_ledgers import by_alembic, made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.settings import Settings


@pytest.fixture(autouse=True)
def ledgers_as_they_are_made() -> Iterator[None]:
    """Nothing said again: Alembic itself makes every ledger here."""
    with made(by_alembic):
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, its `.mfn` not there yet."""
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".mfn"


@pytest.fixture
def settings(home: Path) -> Iterator[Settings]:
    loaded = load_settings()
    yield loaded
    ledger_engine(loaded.ledger_url.get_secret_value()).dispose()


@pytest.fixture
def with_data(settings: Settings) -> bytes:
    """A ledger that has encrypted something."""
    return open_ledger(settings).cipher.encrypt(b"a buyer", context="us 1")


def refused(settings: Settings) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        open_ledger(settings)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return caught.value


def test_a_new_ledger_is_made_together_with_its_keys_for_its_owner_only(settings: Settings, home: Path) -> None:
    open_ledger(settings)
    assert {path.name for path in home.iterdir()} >= {"ledger.db", "keys"}
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["what?x=1", "50%25 off", "a#b", 'o\'hara; "it"'])
def test_a_ledger_lies_in_its_home_whatever_that_is_called(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    there = home.parent / name / "state"
    monkeypatch.setenv("MFN_HOME", str(there))
    open_ledger(load_settings())
    assert {path.name for path in there.iterdir()} >= {"ledger.db", "keys"}


def test_the_migrations_make_exactly_the_tables_that_the_code_speaks_of(settings: Settings) -> None:
    script = ScriptDirectory(str(mfn.ledger.__path__[0]) + "/migrations")
    assert script.get_current_head() == HEAD
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - a third of a second
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with open_ledger(settings).reading() as database:
        assert compare_metadata(MigrationContext.configure(database), Base.metadata) == []


def test_the_migrations_make_the_same_tables_on_postgresql(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - a third of a second
    from alembic.migration import MigrationContext  # noqa: PLC0415

    monkeypatch.setenv("MFN_LEDGER_URL", postgres_url)
    ledger = open_ledger(load_settings())
    with ledger.reading() as database:
        context = MigrationContext.configure(database, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert ledger.cipher.decrypt(ledger.cipher.encrypt(b"x", context="y"), context="y") == b"x"


def test_without_its_keys_file_a_ledger_with_data_does_not_start_and_no_new_keys_are_made(
    settings: Settings, home: Path, with_data: bytes
) -> None:
    (home / "keys").unlink()
    error = refused(settings)
    assert f"{home / 'keys'} is missing" in error.message
    assert "MFN_PII_KEYS" in error.remedy
    assert not (home / "keys").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "contains no key"),
        (b"\n,\n", "contains no key"),
        (b"rubbish\n", "key 1 is not 32 bytes"),
        (b"\xff\xfe\x00garbage", "key 1 is not 32 bytes"),
        (b"{a new key},short\n", "key 2 is not 32 bytes"),
        (b"{a new key}", "encrypted with keys that are missing"),
    ],
)
def test_a_keys_file_that_does_not_fit_stops_everything_and_no_key_is_shown(
    settings: Settings, home: Path, with_data: bytes, content: bytes, said: str
) -> None:
    content = content.replace(b"{a new key}", new_key().encode())
    (home / "keys").write_bytes(content)
    error = refused(settings)
    assert said in error.message
    for entry in filter(None, re.split(rb"[,\n]", content)):
        assert entry.decode(errors="replace") not in f"{error.message} {error.remedy}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_keys_that_others_may_read_are_refused_with_the_command_that_fixes_it(
    settings: Settings, home: Path, with_data: bytes, mode: int
) -> None:
    (home / "keys").chmod(mode)
    assert refused(settings).remedy == f"Run chmod 600 {home / 'keys'}."
    (home / "keys").chmod(0o600)
    assert open_ledger(settings).cipher.decrypt(with_data, context="us 1") == b"a buyer"


def test_keys_that_cannot_be_read_or_written_are_reported_as_such(
    settings: Settings, home: Path, with_data: bytes
) -> None:
    (home / "keys").unlink()
    (home / "keys").mkdir(mode=0o700)
    assert "Is a directory" in refused(settings).message


def test_a_home_that_may_not_be_written_is_reported_as_such(settings: Settings, home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)

    def open_it() -> None:
        without_privileges()
        open_ledger(settings)

    ended = in_child(open_it)
    home.chmod(0o700)
    assert ended.error in {"ConfigurationError", "RetriableError"}, ended
    assert ended.remedy


def test_a_home_on_a_disk_that_is_not_mounted_is_not_taken_for_one_without_orders(home: Path) -> None:
    settings = load_settings()
    assert not is_there(settings)
    home.symlink_to(home.parent / "disk" / "mfn")
    with pytest.raises(
        ConfigurationError, match=r"MFN_HOME .* is a link to .*/disk/mfn, which is not an existing directory"
    ):
        is_there(settings)
    home.unlink()
    home.touch()
    with pytest.raises(ConfigurationError, match=r"MFN_HOME .* cannot be created: File exists"):
        is_there(settings)


def test_keys_from_the_environment_beat_the_file_and_are_held_to_the_ledger(
    settings: Settings, home: Path, with_data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_PII_KEYS", new_key())
    error = refused(load_settings())
    assert "encrypted with keys that are missing" in error.message
    monkeypatch.setenv("MFN_PII_KEYS", "rubbish")
    assert refused(load_settings()).message == "MFN_PII_KEYS: key 1 is not 32 bytes in URL-safe base64."
    monkeypatch.setenv("MFN_PII_KEYS", (home / "keys").read_text(encoding="ascii"))
    assert open_ledger(load_settings()).cipher.decrypt(with_data, context="us 1") == b"a buyer"


def test_a_newer_key_before_the_old_one_encrypts_and_the_old_one_still_decrypts(
    settings: Settings, home: Path, with_data: bytes
) -> None:
    before = open_ledger(settings).cipher.digest(b"order")
    old = (home / "keys").read_text(encoding="ascii")
    (home / "keys").write_text(new_key() + "\n" + old, encoding="ascii")
    rotated = open_ledger(settings).cipher
    assert rotated.decrypt(with_data, context="us 1") == b"a buyer"
    assert rotated.encrypt(b"x", context="y")[:8] != with_data[:8]
    assert rotated.digest(b"order") == before, "an order would look changed, and be written again, after every rotation"
    (home / "keys").write_text(old, encoding="ascii")
    assert "encrypted with keys that are missing" in refused(settings).message


def test_a_ledger_of_a_newer_version_is_refused(settings: Settings) -> None:
    with open_ledger(settings).writing() as database:
        database.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    error = refused(settings)
    assert "another version of mfn" in error.message
    assert "Install the version" in error.remedy


def test_a_proof_that_was_tampered_with_stops_everything(settings: Settings) -> None:
    engine = open_ledger(settings).engine
    with writing(engine, what="the ledger") as database:
        proof = database.execute(select(EncryptionKey.proof)).scalar_one()
        database.execute(update(EncryptionKey).values(proof=proof[:-1] + bytes([proof[-1] ^ 1])))
    with pytest.raises(FatalError, match="was changed or belongs to another row"):
        open_ledger(settings)


def test_a_file_that_is_no_database_is_distinguished(settings: Settings, home: Path) -> None:
    home.mkdir()
    (home / "ledger.db").write_bytes(b"this is not a database, but long enough to be looked at" * 20)
    with pytest.raises(FatalError, match=r"^the ledger [^ ]*ledger\.db cannot be read: file is not a database"):
        open_ledger(settings)


@pytest.mark.parametrize(("before", "numbers"), [(False, (1, 1)), (True, (1, 2))])
def test_a_ledger_whose_making_was_killed_is_made_by_the_next_run(
    settings: Settings, home: Path, before: bool, numbers: tuple[int, int]
) -> None:
    for number in numbers:

        def open_it(number: int = number) -> None:
            die_at_commit(number, before=before)
            open_ledger(settings)

        assert in_child(open_it).is_killed
    ledger = open_ledger(settings)
    assert ledger.cipher.decrypt(ledger.cipher.encrypt(b"x", context="y"), context="y") == b"x"
    assert [path.name for path in home.iterdir() if path.name.startswith("tmp")] == []


def test_several_processes_that_make_one_ledger_agree_on_its_keys(settings: Settings) -> None:
    def seal() -> bytes:
        return open_ledger(settings).cipher.encrypt(str(os.getpid()).encode(), context="us 1")

    ended = at_once(*[seal] * 6)
    assert [end.error for end in ended] == [""] * 6
    ledger = open_ledger(settings)
    assert all(ledger.cipher.decrypt(end.value, context="us 1").isdigit() for end in ended)


def test_a_ledger_of_an_earlier_version_is_migrated_and_keeps_what_it_holds(settings: Settings) -> None:
    ledger = open_ledger(settings)
    sealed = ledger.cipher.encrypt(b"a buyer", context="us 1")
    with ledger.writing() as database:
        later = "parcel", "counted_order", "offer", "batch_offer", "feed", "stock_location", "decision"
        named = "named_order", "refused_notification", "search_gap", "unanswered_order"
        rest = "passed_check", "told_alert", "order_end", "data_access", "seen_secret", "kept_out_version"
        for name in (*later, *named, *rest):
            database.execute(text(f"DROP TABLE {name}"))
        database.execute(text("ALTER TABLE tracked_order DROP COLUMN version_taken_up"))
        database.execute(text("DROP INDEX ix_tracked_order_in_doubt"))
        database.execute(text("ALTER TABLE landed_page DROP COLUMN texts"))
        database.execute(text("DROP INDEX ix_reservation_warehouse"))
        database.execute(text("CREATE INDEX ix_reservation_warehouse_sku ON reservation (warehouse, sku)"))
        for name in ("flow_run_id", "started_at", "status_started_at"):
            database.execute(text(f"DROP INDEX ix_batch_{name}"))
        for name in ("flow_run_id", "taken_up_at"):
            database.execute(text(f"ALTER TABLE batch DROP COLUMN {name}"))
        database.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    again = open_ledger(settings)
    with again.reading() as database:
        assert database.execute(text("SELECT count(*) FROM parcel")).scalar_one() == 0
    assert again.cipher.decrypt(sealed, context="us 1") == b"a buyer"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_parcels_that_an_earlier_version_confirmed_stay_confirmed(
    home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, kind: str
) -> None:
    if kind == "postgresql":
        monkeypatch.setenv("MFN_LEDGER_URL", request.getfixturevalue("postgres_url"))
    settings = load_settings()
    engine = ledger_engine(settings.ledger_url.get_secret_value())
    make_home(home)
    config = Config()
    config.set_main_option("script_location", str(mfn.ledger.__path__[0]) + "/migrations")
    with writing(engine, what="the ledger") as database:
        config.attributes["connection"] = database
        command.upgrade(config, "0011")
        columns = (
            "connection, shipment_id, order_number, status, written_digest, items, sent_at, times_sent, batch_id,"
            " updated_at"
        )
        for status, sent_at in (("sent", "'2026-11-01 12:00:00'"), ("held", "NULL")):
            values = f"'us', '{status}', '111-1', '{status}', '', '[1]', {sent_at}, 1, 'B', '2026-11-01 12:00:00'"
            database.execute(text(f"INSERT INTO parcel ({columns}) VALUES ({values})"))
    with open_ledger(settings).reading() as database:
        items_sent = dict(database.execute(select(Parcel.shipment_id, Parcel.items_sent)).all())
    assert items_sent == {"sent": "[1]", "held": None}
    engine.dispose()


def test_a_new_ledger_is_its_owners_only_also_in_a_home_that_others_may_look_into(settings: Settings) -> None:
    settings.home.mkdir(mode=0o755)
    settings.home.chmod(0o755)
    open_ledger(settings)
    assert {path.stat().st_mode & 0o077 for path in settings.home.glob("ledger.db*")} == {0}


def test_what_a_run_writes_stays_although_another_program_closes_the_file(settings: Settings, home: Path) -> None:
    backup = "import sqlite3; sqlite3.connect('ledger.db').execute('VACUUM INTO ?', ['backup.db'])"
    ledger = open_ledger(settings)
    with ledger.engine.connect():  # a run has the file open, and opens the ledger once more for its next step
        open_ledger(settings)
        subprocess.run([sys.executable, "-c", backup], cwd=home, check=True)
        with ledger.writing() as database:
            database.execute(text("CREATE TABLE written_afterwards (number INTEGER)"))
    read = "import sqlite3; sqlite3.connect('ledger.db').execute('SELECT * FROM written_afterwards')"
    subprocess.run([sys.executable, "-c", read], cwd=home, check=True)

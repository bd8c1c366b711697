from __future__ import annotations

import os
import socket
import sqlite3
import stat
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mfn.database import engines
from mfn.database.engines import engine_for, reading, writing
from mfn.errors import DataError, FatalError, RetriableError
from mfn.warehouse.looking import look_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

NOBODY = 65534
BUYER = "Test Buyer"


@contextmanager
def as_somebody_without_rights() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_database_has_one_engine_in_a_process(database_url: str) -> None:
    assert engine_for(database_url) is engine_for(database_url)


def test_a_forked_child_gets_connections_of_its_own(database_url: str) -> None:
    engine = engine_for(database_url)
    with writing(engine, what="the test") as connection:
        connection.execute(text("CREATE TABLE thing (number INTEGER)"))
        connection.execute(text("INSERT INTO thing VALUES (1)"))
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - measured in the parent only
        try:
            other = engine_for(database_url)
            with writing(other, what="the test") as connection:
                connection.execute(text("INSERT INTO thing VALUES (2)"))
            other.dispose()
            os.write(theirs, b"same" if other is engine else b"another")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        assert said.read() == b"another"
    with reading(engine, what="the test") as connection:
        assert connection.execute(text("SELECT count(*) FROM thing")).scalar() == 2


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a' / 'b' / 'database.db'}"
    with writing(engine_for(url), what="the test") as connection:
        connection.execute(text("CREATE TABLE thing (number INTEGER)"))
    engine_for(url).dispose()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FatalError, match=r"file/folder for the database .*database\.db cannot be created") as caught:
        engine_for(f"sqlite:///{tmp_path / 'file' / 'folder' / 'database.db'}")
    assert caught.value.remedy


def test_a_file_that_may_not_be_written_is_reported_as_such(open_folder: Path) -> None:
    file = open_folder / "database.db"
    url = f"sqlite:///{file}"
    with writing(engine_for(url), what="the warehouse of us") as connection:
        connection.execute(text("CREATE TABLE thing (number INTEGER)"))
    engine_for(url).dispose()
    file.chmod(0o444)
    with (
        as_somebody_without_rights(),
        pytest.raises(
            FatalError, match="the warehouse of us may not be written: attempt to write a readonly"
        ) as caught,
        writing(engine_for(url), what="the warehouse of us") as connection,
    ):
        connection.execute(text("INSERT INTO thing VALUES (1)"))
    with as_somebody_without_rights():
        assert look_at(url, what="the warehouse of us").is_read_only
    engine_for(url).dispose()
    assert "right" in caught.value.remedy


def test_a_file_that_is_no_database_is_not_a_transient_fault_and_the_remedy_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    path.write_bytes(b"this is a text, and not at all a database" * 100)
    with (
        pytest.raises(FatalError, match=f"the warehouse of us cannot be read from {path}: file is not a data") as wrong,
        reading(engine_for(f"sqlite:///{path}"), what="the warehouse of us"),
    ):
        pass
    assert "warehouse.url" in wrong.value.remedy
    assert "table" not in wrong.value.remedy


def test_a_damaged_database_is_reported_like_one(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    engine = engine_for(f"sqlite:///{path}")
    with writing(engine, what="the ledger") as connection:
        connection.execute(text("CREATE TABLE thing AS SELECT 'x' AS value"))
        connection.execute(text("INSERT INTO thing VALUES (printf('%.10000c', 'x'))"))
    engine.dispose()
    pages = path.read_bytes()
    path.write_bytes(pages[:4096] + b"\xff" * (len(pages) - 4096))
    with (
        pytest.raises(FatalError, match=f"the ledger cannot be read from {path}: database disk image") as wrong,
        reading(engine, what="the ledger") as connection,
    ):
        connection.execute(text("SELECT value FROM thing")).all()
    assert "MFN_LEDGER_URL" in wrong.value.remedy


def test_a_sqlite_database_that_stays_busy_can_be_tried_again_and_still_be_read(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.01)
    engine = engine_for(sqlite_url)
    with writing(engine, what="the ledger") as connection:
        connection.execute(text("CREATE TABLE thing (number INTEGER)"))
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with (
        pytest.raises(RetriableError, match="the ledger cannot be used: database is locked"),
        writing(engine, what="the ledger"),
    ):
        pass
    with reading(engine, what="the ledger") as connection:
        assert connection.execute(text("SELECT count(*) FROM thing")).scalar() == 0
    holder.close()


def test_an_unreachable_postgresql_can_be_tried_again_and_its_password_is_not_shown() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://mfn:very-secret@127.0.0.1:{unused.getsockname()[1]}/warehouse"
        with (
            pytest.raises(RetriableError, match=r"the warehouse of us cannot be used: .*refused") as caught,
            reading(engine_for(url), what="the warehouse of us"),
        ):
            pass
    assert "very-secret" not in "".join(traceback.format_exception(caught.value))


def test_an_unknown_parameter_in_a_postgresql_url_is_not_blamed_on_a_table(postgres_url: str) -> None:
    url = make_url(postgres_url).update_query_dict({"ssl_mode": "require"}).render_as_string(hide_password=False)
    unknown = "the ledger cannot be used: invalid connection option"
    with pytest.raises(FatalError, match=unknown) as refused, reading(engine_for(url), what="the ledger"):
        pass
    assert refused.value.remedy.startswith("Correct what follows the ? in its URL (")


def test_a_pooler_that_refuses_a_parameter_is_reported_with_its_setting() -> None:
    said = b"SFATAL\0C08P01\0Munsupported startup parameter in options: lock_timeout\0\0"
    with socket.create_server(("127.0.0.1", 0)) as pooler:
        where = f"127.0.0.1:{pooler.getsockname()[1]}/wms?sslmode=disable&gssencmode=disable"

        def refuse() -> None:
            client, _ = pooler.accept()
            with client:
                client.recv(10_000)
                client.sendall(b"E" + (len(said) + 4).to_bytes(4, "big") + said)

        answering = Thread(target=refuse)
        answering.start()
        with pytest.raises(FatalError) as refused, reading(engine_for(f"postgresql+psycopg://mfn@{where}"), what="it"):
            pass
        answering.join()
    assert "ignore_startup_parameters = options" in refused.value.remedy


def test_a_connection_lost_on_the_way_can_be_tried_again_and_the_next_one_works(postgres_url: str) -> None:
    engine = engine_for(postgres_url)

    def lose_the_connection() -> None:
        with writing(engine, what="the warehouse of us") as connection:
            backend = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            with writing(engine, what="the test") as other:
                other.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
            connection.execute(text("SELECT 1"))

    with pytest.raises(RetriableError, match="the warehouse of us cannot be used"):
        lose_the_connection()
    with reading(engine, what="the warehouse of us") as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_times_are_utc_and_the_options_of_the_url_are_kept(postgres_url: str) -> None:
    options = f"{make_url(postgres_url).query['options']} -c default_transaction_isolation=serializable"
    url = make_url(postgres_url).update_query_dict({"options": options}).render_as_string(hide_password=False)
    with reading(engine_for(url), what="the test") as connection:
        assert connection.execute(text("SHOW timezone")).scalar() == "UTC"
        # Which lets a guard that waited see what it waited for, also where the database is set to another one.
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
        assert str(connection.execute(text("SHOW search_path")).scalar()).startswith("test_")


@pytest.mark.parametrize("style", ["German", "SQL,DMY", "Postgres"])
def test_a_moment_is_read_whatever_style_of_dates_the_database_is_set_to(postgres_url: str, style: str) -> None:
    options = f"{make_url(postgres_url).query['options']} -c DateStyle={style}"
    url = make_url(postgres_url).update_query_dict({"options": options}).render_as_string(hide_password=False)
    moment = text("SELECT TIMESTAMP WITH TIME ZONE '2026-11-05T10:00:00Z'")
    with reading(engine_for(url), what="the test") as connection:
        assert connection.execute(moment).scalar() == datetime(2026, 11, 5, 10, tzinfo=UTC)


def test_a_server_that_is_gone_and_a_stalled_process_are_given_up_after_a_minute(postgres_url: str) -> None:
    slow = make_url(postgres_url).update_query_dict({"tcp_user_timeout": "5000"}).render_as_string(hide_password=False)
    for url, patience in ((postgres_url, "60000"), (slow, "5000")):
        with reading(engine_for(url), what="the test") as connection:
            assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "1min"
            dbapi: Any = connection.connection.dbapi_connection
            parameters = dbapi.info.get_parameters()
            assert (parameters["tcp_user_timeout"], parameters["keepalives_idle"]) == (patience, "30")


def test_a_missing_table_is_not_a_transient_fault(database_url: str) -> None:
    with (
        pytest.raises(FatalError, match=r"the ledger refused a statement: .*nowhere"),
        reading(engine_for(database_url), what="the ledger") as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere"))


def test_a_failed_transaction_leaves_nothing_behind(database_url: str) -> None:
    engine = engine_for(database_url)
    with writing(engine, what="the test") as connection:
        connection.execute(text("CREATE TABLE thing (number INTEGER PRIMARY KEY)"))

    def insert_twice() -> None:
        with writing(engine, what="the test") as connection:
            connection.execute(text("INSERT INTO thing VALUES (1)"))
            connection.execute(text("INSERT INTO thing VALUES (1)"))

    with pytest.raises(DataError):
        insert_twice()
    with reading(engine, what="the test") as connection:
        assert connection.execute(text("SELECT count(*) FROM thing")).scalar() == 0


def test_no_value_is_shown_of_what_postgresql_refuses(postgres_url: str) -> None:
    with (
        pytest.raises(DataError, match=r'invalid input syntax for type integer: "…"') as caught,
        reading(engine_for(postgres_url), what="the warehouse of us") as connection,
    ):
        connection.execute(text("SELECT CAST(CAST(:name AS text) AS integer)"), {"name": BUYER})
    assert BUYER not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("state", ["P0001", "23514", "22023", "45000"])
def test_the_words_of_a_trigger_are_not_shown_for_they_may_hold_a_value(postgres_url: str, state: str) -> None:
    raised = f"RAISE EXCEPTION 'no such customer: {BUYER}' USING ERRCODE = '{state}'"
    with (
        pytest.raises(DataError, match=f"one of its triggers refused a row .SQLSTATE {state}") as caught,
        writing(engine_for(postgres_url), what="the warehouse of us") as connection,
    ):
        connection.execute(text(f"DO $$ BEGIN {raised}; END $$"))
    assert BUYER not in "".join(traceback.format_exception(caught.value))


def give_up_rights(connection: Connection) -> None:
    """A table is there, and for the rest of the transaction whoever asks has no right to it."""
    schema = connection.execute(text("SELECT current_schema()")).scalar()
    connection.execute(text("CREATE TABLE thing (number INTEGER)"))
    connection.execute(text("CREATE ROLE without_rights"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO without_rights"))
    connection.execute(text("SET LOCAL ROLE without_rights"))


def test_a_missing_right_is_reported_as_such(postgres_url: str) -> None:
    def write_without_rights() -> None:
        with writing(engine_for(postgres_url), what="the warehouse of us") as connection:
            give_up_rights(connection)
            connection.execute(text("INSERT INTO thing VALUES (1)"))

    message = "the warehouse of us may not be written: permission denied for table thing"
    with pytest.raises(FatalError, match=message) as caught:
        write_without_rights()
    assert "right" in caught.value.remedy


def test_a_missing_right_to_read_is_reported_as_such(postgres_url: str) -> None:
    def read_without_rights() -> None:
        with reading(engine_for(postgres_url), what="the warehouse of us") as connection:
            give_up_rights(connection)
            connection.execute(text("SELECT * FROM thing"))

    with pytest.raises(FatalError, match="the warehouse of us may not be read: permission denied for table thing"):
        read_without_rights()


def test_a_table_that_another_program_never_unlocks_is_waited_for_three_minutes_at_most(postgres_url: str) -> None:
    engine = engine_for(postgres_url)
    with writing(engine, what="the test") as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "3min"
        connection.execute(text("CREATE TABLE thing (number INTEGER)"))
    url = make_url(postgres_url)
    hasty = url.update_query_dict({"options": f"{url.query['options']} -c lock_timeout=20ms"})
    impatient = engine_for(hasty.render_as_string(hide_password=False))
    with writing(engine, what="the test") as other:
        other.execute(text("LOCK TABLE thing IN ACCESS EXCLUSIVE MODE"))
        with (
            pytest.raises(RetriableError, match=r"the warehouse of us cannot be used: .*lock timeout") as caught,
            reading(impatient, what="the warehouse of us") as connection,
        ):
            connection.execute(text("SELECT * FROM thing"))
    assert "keeps it locked" in caught.value.remedy


@pytest.mark.parametrize(
    ("setting", "statement", "words"),
    [
        ("default_transaction_read_only=on", "CREATE TABLE thing (number INTEGER)", "leads to the primary"),
        ("statement_timeout=10ms", "SELECT count(*) FROM generate_series(1, 1000000000)", "SET statement_timeout"),
    ],
)
def test_what_postgresql_cannot_do_now_is_retriable_and_the_remedy_names_the_obstacle(
    postgres_url: str, setting: str, statement: str, words: str
) -> None:
    url = make_url(postgres_url)
    hindered = url.update_query_dict({"options": f"{url.query['options']} -c {setting}"})
    engine = engine_for(hindered.render_as_string(hide_password=False))
    with pytest.raises(RetriableError) as caught, writing(engine, what="the warehouse of us") as connection:
        connection.execute(text(statement))
    assert words in caught.value.remedy


def test_a_file_that_others_made_keeps_its_journal_mode_and_is_read_beside_their_transactions(tmp_path: Path) -> None:
    others = sqlite3.connect(tmp_path / "others.db", isolation_level=None)
    others.execute("CREATE TABLE thing (number INTEGER)")
    others.execute("BEGIN")
    others.execute("SELECT * FROM thing").fetchall()
    with reading(engine_for(f"sqlite:///{tmp_path / 'others.db'}"), what="the warehouse of us") as connection:
        assert connection.execute(text("SELECT count(*) FROM thing")).scalar() == 0
    others.execute("COMMIT")
    assert others.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    others.close()


def test_a_schema_that_a_login_may_not_use_is_reported_as_a_missing_right(postgres_url: str) -> None:
    nowhere = make_url(postgres_url).update_query_dict({"options": "-c search_path=nobodys"})
    engine = engine_for(nowhere.render_as_string(hide_password=False))
    with (
        pytest.raises(FatalError, match="may not be written: no schema") as caught,
        writing(engine, what="the ledger") as database,
    ):
        database.execute(text("CREATE TABLE thing (name TEXT)"))
    assert "that right" in caught.value.remedy


def test_a_new_sqlite_file_can_be_opened_by_many_at_once(sqlite_url: str) -> None:
    together = Barrier(8)

    def open_it(_: int) -> None:
        together.wait()
        with reading(engine_for(sqlite_url), what="the ledger") as connection:
            connection.execute(text("SELECT 1"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_it, range(8)))


def test_a_new_sqlite_file_has_larger_pages_and_one_that_is_there_keeps_its_own(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("PRAGMA page_size=4096")
        old.execute("CREATE TABLE thing (value TEXT)")
    old.close()
    for name, pages_of in (("new.db", 16_384), ("old.db", 4096)):
        engine = engine_for(f"sqlite:///{tmp_path / name}")
        with reading(engine, what="the ledger") as connection:
            assert connection.execute(text("PRAGMA page_size")).scalar() == pages_of
            # Whatever its pages, the log is written back at the same length.
            assert connection.execute(text("PRAGMA wal_autocheckpoint")).scalar() == 1000 * 16_384 // pages_of

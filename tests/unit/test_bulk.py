from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, String, Table, select, text

from mfn.database.bulk import among, json_text, merge, stage, utc_text
from mfn.database.engines import engine_for, reading, writing
from mfn.errors import DataError, FatalError

metadata = MetaData()
thing = Table(
    "thing",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("select", String, primary_key=True),  # a word that has to be quoted
    Column("Status", String),  # so has this one, on PostgreSQL
    Column("text", String),
    Column("payload", LargeBinary),
    Column("seen_at", DateTime(timezone=True)),
)
COLUMNS = ("number", "select", "Status", "text", "payload", "seen_at")
SEEN = "2026-11-24 10:00:00.000000"


def row(number: int, status: str = "new", words: str | None = "a", payload: bytes = b"\x00\xff") -> tuple[Any, ...]:
    return (number, "key", status, words, payload, SEEN)


@pytest.fixture
def url(database_url: str) -> str:
    with writing(engine_for(database_url), what="the test") as connection:
        metadata.create_all(connection)
    return database_url


def merged(url: str, *rows: tuple[Any, ...], **options: Any) -> list[tuple[int, str, str | None]]:
    with writing(engine_for(url), what="the test") as connection:
        merge(connection, thing, COLUMNS, rows, **options)
    with reading(engine_for(url), what="the test") as connection:
        query = select(thing.c.number, thing.c.Status, thing.c.text).order_by(thing.c.number)
        return [(found[0], found[1], found[2]) for found in connection.execute(query)]


def test_rows_are_inserted_and_where_the_key_is_there_updated(url: str) -> None:
    assert merged(url, row(1), row(2)) == [(1, "new", "a"), (2, "new", "a")]
    assert merged(url, row(2, words="b"), row(3)) == [(1, "new", "a"), (2, "new", "b"), (3, "new", "a")]


def test_no_rows_are_no_statement(url: str) -> None:
    assert merged(url) == []


def test_a_row_that_is_there_stays_as_it_is_when_nothing_is_to_be_updated(url: str) -> None:
    merged(url, row(1))
    assert merged(url, row(1, "begun", "b"), row(2), update=[]) == [(1, "new", "a"), (2, "new", "a")]


def test_only_the_columns_named_are_updated(url: str) -> None:
    merged(url, row(1))
    assert merged(url, row(1, "begun", "b"), update=["Status"]) == [(1, "begun", "a")]


def test_a_row_that_does_not_meet_the_guard_stays_as_it_is(url: str) -> None:
    merged(url, row(1, "new"), row(2, "begun"))
    guard = """thing."Status" = 'new'"""
    assert merged(url, row(1, words="b"), row(2, words="b"), guard=guard) == [(1, "new", "b"), (2, "begun", "a")]


def test_rows_that_were_taken_for_new_ones_and_are_there_are_merged_as_ever(url: str) -> None:
    assert merged(url, row(1), row(2, "begun"), mostly_new=True) == [(1, "new", "a"), (2, "begun", "a")]
    guard = """thing."Status" = 'new'"""
    found = merged(url, row(1, words="b"), row(2, words="b"), row(3), guard=guard, mostly_new=True)
    assert found == [(1, "new", "b"), (2, "begun", "a"), (3, "new", "a")]


def test_new_rows_are_taken_without_their_nul_characters(url: str) -> None:
    (found,) = merged(url, row(1, words="a\x00b"), mostly_new=True)
    assert str(found[2]).replace("\x00", "") == "ab"


def test_one_transaction_can_merge_twice(url: str) -> None:
    with writing(engine_for(url), what="the test") as connection:
        merge(connection, thing, COLUMNS, [row(1)])
        merge(connection, thing, COLUMNS, [row(1, words="b"), row(2)])
    assert merged(url) == [(1, "new", "b"), (2, "new", "a")]


@pytest.mark.parametrize("words", ["", None, "\\N", "\\", "a\tb\nc\r\\.", "名前", "'; DROP TABLE thing", '"', "%s"])
def test_every_text_arrives_as_it_was_sent(url: str, words: str | None) -> None:
    assert merged(url, row(1, words=words)) == [(1, "new", words)]


def test_bytes_and_times_arrive_as_they_were_sent(url: str) -> None:
    payload = bytes(range(256))
    merged(url, row(1, payload=payload))
    with reading(engine_for(url), what="the test") as connection:
        found = connection.execute(select(thing.c.payload, thing.c.seen_at)).one()
    assert found.payload == payload
    assert found.seen_at.isoformat()[:19] == "2026-11-24T10:00:00"


def test_a_nul_character_costs_no_row_and_postgresql_loses_only_the_character(url: str) -> None:
    kept = "a\x00b" if url.startswith("sqlite") else "ab"
    assert merged(url, row(1), row(2, words="a\x00b"), row(3)) == [(1, "new", "a"), (2, "new", kept), (3, "new", "a")]


def test_what_cannot_be_kept_is_refused_by_its_column_without_its_value(postgres_url: str) -> None:
    with writing(engine_for(postgres_url), what="the test") as connection:
        connection.execute(text('CREATE TABLE thing (number INTEGER, "select" TEXT, "Status" TEXT, text VARCHAR(4))'))
    with (
        pytest.raises(DataError, match=r"value too long for type character varying\(4\) \(column text\)") as caught,
        writing(engine_for(postgres_url), what="the warehouse of us") as connection,
    ):
        merge(connection, thing, COLUMNS[:4], [row(1, words="Test Buyer")[:4]])
    assert "Test Buyer" not in "".join(traceback.format_exception(caught.value))


def test_a_row_that_is_refused_takes_the_whole_transaction_back(database_url: str) -> None:
    with writing(engine_for(database_url), what="the test") as connection:
        connection.execute(
            text("CREATE TABLE thing (number INTEGER PRIMARY KEY, text VARCHAR CHECK (text <> 'refused'))")
        )
    small = Table("thing", MetaData(), Column("number", Integer, primary_key=True), Column("text", String))
    with (
        pytest.raises(DataError, match=r"the test refused a row: .*(CHECK|check)"),
        writing(engine_for(database_url), what="the test") as connection,
    ):
        merge(connection, small, ("number", "text"), [(1, "fine"), (2, "refused")])
    with reading(engine_for(database_url), what="the test") as connection:
        assert connection.execute(text("SELECT count(*) FROM thing")).scalar() == 0


def test_staged_rows_have_the_types_of_the_table_and_are_gone_on_postgresql_when_the_transaction_ends(url: str) -> None:
    with writing(engine_for(url), what="the test") as connection:
        stage(connection, "some_rows", thing, ("number", "seen_at"), [(2, SEEN), (10, SEEN)])
        assert connection.execute(text("SELECT max(number) FROM some_rows")).scalar() == 10
        stage(connection, "some_rows", thing, ("number", "seen_at"), [])
        assert connection.execute(text("SELECT count(*) FROM some_rows")).scalar() == 0
    if not url.startswith("sqlite"):
        with pytest.raises(FatalError), reading(engine_for(url), what="the test") as connection:
            connection.execute(text("SELECT * FROM some_rows"))


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    moment = datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=9)))
    assert utc_text(moment) == "2026-11-23 16:02:03.000004"
    assert utc_text(datetime(900, 1, 2, tzinfo=UTC)) == "0900-01-02 00:00:00.000000"


def test_many_keys_are_asked_for_at_once(database_url: str) -> None:
    engine = engine_for(database_url)
    metadata = MetaData()
    names = Table("names", metadata, Column("name", String, primary_key=True))
    metadata.create_all(engine)
    with writing(engine, what="the database") as connection:
        merge(connection, names, ("name",), [(f"name {number}",) for number in range(50_000)])
        asked = [f"name {number}" for number in range(0, 100_000, 2)] + ["'", "\x00", '"']
        found = connection.execute(select(names.c.name).where(among(connection, names.c.name, asked))).all()
        assert len(found) == 25_000
        assert connection.execute(select(names.c.name).where(among(connection, names.c.name, []))).all() == []


@pytest.mark.parametrize("words", ["plain", "straße 漢字", 'a "quoted" \\ word', "half an emoji \ud83d"])
def test_texts_become_json_that_reads_the_same(words: str) -> None:
    assert json.loads(json_text([words])) == [words]
    assert json.loads(json_text({words: 1})) == {words: 1}

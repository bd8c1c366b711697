"""Chunks: what a stage wrote is what the next one reads, and nobody else can read it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from mfn.database.engines import reading, writing
from mfn.database.forgetting import empty_log
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.buyers_data import read_chunk
from mfn.ledger.chunks import Frame, chunk_numbers, drop_chunks, packed, unpacked, write_chunk
from mfn.ledger.leases import lease
from mfn.ledger.schema import BatchChunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

COLUMNS = {
    "text": (st.none() | st.text(), "object"),
    "place": (st.sampled_from(("", "SHELVES", "RETURNS")), "object"),
    "units": (st.integers(-(2**62), 2**62), "int64"),
    "is_it": (st.booleans(), "bool"),
    "at": (st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), "datetime64[us]"),  # noqa: DTZ001
}


class Content(msgspec.Struct, array_like=True):
    frame: Frame


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def write(ledger: Ledger, batch: BatchRef, stage: str, number: int, text: str) -> None:
    frame = pd.DataFrame({"text": pd.Series([text], dtype="object")})
    with writing(ledger.engine, what="the ledger") as database:
        write_chunk(ledger, database, batch, Content(packed(frame)), stage=stage, number=number)


def read(ledger: Ledger, batch: BatchRef, stage: str, number: int) -> list[str]:
    return unpacked(read_chunk(ledger, batch, stage, number, Content, purpose="test").frame)["text"].tolist()


@given(st.lists(st.tuples(*(values for values, _ in COLUMNS.values())), max_size=5))
def test_a_frame_comes_back_as_it_was(rows: list[tuple[object, ...]]) -> None:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    frame = pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=kind)
            for (name, (_, kind)), values in zip(COLUMNS.items(), columns, strict=True)
        }
    ).assign(at=lambda given: given["at"].dt.tz_localize(UTC))
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(packed(frame, repeated=("place",))), type=Frame)
    pd.testing.assert_frame_equal(unpacked(sent), frame)


def test_a_stage_reads_what_the_one_before_wrote_last(ledger: Ledger, batch: BatchRef) -> None:
    for number, text in ((1, "b"), (0, "a"), (1, "c")):
        write(ledger, batch, "validate", number, text)
    assert chunk_numbers(ledger, batch.batch_id, "validate") == [0, 1]
    assert [read(ledger, batch, "validate", number) for number in (0, 1)] == [["a"], ["c"]]
    assert chunk_numbers(ledger, batch.batch_id, "transform") == []


def test_chunks_are_removed_one_by_one_by_stage_or_all(ledger: Ledger, batch: BatchRef) -> None:
    for stage in ("validate", "transform"):
        for number in (0, 1):
            write(ledger, batch, stage, number, "x")
    with writing(ledger.engine, what="the ledger") as database:
        drop_chunks(database, batch, stage="transform", number=0)
    assert chunk_numbers(ledger, batch.batch_id, "transform") == [1]
    assert chunk_numbers(ledger, batch.batch_id, "validate") == [0, 1]
    with writing(ledger.engine, what="the ledger") as database:
        drop_chunks(database, batch)
    assert chunk_numbers(ledger, batch.batch_id, "validate") == chunk_numbers(ledger, batch.batch_id, "transform") == []


def test_nothing_of_a_chunk_stands_in_the_clear(ledger: Ledger, batch: BatchRef) -> None:
    write(ledger, batch, "validate", 0, "Planted Name")
    with reading(ledger.engine, what="the ledger") as database:
        assert b"Planted" not in database.execute(select(BatchChunk.payload)).scalar_one()


def frees_carelessly(engine: Engine) -> None:
    """Let SQLite leave in its file what is freed, as it is built by most; Debian's does not."""
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete = OFF").close())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL clears its tables itself
def test_a_chunk_that_is_removed_leaves_the_file_too(ledger: Ledger, batch: BatchRef) -> None:
    def in_files() -> bool:
        empty_log(ledger.engine)
        return sealed in b"".join(path.read_bytes() for path in folder.iterdir())

    folder = Path(str(ledger.engine.url.database)).parent
    frees_carelessly(ledger.engine)
    write(ledger, batch, "validate", 0, "Planted Name" * 1_000)
    with reading(ledger.engine, what="the ledger") as database:
        sealed = database.execute(select(BatchChunk.payload)).scalar_one()[:512]
    assert in_files()
    with writing(ledger.engine, what="the ledger") as database:
        drop_chunks(database, batch)
    assert not in_files()

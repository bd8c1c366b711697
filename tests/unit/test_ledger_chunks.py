"""Chunks: what a stage wrote is what the next one reads, and nobody else can read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pandas as pd
import pytest
from sqlalchemy import event, select

from mfn.database.forgetting import empty_log
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.buyers_data import read_chunks
from mfn.ledger.chunks import chunk_numbers, drop_chunks, numbers_by_part, piece_number, write_chunk
from mfn.ledger.leases import lease
from mfn.ledger.packing import Frame, packed, unpacked
from mfn.ledger.schema import BatchChunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


class Content(msgspec.Struct, array_like=True):
    frame: Frame


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def write(ledger: Ledger, batch: BatchRef, stage: str, number: int, text: str) -> None:
    frame = pd.DataFrame({"text": pd.Series([text], dtype="object")})
    with ledger.writing() as database:
        write_chunk(ledger, database, batch, Content(packed(frame)), stage=stage, number=number)


def read(ledger: Ledger, batch: BatchRef, stage: str, number: int) -> list[str]:
    (content,) = read_chunks(ledger, batch, stage, [number], Content, purpose="test")
    return unpacked(content.frame)["text"].tolist()


def test_a_stage_reads_what_the_one_before_wrote_last(ledger: Ledger, batch: BatchRef) -> None:
    for number, text in ((1, "b"), (0, "a"), (1, "c")):
        write(ledger, batch, "validate", number, text)
    assert chunk_numbers(ledger, batch.batch_id, "validate") == [0, 1]
    assert [read(ledger, batch, "validate", number) for number in (0, 1)] == [["a"], ["c"]]
    assert chunk_numbers(ledger, batch.batch_id, "transform") == []


def test_the_pieces_of_a_part_are_together_whichever_chunks_they_come_from(ledger: Ledger, batch: BatchRef) -> None:
    for chunk, parts in enumerate(((0, 2), (2, 1), (0,))):
        for part in parts:
            write(ledger, batch, "validate", piece_number(part, chunk), f"part {part} of chunk {chunk}")
    assert [
        [text for number in pieces for text in read(ledger, batch, "validate", number)]
        for pieces in numbers_by_part(ledger, batch.batch_id, "validate")
    ] == [["part 0 of chunk 0", "part 0 of chunk 2"], ["part 1 of chunk 1"], ["part 2 of chunk 0", "part 2 of chunk 1"]]


def test_chunks_are_removed_one_by_one_by_stage_or_all(ledger: Ledger, batch: BatchRef) -> None:
    for stage in ("validate", "transform"):
        for number in (0, 1):
            write(ledger, batch, stage, number, "x")
    with ledger.writing() as database:
        drop_chunks(database, batch, stage="transform", number=0)
    assert chunk_numbers(ledger, batch.batch_id, "transform") == [1]
    assert chunk_numbers(ledger, batch.batch_id, "validate") == [0, 1]
    with ledger.writing() as database:
        drop_chunks(database, batch)
    assert chunk_numbers(ledger, batch.batch_id, "validate") == chunk_numbers(ledger, batch.batch_id, "transform") == []


def test_nothing_of_a_chunk_is_stored_in_the_clear(ledger: Ledger, batch: BatchRef) -> None:
    write(ledger, batch, "validate", 0, "Planted Name")
    with ledger.reading() as database:
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
    with ledger.reading() as database:
        sealed = database.execute(select(BatchChunk.payload)).scalar_one()[:512]
    assert in_files()
    with ledger.writing() as database:
        drop_chunks(database, batch)
    assert not in_files()

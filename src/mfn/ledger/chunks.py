"""What one stage of a batch hands on to the next, encrypted, a chunk of orders at a time."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, select

from mfn.database.bulk import merge
from mfn.database.forgetting import overwrite_freed
from mfn.ledger.compression import compressed
from mfn.ledger.keys import assert_current
from mfn.ledger.schema import BatchChunk, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

PIECES = 10_000
"""More pieces than any part of a batch has: each chunk leaves at most one in it."""

_ENCODER = msgspec.msgpack.Encoder()


def write_chunk(
    ledger: Ledger, database: Connection, batch: BatchRef, content: msgspec.Struct, *, stage: str, number: int
) -> None:
    """Store the output of a stage for one chunk, replacing an earlier one; see `write_pieces`."""
    write_pieces(ledger, database, batch, [(number, content)], stage=stage)


def write_pieces(
    ledger: Ledger, database: Connection, batch: BatchRef, pieces: Iterable[tuple[int, msgspec.Struct]], *, stage: str
) -> None:
    """Store the output of a stage for one chunk, in pieces: all at once, since there may be hundreds.

    Args:
        ledger: The open ledger.
        database: The open transaction.
        batch: The batch.
        pieces: Each one's place in the batch, and its content, which may contain buyers' data.
        stage: The stage that made them.

    Raises:
        RetriableError: The encryption keys were changed meanwhile; nothing of this transaction may stay.
    """
    assert_current(database, ledger.cipher)
    rows = []
    for number, content in pieces:
        context = chunk_context(batch.batch_id, stage, number)
        payload = ledger.cipher.encrypt(compressed(_ENCODER.encode(content)), context=context)
        rows.append((batch.batch_id, stage, number, payload))
    merge(database, table(BatchChunk), ("batch_id", "stage", "number", "payload"), rows, mostly_new=True)


def chunk_context(batch_id: str, stage: str, number: int) -> str:
    """The encryption context of a chunk's payload, which cannot be decrypted with any other."""
    return f"{batch_id} {stage} {number}"


def chunk_numbers(ledger: Ledger, batch_id: str, stage: str) -> Sequence[int]:
    """The chunks of a batch that a stage has left, in order."""
    statement = (
        select(BatchChunk.number)
        .where(BatchChunk.batch_id == batch_id, BatchChunk.stage == stage)
        .order_by(BatchChunk.number)
    )
    with ledger.reading() as database:
        return database.execute(statement).scalars().all()


def piece_number(part: int, chunk: int) -> int:
    """The number of a piece of a part, made of a chunk, for a stage that cuts parts in another way; both from 0."""
    return part * PIECES + chunk


def numbers_by_part(ledger: Ledger, batch_id: str, stage: str) -> list[list[int]]:
    """The numbers of the pieces that a stage has left, part by part."""
    numbers = chunk_numbers(ledger, batch_id, stage)
    return [list(pieces) for _, pieces in groupby(numbers, lambda number: number // PIECES)]


def drop_chunks(database: Connection, batch: BatchRef, *, stage: str | None = None, number: int | None = None) -> None:
    """Remove chunks that are no longer needed."""
    overwrite_freed(database)
    statement = delete(BatchChunk).where(BatchChunk.batch_id == batch.batch_id)
    if stage is not None:
        statement = statement.where(BatchChunk.stage == stage)
    if number is not None:
        statement = statement.where(BatchChunk.number == number)
    database.execute(statement)

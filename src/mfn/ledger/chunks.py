"""What one stage of a batch hands to the next: frames, a chunk of orders at a time, encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import delete, select

from mfn.database.bulk import merge
from mfn.database.engines import reading
from mfn.database.forgetting import overwrite_freed
from mfn.ledger.compression import compressed
from mfn.ledger.keys import assert_current
from mfn.ledger.landing import table
from mfn.ledger.schema import BatchChunk

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

_ENCODER = msgspec.msgpack.Encoder()


class Column(msgspec.Struct, frozen=True, array_like=True):
    """One column of a frame: its plain values, or the bytes of an array where all are numbers, times or yes and no.

    Attributes:
        kind: NumPy's name of the type, `object` for plain values, `repeated` for few different ones.
        values: The plain values of `object`, the different ones of `repeated`.
        content: The bytes of every other kind; of `repeated`, which of the values stands in each row.
    """

    kind: str
    values: list[Any]
    content: bytes = b""


Frame = dict[str, Column]
"""A frame as it is written down: its columns by name, in order; the index is 0…n-1."""

TIMES = "datetime64[us]"
REPEATED = "repeated"


def packed(frame: pd.DataFrame, *, repeated: Collection[str] = ()) -> Frame:
    """A frame as it is written down.

    Args:
        frame: Columns of `object`, `int64`, `bool` and `datetime64[us, UTC]`; its index is not kept.
        repeated: Columns of texts of which few differ: each text is written once.
    """
    return {str(name): _packed(frame[name], is_repeated=name in repeated) for name in frame.columns}


def _packed(column: pd.Series[Any], *, is_repeated: bool) -> Column:
    if is_repeated:
        codes, texts = pd.factorize(column)
        return Column(REPEATED, texts.tolist(), codes.astype("int64").tobytes())
    if column.dtype == object:
        return Column("object", column.tolist())
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return Column(TIMES, [], column.dt.tz_convert(None).to_numpy(dtype=TIMES).tobytes())
    return Column(str(column.dtype), [], column.to_numpy().tobytes())


def unpacked(frame: Frame) -> pd.DataFrame:
    """A frame as it was; tuples have become lists."""
    return pd.DataFrame({name: _unpacked(column) for name, column in frame.items()}, columns=list(frame))


def _unpacked(column: Column) -> pd.Series[Any]:
    if column.kind == "object":
        return pd.Series(column.values, dtype="object")
    if column.kind == REPEATED:
        rows = np.frombuffer(column.content, dtype="int64")
        return pd.Series(np.array(column.values, dtype=object)[rows], dtype="object")
    values = pd.Series(np.frombuffer(column.content, dtype=column.kind))
    return values.dt.tz_localize("UTC") if column.kind == TIMES else values


def write_chunk(
    ledger: Ledger, database: Connection, batch: BatchRef, content: msgspec.Struct, *, stage: str, number: int
) -> None:
    """Write down what a stage made of one chunk; what it made of it before is replaced.

    Args:
        ledger: The open ledger.
        database: The open transaction.
        batch: The batch.
        content: What the next stage reads; buyers' data may be in it.
        stage: The stage that made it.
        number: The chunk's place in the batch.

    Raises:
        RetriableError: The encryption keys were changed meanwhile; nothing of this transaction may stay.
    """
    assert_current(database, ledger.cipher)
    context = chunk_context(batch.batch_id, stage, number)
    payload = ledger.cipher.encrypt(compressed(_ENCODER.encode(content)), context=context)
    merge(
        database,
        table(BatchChunk),
        ("batch_id", "stage", "number", "payload"),
        [(batch.batch_id, stage, number, payload)],
        mostly_new=True,
    )


def chunk_context(batch_id: str, stage: str, number: int) -> str:
    """What the payload of a chunk belongs to; nothing else decrypts with it."""
    return f"{batch_id} {stage} {number}"


def chunk_numbers(ledger: Ledger, batch_id: str, stage: str) -> Sequence[int]:
    """The chunks of a batch that a stage has left, in order."""
    statement = (
        select(BatchChunk.number)
        .where(BatchChunk.batch_id == batch_id, BatchChunk.stage == stage)
        .order_by(BatchChunk.number)
    )
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(statement).scalars().all()


def drop_chunks(database: Connection, batch: BatchRef, *, stage: str | None = None, number: int | None = None) -> None:
    """Remove what is done with.

    Args:
        database: The open transaction.
        batch: The batch.
        stage: Only what this stage made.
        number: Only this chunk.
    """
    overwrite_freed(database)
    statement = delete(BatchChunk).where(BatchChunk.batch_id == batch.batch_id)
    if stage is not None:
        statement = statement.where(BatchChunk.stage == stage)
    if number is not None:
        statement = statement.where(BatchChunk.number == number)
    database.execute(statement)

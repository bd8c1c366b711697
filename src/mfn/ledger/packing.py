"""Frames packed for storage and unpacked again: whole, in parts, and several as one."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Column(msgspec.Struct, frozen=True, array_like=True):
    """One column of a frame: its plain values, or the bytes of an array of numbers, times or booleans.

    Attributes:
        kind: NumPy's name of the type, `object` for plain values, `repeated` for few distinct ones.
        plain: The plain values of `object`, the distinct ones of `repeated`.
        content: The bytes of every other kind; for `repeated`, which of the values each row has.
    """

    kind: str
    plain: list[Any]
    content: bytes = b""


Frame = dict[str, Column]
"""A packed frame: its columns by name, in order; the index is 0…n-1."""

TIMES = "datetime64[us]"
REPEATED = "repeated"


def packed(frame: pd.DataFrame, *, repeated: Collection[str] = ()) -> Frame:
    """Pack a frame for storage.

    Args:
        frame: Columns of `object`, `int64`, `float64`, `bool` and `datetime64[us, UTC]`; its index is not kept.
        repeated: Columns of texts, none missing, with few distinct values: each text is stored once.
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
    """Unpack a frame; tuples have become lists."""
    return pd.DataFrame({name: _unpacked(column) for name, column in frame.items()}, columns=list(frame))


def _unpacked(column: Column) -> pd.Series[Any]:
    if column.kind == "object":
        return pd.Series(column.plain, dtype="object")
    if column.kind == REPEATED:
        rows = np.frombuffer(column.content, dtype="int64")
        return pd.Series(np.array(column.plain, dtype=object)[rows], dtype="object")
    values = pd.Series(np.frombuffer(column.content, dtype=column.kind))
    return values.dt.tz_localize("UTC") if column.kind == TIMES else values


def parted(frame: Frame, bounds: Sequence[int]) -> list[Frame]:
    """Cut a packed frame into parts of consecutive rows.

    Args:
        frame: What `packed` returned, without repeated columns.
        bounds: The rows at which the second part and every later one begin, rising.
    """
    parts: list[Frame] = [{} for _ in (0, *bounds)]
    for name, column in frame.items():
        size = 1 if column.kind == "object" else np.dtype(column.kind).itemsize
        for part, start, end in zip(parts, (0, *bounds), (*bounds, None), strict=True):
            some = slice(start * size, None if end is None else end * size)
            part[name] = Column(column.kind, column.plain[some], column.content[some])
    return parts


def joined(frames: Sequence[Frame]) -> Frame:
    """Concatenate packed frames.

    Args:
        frames: At least one, of the same columns and types, without repeated columns.
    """
    return {
        name: Column(
            column.kind,
            list(chain.from_iterable(frame[name].plain for frame in frames)),
            b"".join([frame[name].content for frame in frames]),
        )
        for name, column in frames[0].items()
    }

"""Frames as they are written down, and read again: whole, in parts, and several as one."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Column(msgspec.Struct, frozen=True, array_like=True):
    """One column of a frame: its plain values, or the bytes of an array where all are numbers, times or yes and no.

    Attributes:
        kind: NumPy's name of the type, `object` for plain values, `repeated` for few different ones.
        plain: The plain values of `object`, the different ones of `repeated`.
        content: The bytes of every other kind; of `repeated`, which of the values stands in each row.
    """

    kind: str
    plain: list[Any]
    content: bytes = b""


Frame = dict[str, Column]
"""A frame as it is written down: its columns by name, in order; the index is 0…n-1."""

TIMES = "datetime64[us]"
REPEATED = "repeated"


def packed(frame: pd.DataFrame, *, repeated: Collection[str] = ()) -> Frame:
    """A frame as it is written down.

    Args:
        frame: Columns of `object`, `int64`, `float64`, `bool` and `datetime64[us, UTC]`; its index is not kept.
        repeated: Columns of texts, none missing, of which few differ: each text is written once.
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
        return pd.Series(column.plain, dtype="object")
    if column.kind == REPEATED:
        rows = np.frombuffer(column.content, dtype="int64")
        return pd.Series(np.array(column.plain, dtype=object)[rows], dtype="object")
    values = pd.Series(np.frombuffer(column.content, dtype=column.kind))
    return values.dt.tz_localize("UTC") if column.kind == TIMES else values


def parted(frame: Frame, bounds: Sequence[int]) -> list[Frame]:
    """A frame in parts, row after row.

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
    """Frames as one, one below the other.

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

"""Frames that are written down come back as they were: whole, in parts, and put together again."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mfn.ledger.packing import Frame, joined, packed, parted, unpacked

COLUMNS = {
    "text": (st.none() | st.text(), "object"),
    "place": (st.sampled_from(("", "SHELVES", "RETURNS")), "object"),
    "units": (st.integers(-(2**62), 2**62), "int64"),
    "is_it": (st.booleans(), "bool"),
    "at": (st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), "datetime64[us]"),  # noqa: DTZ001
}
ROWS = st.lists(st.tuples(*(values for values, _ in COLUMNS.values())), max_size=5)


def frame_of(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=kind)
            for (name, (_, kind)), values in zip(COLUMNS.items(), columns, strict=True)
        }
    ).assign(at=lambda given: given["at"].dt.tz_localize(UTC))


def sent(frame: Frame) -> Frame:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(frame), type=Frame)


@given(ROWS)
def test_a_frame_comes_back_as_it_was(rows: list[tuple[object, ...]]) -> None:
    frame = frame_of(rows)
    pd.testing.assert_frame_equal(unpacked(sent(packed(frame, repeated=("place",)))), frame)


@given(ROWS, st.lists(st.integers(0, 5), max_size=3).map(sorted))
def test_its_parts_are_its_rows_and_put_together_they_are_the_frame(
    rows: list[tuple[object, ...]], bounds: list[int]
) -> None:
    frame = frame_of(rows)
    bounds = [min(bound, len(rows)) for bound in bounds]
    parts = [sent(part) for part in parted(packed(frame), bounds)]
    for part, start, end in zip(parts, (0, *bounds), (*bounds, len(rows)), strict=True):
        pd.testing.assert_frame_equal(unpacked(part), frame[start:end].reset_index(drop=True))
    pd.testing.assert_frame_equal(unpacked(joined(parts)), frame)

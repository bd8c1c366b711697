"""How validate hands a chunk on: in parts by ranges of order ids, or as a part of its own."""

from __future__ import annotations

import pandas as pd
import pytest

from mfn.ledger.chunks import PIECES
from mfn.ledger.packing import unpacked
from mfn.steps.importing.order_frames import Kept
from mfn.steps.importing.validated import ORDER_COLUMNS, pieces_of

CHUNK = 3


def frame(order_ids: str, *others: str) -> pd.DataFrame:
    columns = {name: pd.Series([name] * len(order_ids), dtype="object") for name in others}
    return pd.DataFrame({"order_id": pd.Series(list(order_ids), dtype="object"), **columns})


@pytest.mark.parametrize(
    ("bounds", "parts"),
    [
        (None, {CHUNK: ("dbca", "dbbca")}),
        ([], {0: ("dbca", "dbbca")}),
        (["b", "d"], {0: ("a", "a"), 1: ("bc", "bbc"), 2: ("d", "d")}),
        (["e"], {0: ("abcd", "abbcd")}),
    ],
)
def test_a_chunk_is_a_part_of_its_own_or_parted_by_the_ids_of_its_orders(
    bounds: list[str] | None, parts: dict[int, tuple[str, str]]
) -> None:
    kept = Kept(frame("dbca", *ORDER_COLUMNS[1:]), frame("dbbca", "sku"), frame("dbca", "city"))
    is_passed = {"a": True, "b": False, "c": None, "d": True}
    found = {number // PIECES: piece for number, piece in pieces_of(CHUNK, kept, is_passed, bounds)}
    read = {part: (unpacked(piece.orders), unpacked(piece.lines)) for part, piece in found.items()}
    assert {part: tuple("".join(some["order_id"]) for some in frames) for part, frames in read.items()} == parts
    for orders, _ in read.values():
        assert orders["is_passed"].tolist() == [is_passed[order_id] for order_id in orders["order_id"]]

"""What validate hands on to transform: good orders, and those that only have units promised to them.

Order ids are random, and the later steps write rows by them. So on SQLite the orders of a batch of many chunks are
handed on in parts, one for each range of ids: the rows of a part lie together in every B-tree of the database instead
of being spread over all of it. PostgreSQL, which writes in another process, gains nothing by that: there every chunk is
a part of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd

from mfn.ledger.buyers_data import read_chunks
from mfn.ledger.chunks import piece_number
from mfn.ledger.packing import Frame, joined, packed, parted, unpacked
from mfn.steps.importing.order_frames import Kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

VALIDATED = "validate"
"""The stage that writes these."""

ORDER_COLUMNS = (
    "order_id", "marketplace_id", "created_at", "earliest_ship_at", "ship_by", "deliver_by", "fulfilled_by",
    "service_level", "programs", "purchase_order_number", "replaces_order", "cancel_reason", "warehouse_code",
)  # fmt: skip
"""What the transform reads of an order."""


class ValidatedPiece(msgspec.Struct, frozen=True, array_like=True):
    """What the transform reads of those orders of a chunk that belong to one part of the batch.

    Attributes:
        orders: `ORDER_COLUMNS` of `Kept.orders`, and `is_passed`: True if an order goes to the warehouse, False if it
            only has units promised to it, None if neither.
        lines: `Kept.lines`.
        addresses: `Kept.addresses`.
    """

    orders: Frame
    lines: Frame
    addresses: Frame


def pieces_of(
    chunk: int, kept: Kept, is_passed: Mapping[str, bool | None], bounds: Sequence[str] | None
) -> Iterator[tuple[int, ValidatedPiece]]:
    """A chunk cut into pieces, one for each part: the number and the content of each.

    Args:
        chunk: The chunk's place in the batch.
        kept: The frames of its orders.
        is_passed: `is_passed` of each order, as in `ValidatedPiece.orders`.
        bounds: The order ids at which the parts of the batch begin, all but the first, rising; None if the chunk is a
            part.
    """
    orders = kept.orders[list(ORDER_COLUMNS)].reset_index(drop=True)
    passed = pd.Series([is_passed[order_id] for order_id in orders["order_id"].tolist()], dtype="object")
    frames = [orders.assign(is_passed=passed), kept.lines, kept.addresses]
    if bounds:
        frames = [frame.iloc[frame["order_id"].to_numpy().argsort(kind="stable")] for frame in frames]
    rows = [np.searchsorted(frame["order_id"].to_numpy(), bounds or ()).tolist() for frame in frames]
    parts = [parted(packed(frame), begins) for frame, begins in zip(frames, rows, strict=True)]
    for part, piece in enumerate(map(ValidatedPiece, *parts)):
        if piece.orders["order_id"].plain:
            yield piece_number(chunk, part) if bounds is None else piece_number(part, chunk), piece


def read_part(ledger: Ledger, batch: BatchRef, numbers: Sequence[int], *, purpose: str) -> Kept:
    """The frames of one part of a batch; the order frame has `ORDER_COLUMNS` and `is_passed` only.

    Args:
        ledger: The open ledger.
        batch: The batch.
        numbers: The numbers of its pieces.
        purpose: The purpose for the audit trail: the step.
    """
    pieces = read_chunks(ledger, batch, VALIDATED, numbers, ValidatedPiece, purpose=purpose)
    whole = zip(*((piece.orders, piece.lines, piece.addresses) for piece in pieces), strict=True)
    return Kept(*(unpacked(joined(frames)) for frames in whole))

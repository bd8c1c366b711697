"""What arrived, beside what Amazon has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.amazon import Truth
    from benchmarks.peers.runs import Arrived


@dataclass(frozen=True)
class Judgement:
    """How many orders of those that Amazon has.

    Attributes:
        arrived: Are there for use, or kept back with the reason, or known and not to be shipped.
        missing: Nobody knows of, or lack an item.
        doubled: Are there more than once.
        held: Are kept back with the reason.
        bad_told: Are broken, kept back, and told why.
        bad_taken: Are broken, and there for use like any other.
    """

    arrived: int
    missing: int
    doubled: int
    held: int
    bad_told: int
    bad_taken: int


def judge(truth: Truth, arrived: Arrived) -> Judgement:
    """Compare.

    Args:
        truth: What Amazon has.
        arrived: What a peer has.
    """
    whole = {order_id for order_id, items in truth.items.items() if items <= arrived.items.get(order_id, frozenset())}
    usable = whole & arrived.items.keys()
    explained = truth.items.keys() & arrived.reasons.keys()
    known = usable | explained | (truth.items.keys() & arrived.waiting)
    return Judgement(
        arrived=len(known),
        missing=len(truth.items.keys() - known),
        doubled=len(truth.items.keys() & arrived.repeated),
        held=len(explained),
        bad_told=len(truth.bad & explained),
        bad_taken=len(truth.bad & arrived.items.keys()),
    )

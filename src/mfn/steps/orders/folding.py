"""A timeline for people: what several runs in a row did in the same way is shown once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.steps.orders.timeline import Moment


def fold(timeline: Iterable[Moment]) -> list[tuple[Moment, Moment, int]]:
    """Merge what several runs in a row did in the same way: the first moment, the last, and how many.

    Args:
        timeline: Oldest first.
    """
    folded: list[tuple[Moment, Moment, int]] = []
    for moment in timeline:
        if folded and moment.kind == "import" and _is_alike(folded[-1][0], moment):
            first, _, count = folded[-1]
            folded[-1] = (first, moment, count + 1)
        else:
            folded.append((moment, moment, 1))
    return folded


def _is_alike(one: Moment, other: Moment) -> bool:
    return replace(one, at=other.at, batch_id=other.batch_id) == other

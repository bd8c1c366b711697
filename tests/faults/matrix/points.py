"""Which of many points are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = TypeVar("Point")


def spread(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many of some points, evenly over all of them.

    Args:
        points: All of them.
        most: How many.
    """
    if len(points) <= most:
        return list(points)
    if most == 1:
        return [points[len(points) // 2]]
    return [points[round(number * (len(points) - 1) / (most - 1))] for number in range(most)]

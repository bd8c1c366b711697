"""The stock's history as the geometry of small charts, one for each listing; pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.reports.stock import StockHistory

WIDTH = 280
HEIGHT = 64.0
"""Units of the drawing; what happens within one unit of its width is a stroke from the lowest level to the highest."""


@dataclass(frozen=True)
class Chart:
    """One listing's levels over the span of time.

    Attributes:
        history: Whose.
        line: The path of the line, as steps: a level holds until another is sent.
        area: The path of the area below it.
        empty: The stretches in which there was none, as (x, width).
        lowest: The lowest level of the span.
        highest: The highest, which is at the upper edge.
        now: The last one.
        times_sold_out: How often it fell to none.
        label: What it says, in words.
    """

    history: StockHistory
    line: str
    area: str
    empty: tuple[tuple[int, int], ...]
    lowest: int
    highest: int
    now: int
    times_sold_out: int
    label: str


def draw_histories(histories: Sequence[StockHistory], since: datetime, until: datetime) -> tuple[Chart, ...]:
    """A chart for each listing that has gone from one level to another in a span of time, all over the same span.

    Args:
        histories: Whose levels; changes outside of the span are left out.
        since: Where the charts begin.
        until: Where they end.
    """
    charts = (_draw(history, since, until) for history in histories)
    return tuple(chart for chart in charts if chart is not None)


def _draw(history: StockHistory, since: datetime, until: datetime) -> Chart | None:
    changes = [(at, level) for at, level in history.changes if since <= at <= until]
    first = history.first
    levels = [level for _, level in changes] if first is None else [first, *(level for _, level in changes)]
    if not changes or len(levels) == 1:
        return None
    top = max(*levels, 1)
    span = max((until - since).total_seconds(), 1.0)
    steps = [(0, first)] if first is not None else []
    steps += [(int((at - since).total_seconds() / span * WIDTH), level) for at, level in changes]
    sold_out = sum(level == 0 and before > 0 for before, level in pairwise(levels))
    line = _line(steps, top)
    return Chart(
        history=history,
        line=line,
        area=f"{line}V{HEIGHT:g}H{steps[0][0]}Z",
        empty=_empty(steps),
        lowest=min(levels),
        highest=max(levels),
        now=levels[-1],
        times_sold_out=sold_out,
        label=_label(history, levels, len(changes), sold_out),
    )


def _line(steps: Sequence[tuple[int, int]], top: int) -> str:
    """The path of the steps; of those at one place the lowest, the highest and the last."""
    at_place: dict[int, list[int]] = {}
    for x, level in steps:
        at_place.setdefault(x, []).append(level)
    path = ""
    for x, levels in at_place.items():
        strokes = levels if len(levels) == 1 else [min(levels), max(levels), levels[-1]]
        path += f"H{x}" if path else f"M{x} {_height(strokes.pop(0), top)}"
        path += "".join(f"V{_height(level, top)}" for level in strokes)
    return f"{path}H{WIDTH}"


def _height(level: int, top: int) -> str:
    return f"{round(HEIGHT - level / top * HEIGHT, 1):g}"


def _empty(steps: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    ends = [x for x, _ in steps[1:]] + [WIDTH]
    return tuple((x, max(1, end - x)) for (x, level), end in zip(steps, ends, strict=True) if level == 0)


def _label(history: StockHistory, levels: Sequence[int], changes: int, sold_out: int) -> str:
    began = f"{history.first:,} at the start" if history.first is not None else "first sent in this span"
    times = "never sold out" if not sold_out else f"sold out {sold_out} time{'' if sold_out == 1 else 's'}"
    return (
        f"{history.sku} in {history.marketplace}: {began}, between {min(levels):,} and {max(levels):,},"
        f" {levels[-1]:,} now; changed {changes:,} time{'' if changes == 1 else 's'}, {times}"
    )

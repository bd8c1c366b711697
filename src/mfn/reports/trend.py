"""The trend over the last runs as the geometry of a bar chart; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.models import SUMMED
from mfn.reports.model import SHOWN_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mfn.models import BatchKind
    from mfn.reports.model import PastRun

HEIGHT = 120.0
STEP = 22.0
LEAST = 2.0
"""Units of the drawing: how high it is, the room of a bar, and the height below which nobody would see it."""

PARTS: Mapping[BatchKind, Mapping[str, tuple[str, ...]]] = {
    "import": {"loaded": ("loaded",), "held": ("held",)},
    "confirm": {"sent": ("sent",), "held": ("held", "failed")},
    "inventory": {"pushed": ("pushed",), "held": ("held", "failed")},
    "reconcile": {"matched": ("matched",), "differing": ("differing",)},
    "purge": {"purged": ("purged",)},
}
"""What the bars of each kind of run are made of, from the bottom; on top is `other`, the rest of what it was given."""

WITHOUT_REST = {"inventory", "reconcile", "purge"}
"""Of these `other` is left out: of every SKU, or order that is kept, most have not changed; every order is compared."""


@dataclass(frozen=True)
class Segment:
    """One part of a bar, one of `PARTS` or `other`, from `y` downwards."""

    name: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One run.

    Attributes:
        run: The run.
        x: Where its bar begins.
        segments: From the bottom to the top.
        label: What it says, for the tooltip and the table.
    """

    run: PastRun
    x: float
    segments: tuple[Segment, ...]
    label: str


@dataclass(frozen=True)
class Trend:
    """The whole chart.

    Attributes:
        bars: Oldest first.
        top: The number at the upper grid line.
        width: Of the drawing.
    """

    bars: tuple[Bar, ...]
    top: int
    width: float


def draw_trend(runs: Sequence[PastRun]) -> Trend:
    """The bars of the last runs.

    Args:
        runs: Oldest first; of more than `SHOWN_RUNS` the last are shown.
    """
    runs = runs[-SHOWN_RUNS:]
    top = _round_up(max((sum(_parts(run).values()) for run in runs), default=0))
    bars = [Bar(run, number * STEP, _segments(run, top), _label(run)) for number, run in enumerate(runs)]
    return Trend(tuple(bars), top, max(len(runs), SHOWN_RUNS) * STEP)


def _parts(run: PastRun) -> dict[str, int]:
    parts = {name: sum(run.counts.get(count, 0) for count in counts) for name, counts in PARTS[run.kind].items()}
    if run.kind in WITHOUT_REST:
        return parts
    given = run.counts.get(SUMMED[run.kind][0], 0)
    return {**parts, "other": max(0, given - sum(parts.values()))}


def _segments(run: PastRun, top: int) -> tuple[Segment, ...]:
    segments, y = [], HEIGHT
    for name, count in _parts(run).items():
        if count:
            height = max(LEAST, count / top * HEIGHT)
            y -= height
            segments.append(Segment(name, round(y, 1), round(height, 1)))
    return tuple(segments)


def _label(run: PastRun) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in _parts(run).items())
    return f"{run.started_at:%d %b %H:%M} UTC: {parts}" + ("; failed" if run.status == "failed" else "")


def _round_up(number: int) -> int:
    """The next 1, 2 or 5 with zeros."""
    if number <= 1:
        return 1
    power = int(10 ** math.floor(math.log10(number)))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number)

"""What each expectation found over past runs, and that as the geometry of a small chart; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mfn.models import BatchKind
    from mfn.quality.model import Finding, QualityReport

HEIGHT = 40.0
LEAST = 2.0
STEP = 4.0
"""Units of the drawing: how high it is, what marks a run in which nothing broke the rule, and the room of a bar."""


@dataclass(frozen=True)
class Entry:
    """What an expectation found in one run.

    Attributes:
        batch_id: The run.
        at: When it started, in UTC.
        finding: What it found.
    """

    batch_id: str
    at: datetime
    finding: Finding

    @property
    def percent(self) -> float:
        """How many of the rows that it applied to broke it; 0 where it applied to none."""
        return 100 * self.finding.unexpected / self.finding.checked if self.finding.checked else 0.0


@dataclass(frozen=True)
class History:
    """An expectation over the runs of a connection.

    Attributes:
        connection: The connection's name.
        kind: The kind of run.
        key: Its name in addresses; stays as long as the expectation does.
        entries: Newest first.
    """

    connection: str
    kind: BatchKind
    key: str
    entries: tuple[Entry, ...]

    @property
    def last(self) -> Entry:
        """Its newest run."""
        return self.entries[0]


@dataclass(frozen=True)
class Bar:
    """One run in a chart: `clean`, `broken`, `unrun` where the rule could not run; none where it applied to no row."""

    x: float
    y: float
    height: float
    mark: str
    label: str


def key_of(finding: Finding) -> str:
    """What names an expectation in addresses."""
    return ".".join(part.replace(", ", "+") for part in finding.rule if part)


def histories(
    connection: str, kind: BatchKind, runs: Iterable[tuple[str, datetime, QualityReport]]
) -> tuple[History, ...]:
    """The histories of all expectations of a connection and kind, in the order of the newest run's suites.

    Args:
        connection: The connection's name.
        kind: The kind of run.
        runs: As (batch id, start, what was found), newest first.
    """
    found: dict[str, list[Entry]] = {}
    for batch_id, at, report in runs:
        for finding in report.findings:
            found.setdefault(key_of(finding), []).append(Entry(batch_id, at, finding))
    return tuple(History(connection, kind, key, tuple(entries)) for key, entries in found.items())


def top_of(entries: Sequence[Entry]) -> float:
    """The largest percent that broke a rule in any run; 0 where none did.

    Args:
        entries: In any order.
    """
    return max((entry.percent for entry in entries), default=0.0)


def draw(entries: Sequence[Entry], *, runs: int) -> tuple[Bar, ...]:
    """The bars of a chart, the oldest first, the newest at its right edge; the highest fills its height.

    Args:
        entries: Newest first.
        runs: How many runs the chart has room for.
    """
    top = top_of(entries)
    bars = []
    for number, entry in enumerate(reversed(entries), runs - len(entries)):
        finding = entry.finding
        if finding.problem:
            mark, height, text = "unrun", HEIGHT, "could not run"
        elif not finding.checked:
            continue
        elif finding.unexpected:
            mark, height = "broken", max(2 * LEAST, entry.percent / top * HEIGHT)
            text = f"{finding.unexpected} of {finding.checked}"
        else:
            mark, height, text = "clean", LEAST, f"0 of {finding.checked}"
        label = f"{entry.at:%d %b %H:%M} UTC: {text}"
        bars.append(Bar(number * STEP, round(HEIGHT - height, 1), round(height, 1), mark, label))
    return tuple(bars)

"""Numbers, times and the one sentence of a report, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date as Date  # noqa: N812 - a type beside the function of the same name
    from datetime import datetime

    from mfn.reports.model import RunReport

MINUTE = 60


def headline(report: RunReport) -> str:
    """What happened, in the one sentence that a person in a hurry reads.

    Args:
        report: The run.
    """
    loaded, held = report.counts.get("loaded", 0), len(report.held)
    waits = f"{counted(held, 'order')} {'waits' if held == 1 else 'wait'} for a person"
    if report.status == "failed":
        done = (
            f"{counted(loaded, 'order')} reached the warehouse before it" if loaded else "Nothing reached the warehouse"
        )
        return f"The run failed. {done}" + (f", {waits}." if held else ".")
    if report.dry_run:
        went = (
            f"{counted(loaded, 'order')} would go to the warehouse" if loaded else "No order would go to the warehouse"
        )
    elif loaded:
        went = f"{counted(loaded, 'order')} went to the warehouse"
    else:
        went = "Nothing new for the warehouse"
    return f"{went}, {waits}." if held else f"{went}, nothing is held."


def counted(count: int, noun: str) -> str:
    """`1 order`, `2 orders`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def number(count: int) -> str:
    """`12,345`."""
    return f"{count:,}"


def date(day: Date) -> str:
    """`2 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def moment(time: datetime) -> str:
    """`2 Nov 09:15`, where UTC is said elsewhere."""
    return f"{time.day} {time:%b %H:%M}"


def utc(time: datetime) -> str:
    """`2 Nov 2026, 09:15 UTC`."""
    return f"{date(time)}, {time:%H:%M} UTC"


def lasted(start: datetime, end: datetime) -> str:
    """How long something took: `14.2 s`, `3 min 5 s`."""
    seconds = (end - start).total_seconds()
    return f"{seconds:.1f} s" if seconds < MINUTE else f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"


def hours_left(time: datetime, now: datetime) -> int:
    """Whole hours until a time, rounded up; 0 or less when it has passed."""
    return math.ceil((time - now).total_seconds() / 3600)


def by_count(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counted codes, the most frequent first."""
    return sorted(figures.items(), key=lambda entry: (-entry[1], entry[0]))

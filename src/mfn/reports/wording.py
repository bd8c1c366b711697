"""Numbers, times and the one sentence of a report, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.models import SUMMED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date as Date  # noqa: N812 - a type beside the function of the same name
    from datetime import datetime

    from mfn.models import BatchKind
    from mfn.reports.model import CarrierUse, RunReport

MINUTE = 60


@dataclass(frozen=True)
class Words:
    """How a kind of run is spoken of.

    Attributes:
        noun: What it is about.
        taken_up: What it was given.
        done: What became of the good ones.
        target: Where they go, with its article.
        left_alone: What those are that need nothing.
        conflict: What a person has to look at.
        bars: The parts of the trend, as its legend has them: the good ones, those that are held, the others.
    """

    noun: str
    taken_up: str
    done: str
    target: str
    left_alone: str
    conflict: str
    bars: tuple[str, str, str]


WORDS: dict[BatchKind, Words] = {
    "import": Words(
        "order", "fetched from Amazon", "reached the warehouse", "the warehouse", "Ignored",
        "changed at Amazon after the warehouse had begun", ("loaded", "held", "unchanged, cancelled or ignored"),
    ),
    "confirm": Words(
        "parcel", "parcels were due", "reached Amazon", "Amazon", "Skipped",
        "with a parcel that the warehouse and Amazon see differently",
        ("sent", "held or refused", "skipped or pending"),
    ),
}  # fmt: skip


def headline(report: RunReport) -> str:
    """What happened, in the one sentence that a person in a hurry reads.

    Args:
        report: The run.
    """
    words = WORDS[report.kind]
    done, held = report.counts.get(SUMMED[report.kind][1], 0), len(report.held)
    waits = f"{counted(held, words.noun)} {'waits' if held == 1 else 'wait'} for a person"
    if report.status == "failed":
        before = f"{counted(done, words.noun)} {words.done} before it" if done else f"Nothing {words.done}"
        return f"The run failed. {before}" + (f", {waits}." if held else ".")
    if report.dry_run:
        went = (
            f"{counted(done, words.noun)} would go to {words.target}"
            if done
            else f"No {words.noun} would go to {words.target}"
        )
    elif done:
        late = f" ({number(report.punctuality.late)}\N{NO-BREAK SPACE}late)" if report.punctuality.late else ""
        went = f"{counted(done, words.noun)} went to {words.target}{late}"
    else:
        went = f"Nothing new for {words.target}"
    return f"{went}, {waits}." if held else f"{went}, nothing is held."


def verified(report: RunReport) -> str:
    """What Amazon shows of everything that a confirm run's connection has sent so far; empty where that is nothing."""
    shown, not_shown = report.counts.get("verified", 0), report.counts.get("unverified", 0)
    if not shown + not_shown:
        return ""
    open_ = f"; {number(not_shown)} not seen there yet: Amazon is asked an hour after it was told" if not_shown else ""
    return f"Of {counted(shown + not_shown, 'parcel')} sent so far Amazon shows {number(shown)}{open_}."


def carrier_told(use: CarrierUse) -> str:
    """`U.P.S., Ground → UPS, UPS Ground`: what the warehouse writes and what Amazon was told."""
    written = ", ".join(part for part in (use.carrier or "no carrier", use.service) if part)
    code = f"{use.carrier_code}: {use.carrier_name}" if use.carrier_name else use.carrier_code
    told = ", ".join(part for part in (code, use.shipping_method) if part)
    return f"{written} → {told}" + (" (nothing maps it)" if use.is_unlisted else "")


def conflicts_heading(report: RunReport) -> str:
    """What the conflicts of a run have in common."""
    orders = counted(len(report.conflicts), "order")
    return f"{orders} {WORDS[report.kind].conflict}"


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


def late_by(ship_by: datetime, told_at: datetime) -> str:
    """By how much something is late, rounded down: `25 min`, `3 h`, `2 days`."""
    minutes = int((told_at - ship_by).total_seconds() // MINUTE)
    hours, days = minutes // 60, minutes // (24 * 60)
    if days > 1:
        return f"{days} days"
    return f"{hours} h" if hours else f"{minutes} min"


def hours_left(time: datetime, now: datetime) -> int:
    """Whole hours until a time, rounded up; 0 or less when it has passed."""
    return math.ceil((time - now).total_seconds() / 3600)


def by_count(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counted codes, the most frequent first."""
    return sorted(figures.items(), key=lambda entry: (-entry[1], entry[0]))

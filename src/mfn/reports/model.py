"""What a report tells of one run, as plain data without any buyer's name, address, e-mail or phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mfn.models import SUMMED
from mfn.quality.model import QualityReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mfn.models import BatchKind, Reason

SHOWN_RUNS = 30
"""How many runs the trend shows, this one included."""


@dataclass(frozen=True)
class HeldOrder:
    """An order that waits for a person.

    Attributes:
        order_id: Amazon's order id.
        reasons: Everything that holds it.
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped, or None.
        service_level: Amazon's fulfillmentServiceLevel, or None.
    """

    order_id: str
    reasons: tuple[Reason, ...]
    is_sfp: bool = False
    ship_by: datetime | None = None
    service_level: str | None = None


@dataclass(frozen=True)
class Conflict:
    """Something that Amazon changed after the warehouse had begun.

    Attributes:
        order_id: Amazon's order id.
        what: What Amazon changed, e.g. `cancelled at Amazon`.
        status: Where the order stands at the warehouse, e.g. `picking`.
    """

    order_id: str
    what: str
    status: str


@dataclass(frozen=True)
class Urgency:
    """By when the orders that this run loaded have to be shipped, seen from the end of the run.

    Attributes:
        sfp: Seller Fulfilled Prime orders among them.
        overdue: Orders whose ship-by has passed.
        within_12_hours: Orders due in the next 12 hours.
        within_24_hours: Due after that, in the next 24.
        within_48_hours: Due after that, in the next 48.
        later: Due after that.
        unknown: Orders for which Amazon names no ship-by.
    """

    sfp: int = 0
    overdue: int = 0
    within_12_hours: int = 0
    within_24_hours: int = 0
    within_48_hours: int = 0
    later: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class PastRun:
    """One run, as the trend and the index show it.

    Attributes:
        batch_id: Its batch.
        connection: The connection's name.
        kind: Which kind of run.
        status: `running`, `done` or `failed`.
        started_at: In UTC.
        counts: Figures as in `RunReport.counts`, as far as it got.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    status: str
    started_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunReport:
    """Everything that the report of one run shows.

    Attributes:
        batch_id: The batch.
        connection: The connection's name.
        kind: Which kind of run.
        status: How it ended.
        started_at: In UTC.
        finished_at: In UTC, or None.
        error: What happened, of a failed run.
        remedy: What to do about it.
        window_after: From when Amazon's changes were asked for, in UTC, or None.
        window_before: Up to when.
        dry_run: Whether nothing reached the warehouse.
        counts: What the run was given and the outcomes that add up to it (`mfn.models.SUMMED`), and figures that stand
            outside (`mfn.models.BESIDE`).
        due: Orders of this window that are to be shipped.
        api_calls: Calls to Amazon by operation.
        held: Every order that is held now, those of earlier runs included; of a confirm run every parcel that is held
            or was refused.
        ignored: Ignored orders, or skipped parcels, by reason code.
        conflicts: What Amazon changed too late.
        warnings: Orders by warning code: worth a look, no reason to hold.
        findings: What the expectations found.
        urgency: Ship-by and SFP of what was loaded.
        history: Other runs of this connection and kind, in any order; the newest are shown.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    status: Literal["done", "failed"]
    started_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    remedy: str | None = None
    window_after: datetime | None = None
    window_before: datetime | None = None
    dry_run: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    due: int = 0
    api_calls: Mapping[str, int] = field(default_factory=dict)
    held: tuple[HeldOrder, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    findings: QualityReport = field(default_factory=QualityReport)
    urgency: Urgency = field(default_factory=Urgency)
    history: tuple[PastRun, ...] = ()

    @property
    def taken_up(self) -> int:
        """What the run was given: distinct orders that Amazon returned for the window, or parcels that were due."""
        return self.counts.get(SUMMED[self.kind][0], 0)

    @property
    def outcomes(self) -> dict[str, int]:
        """The outcomes, which add up to what was taken up."""
        return {name: self.counts.get(name, 0) for name in SUMMED[self.kind][1:]}

    @property
    def unaccounted(self) -> int:
        """What was taken up and has no outcome; below zero when more came out than went in. 0 if all is right."""
        return self.taken_up - sum(self.outcomes.values())

    @property
    def as_past_run(self) -> PastRun:
        """This run, as the trend and the index show it."""
        return PastRun(self.batch_id, self.connection, self.kind, self.status, self.started_at, self.counts)

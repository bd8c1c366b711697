"""The content of a run's report, as plain data without any buyer's name, address, e-mail or phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from mfn.models import NEWS, SUMMED, Parameters
from mfn.quality.model import QualityReport
from mfn.reports.stock import StockRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mfn.models import BatchKind, Reason

SHOWN_RUNS = 30
"""How many runs the trend shows, this one included."""


@dataclass(frozen=True)
class HeldOrder:
    """An order, or a parcel of one, that needs attention or is worth a look.

    Attributes:
        order_id: Amazon's order id.
        reasons: Everything that holds it, or that is unusual about it.
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped, or None.
        service_level: Amazon's fulfillmentServiceLevel, or None.
        parcel: Which parcel of the order it is, by the warehouse's id; None: the whole order.
    """

    order_id: str
    reasons: tuple[Reason, ...]
    is_sfp: bool = False
    ship_by: datetime | None = None
    service_level: str | None = None
    parcel: str | None = None


@dataclass(frozen=True)
class Conflict:
    """Something that Amazon changed and that is unchanged in the warehouse.

    Attributes:
        order_id: Amazon's order id.
        what: What Amazon changed, e.g. `cancelled at Amazon`.
        status: The order's status in the warehouse, e.g. `picking`.
        remedy: What to do about it, as `Reason.remedy`, where that is more than to call the warehouse.
    """

    order_id: str
    what: str
    status: str
    remedy: str = ""


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
        unknown: Orders for which Amazon gives no ship-by.
    """

    sfp: int = 0
    overdue: int = 0
    within_12_hours: int = 0
    within_24_hours: int = 0
    within_48_hours: int = 0
    later: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class LateParcel:
    """A parcel that was confirmed to Amazon after its ship-by, or still has to be.

    Attributes:
        order_id: Amazon's order id.
        parcel: The warehouse's id of the parcel.
        ship_by: By when Amazon wanted the confirmation.
        told_at: When it was; None: not yet.
        status: The parcel's status.
        is_sfp: Whether the order is Seller Fulfilled Prime.
    """

    order_id: str
    parcel: str
    ship_by: datetime
    told_at: datetime | None
    status: str
    is_sfp: bool = False


@dataclass(frozen=True)
class Punctuality:
    """Parcels against their ship-by. What counts is when the parcel is confirmed to Amazon, not its ship date.

    Attributes:
        on_time: Confirmed in this run before their ship-by.
        late: Confirmed in this run after it.
        corrected: Confirmed before, and again in this run because the warehouse changed them.
        unknown: Confirmed in this run; Amazon gives no ship-by.
        overdue: Not confirmed yet, also of earlier runs, and their ship-by has passed.
        soon: Not confirmed yet, and due in the next 12 hours.
        late_parcels: Those that are late: the unconfirmed ones first, each part by ship-by.
    """

    on_time: int = 0
    late: int = 0
    corrected: int = 0
    unknown: int = 0
    overdue: int = 0
    soon: int = 0
    late_parcels: tuple[LateParcel, ...] = ()


@dataclass(frozen=True)
class CarrierUse:
    """A carrier as the warehouse writes it, and as it was sent to Amazon in this run.

    Attributes:
        carrier: As the warehouse writes it, or None.
        service: The service as the warehouse writes it, or None.
        carrier_code: As sent to Amazon.
        carrier_name: As sent, where the code is `Other`; else None.
        shipping_method: As sent, or None.
        is_unlisted: Whether it is not mapped and was sent as `Other`.
        parcels: How many.
    """

    carrier: str | None
    service: str | None
    carrier_code: str
    carrier_name: str | None
    shipping_method: str | None
    is_unlisted: bool
    parcels: int


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
        dry_run: Whether these are figures of what it would have done.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    status: str
    started_at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False

    @classmethod
    def of(cls, batch: Any) -> Self:
        """A batch, as the ledger has it.

        Args:
            batch: Its `batch_id`, `connection`, `kind`, `status`, `started_at`, `counts` and `parameters`.
        """
        dry_run = Parameters.of(batch.parameters).dry_run
        return cls(batch.batch_id, batch.connection, batch.kind, batch.status, batch.started_at, batch.counts, dry_run)

    @property
    def is_quiet(self) -> bool:
        """Whether it ended well and there was nothing to do."""
        return self.status == "done" and not any(self.counts.get(name) for name in NEWS[self.kind])


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
        failed_at: The stage at which it failed, of a run that did not get through all of them.
        window_after: From when Amazon's changes were requested, in UTC, or None.
        window_before: Up to when.
        dry_run: Whether nothing reached the warehouse.
        counts: What the run was given and the outcomes that add up to it (`mfn.models.SUMMED`), and figures outside
            that sum (`mfn.models.BESIDE`).
        due: Orders of this window that are to be shipped.
        api_calls: Calls to Amazon by operation.
        held: Every order that is held now, those of earlier runs included; of a confirm run every parcel that is held
            or was refused; of a reconciliation every order that differs.
        ignored: Ignored orders, or skipped parcels, by reason code.
        conflicts: What Amazon changed too late.
        warnings: Orders, or parcels that were let through, by warning code: worth a look, no reason to hold.
        findings: What the expectations found.
        urgency: Ship-by and SFP of what was loaded.
        noted: Of a confirm run the parcels that were let through with a warning.
        punctuality: Of a confirm run, parcels against their ship-by.
        carriers: Of a confirm run, carriers as written and as sent, the most frequent first.
        stock: What only an inventory run has; what it holds is there, and not in `held`.
        history: Other runs of this connection and kind, in any order; the newest are shown, dry runs are not.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    status: Literal["done", "failed"]
    started_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    remedy: str | None = None
    failed_at: str | None = None
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
    noted: tuple[HeldOrder, ...] = ()
    punctuality: Punctuality = field(default_factory=Punctuality)
    carriers: tuple[CarrierUse, ...] = ()
    stock: StockRun = field(default_factory=StockRun)
    history: tuple[PastRun, ...] = ()

    @property
    def waiting(self) -> int:
        """How many orders, parcels or SKUs need attention."""
        if self.kind == "inventory":
            return self.counts.get("held", 0) + self.counts.get("failed", 0)
        return len(self.held)

    @property
    def is_braked(self) -> bool:
        """Whether nothing was pushed because the warehouse was not believed."""
        return self.stock.brake is not None and not self.stock.brake.is_forced

    @property
    def taken_up(self) -> int:
        """What the run was given: distinct orders that Amazon returned, parcels that were due, or SKUs."""
        return self.counts.get(SUMMED[self.kind][0], 0)

    @property
    def outcomes(self) -> dict[str, int]:
        """The outcomes, which add up to what the run was given."""
        return {name: self.counts.get(name, 0) for name in SUMMED[self.kind][1:]}

    @property
    def unaccounted(self) -> int:
        """What the run was given and has no outcome; below zero when more came out than went in. 0 if all is right."""
        return self.taken_up - sum(self.outcomes.values())

    @property
    def as_past_run(self) -> PastRun:
        """This run, as the trend and the index show it."""
        return PastRun(
            self.batch_id, self.connection, self.kind, self.status, self.started_at, self.counts, self.dry_run
        )

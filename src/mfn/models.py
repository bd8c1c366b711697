"""What travels between steps: frozen, typed, free of buyers' data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - msgspec reads the types when it runs
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import msgspec

from mfn.plain_text import shortened, shown, shown_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TEXT = 1_000
"""How many characters of a text from the warehouse are used; one more is read, to see that it is too long."""

BatchKind = Literal["import", "confirm", "inventory", "reconcile", "purge"]

STAGES: dict[BatchKind, tuple[str, ...]] = {
    "import": ("extract", "validate", "transform", "load"),
    "confirm": ("collect", "normalize", "confirm", "verify"),
    "inventory": ("read", "compare", "push", "verify"),
    "reconcile": ("search", "compare"),
    "purge": ("purge", "scrub"),
}
"""The stages of each kind of run, in order; the report comes after them."""

SUMMED: dict[BatchKind, tuple[str, ...]] = {
    "import": ("fetched", "loaded", "held", "unchanged", "cancelled", "ignored"),
    "confirm": ("shipments", "sent", "held", "skipped", "failed", "pending"),
    "inventory": ("skus", "pushed", "unchanged", "held", "failed"),
    "reconcile": ("orders", "matched", "differing"),
    "purge": ("orders", "purged", "kept"),
}
"""For each kind of run, the number of things it was given, and then their outcomes, which add up to it."""

BESIDE: dict[BatchKind, tuple[str, ...]] = {
    "import": ("released", "still_held"),
    "confirm": ("verified", "unverified", "released", "still_held"),
    "inventory": ("pending", "drift", "sold_out", "oversold", "under_way", "verified", "unverified"),
    "reconcile": ("missing", "not_asked"),
    "purge": ("scrubbed",),
}
"""Figures outside of that sum."""

NEWS: dict[BatchKind, tuple[str, ...]] = {
    "import": ("fetched",),
    "confirm": ("shipments",),
    "inventory": ("pushed", "failed", "drift"),
    "reconcile": ("differing",),
    "purge": ("purged", "scrubbed"),
}
"""Figures of which one is above 0 if a run had anything to do."""


MOST_OF_A_DETAIL = 1_000
MOST_OF_A_REMEDY = 10_000


class OrderStatus(StrEnum):
    """The status of an order, as `mfn orders` shows it."""

    PENDING = "pending"
    HELD = "held"
    READY = "ready"
    LOADED = "loaded"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    DISMISSED = "dismissed"
    IGNORED = "ignored"


class ParcelStatus(StrEnum):
    """The status of a parcel: whether it was confirmed to Amazon, and whether Amazon shows it."""

    PENDING = "pending"
    SENT = "sent"
    VERIFIED = "verified"
    HELD = "held"
    SKIPPED = "skipped"
    FAILED = "failed"


class OfferStatus(StrEnum):
    """The status of an offer's level: whether it was sent to Amazon, or what prevents that."""

    PUSHED = "pushed"
    UNCHANGED = "unchanged"
    HELD = "held"
    FAILED = "failed"


class Outcome(StrEnum):
    """What a run did with an order: every fetched order ends in exactly one of these."""

    LOADED = "loaded"
    HELD = "held"
    UNCHANGED = "unchanged"
    CANCELLED = "cancelled"
    IGNORED = "ignored"


PASSED = (OrderStatus.READY, Outcome.LOADED)
"""The outcomes of orders in a batch that are loaded, or would be but for a dry run."""


@dataclass(frozen=True)
class Reason:
    """The reason for an order's status.

    Attributes:
        code: A stable word, explained in docs/runbook.md, e.g. `sku_unknown`.
        detail: What is wrong with this order, without any buyer's data; on one line, whatever it quotes.
        remedy: What to do, with the command or the mapping row to paste.
    """

    code: str
    detail: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Escape what a terminal or a page would act upon, and limit the length: both quote what others wrote."""
        object.__setattr__(self, "detail", shortened(shown(self.detail), MOST_OF_A_DETAIL))
        object.__setattr__(self, "remedy", shortened(shown_lines(self.remedy), MOST_OF_A_REMEDY))


class Standing(NamedTuple):
    """What the ledger's list of orders shows for each order.

    Attributes:
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped, in the form of the tables: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
        marketplace_id: Where it was placed.
        service_level: Amazon's fulfillmentServiceLevel.
        programs: Its programmes, comma separated, in the order of the mappings.
    """

    is_sfp: bool = False
    ship_by: str | None = None
    marketplace_id: str | None = None
    service_level: str | None = None
    programs: str | None = None


class Parameters(msgspec.Struct, frozen=True):
    """The parameters of a run, as stored with its batch; each kind of run has some of them, and older runs had fewer.

    Attributes:
        since: From this change of an order on, rather than since the last import; also the start of a reconciliation
            or a reprocessing.
        order_id: This order only.
        dry_run: Say what would be done, and change nothing.
        full: Read all listings again, and send every level.
        force: Send even if the warehouse lost so much stock that it would not be believed.
        pages: At most this many pages of what is new.
        due_only: Only orders that the warehouse is to ship.
        named: Only the orders that notifications named.
        gap: Only a period that was left out before.
        reprocess: The plan that the batch is a part of; its orders come from the ledger.
    """

    since: datetime | None = None
    order_id: str | None = None
    dry_run: bool = False
    full: bool = False
    force: bool = False
    pages: int | None = None
    due_only: bool = False
    named: bool = False
    gap: bool = False
    reprocess: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The parameters of a batch.

        Args:
            parameters: As the ledger has them; unknown ones are ignored.
        """
        return msgspec.convert({name: value for name, value in parameters.items() if value is not None}, cls)


@dataclass(frozen=True)
class BatchRef:
    """All that travels from one step to the next; the frames stay in the ledger.

    Attributes:
        batch_id: The batch in the ledger.
        connection: The connection's name in connections.yaml.
        kind: The kind of run.
        stage: The last stage that was finished, or `opened`.
        lease: The token of the lease that this run holds; every commit checks it.
        counts: Figures of the stages so far.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    stage: str
    lease: str
    counts: Mapping[str, int] = field(default_factory=dict)

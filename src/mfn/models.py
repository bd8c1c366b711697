"""The nouns that travel between steps: frozen, typed, free of buyers' data."""

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
"""So many characters of a text that the warehouse writes are read, and one more, which tells that it is too long."""

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
"""Of each kind of run, what it was given, and then what became of that, which adds up to it."""

BESIDE: dict[BatchKind, tuple[str, ...]] = {
    "import": ("released", "still_held"),
    "confirm": ("verified", "unverified", "released", "still_held"),
    "inventory": ("pending", "drift", "sold_out", "oversold", "under_way", "verified", "unverified"),
    "reconcile": ("missing", "not_asked"),
    "purge": ("scrubbed",),
}
"""Figures that stand outside of that sum."""

NEWS: dict[BatchKind, tuple[str, ...]] = {
    "import": ("fetched",),
    "confirm": ("shipments",),
    "inventory": ("pushed", "failed", "drift"),
    "reconcile": ("differing",),
    "purge": ("purged", "scrubbed"),
}
"""Figures that tell whether a run had anything to do: then one of them is above 0."""


MOST_OF_A_DETAIL = 1_000
MOST_OF_A_REMEDY = 10_000


class OrderStatus(StrEnum):
    """Where an order stands, as `mfn orders` shows it."""

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
    """Where a parcel stands: whether Amazon has been told of it, and whether Amazon shows it."""

    PENDING = "pending"
    SENT = "sent"
    VERIFIED = "verified"
    HELD = "held"
    SKIPPED = "skipped"
    FAILED = "failed"


class OfferStatus(StrEnum):
    """Where the level of an offer stands: whether Amazon was told it last, or what is in the way."""

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
"""How an order stands in its batch that is loaded, or would be if this were no dry run."""


@dataclass(frozen=True)
class Reason:
    """Why an order stands where it does.

    Attributes:
        code: A stable word, explained in docs/runbook.md, e.g. `sku_unknown`.
        detail: What is wrong with this order, without any buyer's data; on one line, whatever it quotes.
        remedy: What to do, with the command or the mapping row to paste.
    """

    code: str
    detail: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Spell out what a terminal or a page would act upon, and bound the length: both quote what others wrote."""
        object.__setattr__(self, "detail", shortened(shown(self.detail), MOST_OF_A_DETAIL))
        object.__setattr__(self, "remedy", shortened(shown_lines(self.remedy), MOST_OF_A_REMEDY))


class Standing(NamedTuple):
    """What the ledger's list of orders shows of one.

    Attributes:
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped, as the tables hold times: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
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
    """What a run was asked for, as its batch keeps it; each kind of run knows some of it, and older ones knew less.

    Attributes:
        since: From which change of an order on, rather than since the last import; also the beginning of a
            reconciliation, and of what is processed again.
        order_id: This order only.
        dry_run: Say what would be done, and change nothing.
        full: Read all listings anew, and send every level.
        force: Send also where the warehouse lost more than is believed.
        pages: So many pages of what is new, at most.
        due_only: Only what the warehouse is to ship.
        named: The orders that notifications named, and nothing else.
        gap: A period that was left out before, and nothing else.
        reprocess: The plan that the batch is a part of: its orders are the ledger's.
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
        """What stands in the parameters of a batch.

        Args:
            parameters: As the ledger has them; what else they say is not for reading.
        """
        return msgspec.convert({name: value for name, value in parameters.items() if value is not None}, cls)


@dataclass(frozen=True)
class BatchRef:
    """All that travels from one step to the next; the frames rest in the ledger.

    Attributes:
        batch_id: The batch in the ledger.
        connection: The connection's name in connections.yaml.
        kind: Which kind of run this is.
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

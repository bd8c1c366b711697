"""What is compared of one order: what Amazon shows, what the ledger knows, what the warehouse has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mfn.warehouse.order_states import CANCELLED, SHIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mfn.amazon.shown_orders import ShownOrder
    from mfn.models import OrderStatus, ParcelStatus, Reason


@dataclass(frozen=True)
class Known:
    """What the ledger knows of an order.

    Attributes:
        status: Its status.
        moved_at: When that was last written; UTC.
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped; UTC.
        service_level: Amazon's fulfillmentServiceLevel.
        shipped_before: By order item id, the units that had left before the warehouse was given it.
        promised: By the warehouse's SKU, the units that are promised to it; empty if there are none (any more).
        ignored_for: The code of the reason for which imports ignore it; None if they do not.
    """

    status: OrderStatus
    moved_at: datetime
    is_sfp: bool = False
    ship_by: datetime | None = None
    service_level: str | None = None
    shipped_before: Mapping[str, int] = field(default_factory=dict)
    promised: Mapping[str, int] = field(default_factory=dict)
    ignored_for: str | None = None


@dataclass(frozen=True)
class Written:
    """What the warehouse has of an order.

    Attributes:
        status: Its status there, in lower case.
        is_cancel_requested: Whether the warehouse was asked not to ship it.
        units: By order item id, the units that are to be shipped, in units that the buyer ordered.
        skus: By the warehouse's SKU, the units that are to be shipped.
        connection: The connection that it belongs to there, or None.
    """

    status: str
    is_cancel_requested: bool = False
    units: Mapping[str, int] = field(default_factory=dict)
    skus: Mapping[str, int] = field(default_factory=dict)
    connection: str | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether the warehouse is going to ship it, as far as it knows."""
        return self.status not in {SHIPPED, CANCELLED} and not self.is_cancel_requested


@dataclass(frozen=True)
class Left:
    """One parcel that the warehouse has closed.

    Attributes:
        shipment_id: The warehouse's id.
        shipped_at: When it left, according to the warehouse; UTC.
        status: Its status in the ledger; None if no confirm run has seen it.
        seen_at: When the ledger last recorded it; UTC.
        sent_at: When it was confirmed to Amazon; UTC.
        is_amazon_label: Whether the label was bought from Amazon, which then knows of the parcel anyway.
        is_given_up: Whether Amazon accepted it, does not show it, and no run will send it again.
        reasons: Why it was not confirmed.
    """

    shipment_id: str
    shipped_at: datetime | None = None
    status: ParcelStatus | None = None
    seen_at: datetime | None = None
    sent_at: datetime | None = None
    is_amazon_label: bool = False
    is_given_up: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Facts:
    """One order as all three sides have it.

    Attributes:
        order_id: Amazon's order id.
        asked_at: When Amazon answered; UTC.
        shown: What it answered; None if it knows no such order.
        known: What the ledger knows of it, or None.
        written: What the warehouse has of it, or None.
        parcels: What the warehouse has shipped of it.
    """

    order_id: str
    asked_at: datetime
    shown: ShownOrder | None
    known: Known | None = None
    written: Written | None = None
    parcels: tuple[Left, ...] = ()

    @property
    def status(self) -> OrderStatus | None:
        """Its status in the ledger."""
        return None if self.known is None else self.known.status

    @property
    def in_warehouse(self) -> str:
        """Its status in the warehouse, as the end of a sentence."""
        return f", {self.written.status or 'no status'} in the warehouse" if self.written else ", not in the warehouse"


@dataclass(frozen=True)
class Terms:
    """What all orders of a reconciliation share.

    Attributes:
        connection: The connection's name.
        now: The present moment.
        imported_until: The time up to which imports must have seen Amazon's changes; None before the first import.
        not_before: Orders placed earlier belong to the system before this one.
        marketplace_ids: Amazon's ids of the connection's marketplaces.
    """

    connection: str
    now: datetime
    imported_until: datetime | None
    not_before: datetime | None = None
    marketplace_ids: frozenset[str] = frozenset()

    def is_before_start(self, shown: ShownOrder) -> bool:
        """Whether an order belongs to the system that shipped before this one."""
        return bool(self.not_before and shown.placed_at and shown.placed_at < self.not_before)

"""The parcels that Amazon shows of an order, ours and those that somebody else has confirmed.

Field names: Amazon's model orders_2026-01-01.json of 2026-07-29, definition OrderPackage (data set PACKAGES, for
merchant-fulfilled orders only). No field is required here: a parcel counts even if Amazon leaves something out, writes
a text as a number or as something else, or if the order is broken elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE, fields_of, whole_number
from mfn.errors import DataError
from mfn.moments import moment_in

if TYPE_CHECKING:
    from datetime import datetime


class _Order(Struct, rename="camel"):
    packages: list[Any] | None = None
    fulfillment: Any = None
    created_time: Any = None


_DECODER = msgspec.json.Decoder(_Order)

_DIGITS_AT_MOST = 50
"""A longer reference is not a number to count on from: ours never get that long."""


@dataclass(frozen=True)
class ShownPackage:
    """One parcel as Amazon shows it; None for what it leaves out or what cannot be read.

    Attributes:
        package_reference_id: The seller's reference for it within the order.
        tracking_number: The carrier's number.
        shipped_at: The ship date; UTC.
        status: `PENDING`, `IN_TRANSIT`, `SHIPPED`, `DELIVERED`, `CANCELLED` or `UNDELIVERABLE`.
    """

    package_reference_id: str | None
    tracking_number: str | None
    shipped_at: datetime | None
    status: str | None


@dataclass(frozen=True)
class ShownPackages:
    """The parcels of an order.

    Attributes:
        packages: Its parcels, in Amazon's order.
        is_whole: Whether nothing of the order is left to ship.
        placed_at: When the order was placed; UTC. None if that cannot be read.
    """

    packages: tuple[ShownPackage, ...]
    is_whole: bool = False
    placed_at: datetime | None = None

    @property
    def highest_reference(self) -> int:
        """The highest package reference that is a number; 0 if there is none."""
        references = (package.package_reference_id or "" for package in self.packages)
        return max((whole_number(text, most_digits=_DIGITS_AT_MOST) or 0 for text in references), default=0)


def read_packages(raw: bytes) -> ShownPackages:
    """The parcels of an order, from the text that Amazon sent.

    Raises:
        DataError: Not an order; the message names the wrong path and what was expected there, and contains no value
            from the order.
    """
    try:
        order = _DECODER.decode(raw)
    except UNREADABLE as error:
        raise DataError(
            f"the parcels of the payload cannot be read: {error}",
            remedy="Compare it with Amazon's model orders_2026-01-01, definition OrderPackage.",
        ) from None
    return ShownPackages(
        tuple(_shown(package) for package in order.packages or ()),
        fields_of(order.fulfillment).get("fulfillmentStatus") == "SHIPPED",
        moment_in(order.created_time),
    )


def _shown(value: Any) -> ShownPackage:
    package = fields_of(value)
    return ShownPackage(
        package_reference_id=_text(package.get("packageReferenceId")),
        tracking_number=_text(package.get("trackingNumber")),
        shipped_at=moment_in(package.get("shipTime")),
        status=_text(fields_of(package.get("packageStatus")).get("status")),
    )


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None

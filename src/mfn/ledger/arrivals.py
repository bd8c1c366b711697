"""Orders as they arrive from Amazon: the id and age of each are read, whatever shape the rest is in."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.orders import IDENTIFIER
from mfn.moments import in_utc, moment_in

AHEAD = timedelta(days=1)
"""A change so far ahead of this clock is not believed: as an order's age it would keep out every later version."""

MADE_UP = "unreadable-"
"""The start of ids that are made up for texts without a readable id."""

_ORDER_ID = re.compile(IDENTIFIER)


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an order when it lands; everything else is judged later."""

    order_id: str | None = None
    last_updated_time: datetime | None = None


_HEADER = msgspec.json.Decoder(Header)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Arrival(NamedTuple):
    """One order as it came.

    Attributes:
        order_id: Amazon's id, or a made-up one (`unreadable-…`, from the text) if it cannot be read.
        last_updated_at: Amazon's time of the last change; None if it cannot be read or lies in the future.
        raw: The JSON text.
    """

    order_id: str
    last_updated_at: datetime | None
    raw: bytes


def read_arrival(raw: bytes) -> Arrival:
    """The id and age of an order, whatever shape the rest is in."""
    try:
        header = _HEADER.decode(raw)
    except UNREADABLE:
        header = _loose_header(raw)
    if not header.order_id or not is_order_id(header.order_id):
        return Arrival(MADE_UP + hashlib.sha256(raw).hexdigest()[:24], None, raw)
    try:
        updated_at = header.last_updated_time and in_utc(header.last_updated_time)
    except OverflowError:
        updated_at = None
    if updated_at is not None and updated_at > datetime.now(UTC) + AHEAD:
        updated_at = None
    return Arrival(header.order_id, updated_at, raw)


def is_order_id(text: str) -> bool:
    """Whether a text may be one of Amazon's order ids."""
    return _ORDER_ID.match(text) is not None


def _loose_header(raw: bytes) -> Header:
    try:
        fields = _FIELDS.decode(raw)
    except UNREADABLE:
        return Header()
    order_id = _loose(fields.get("orderId", b"null"))
    updated_at = moment_in(_loose(fields.get("lastUpdatedTime", b"null")))
    return Header(order_id if isinstance(order_id, str) else None, updated_at)


def _loose(field: bytes) -> object:
    try:
        return msgspec.json.decode(field)
    except UNREADABLE:
        return None

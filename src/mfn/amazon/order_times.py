"""The times of an order: in forms of ISO 8601 that a strict reader refuses, and outside of the calendar."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING

import msgspec

from mfn.moments import in_utc, moment_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PATHS = (
    "createdTime", "lastUpdatedTime", "fulfillment.shipByWindow.earliestDateTime",
    "fulfillment.shipByWindow.latestDateTime", "fulfillment.deliverByWindow.earliestDateTime",
    "fulfillment.deliverByWindow.latestDateTime",
)  # fmt: skip
"""Where each of an order's times stands in it."""

ENDS_OF_TIME = {MINYEAR, MAXYEAR}


def with_whole_times(raw: bytes) -> bytes:
    """The text of an order with each of its times as RFC 3339 has it; what is no time of a day stays as it is.

    Programs leave out seconds that are zero (`2026-12-01T08:00Z`); for that alone nobody should wait for a parcel.

    Args:
        raw: The JSON text of one order.
    """
    order = msgspec.json.decode(raw)
    for path in PATHS:
        *parents, name = path.split(".")
        place = order
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        text = place.get(name) if isinstance(place, dict) else None
        moment = moment_in(text) if isinstance(text, str) and "T" in text else None
        if moment is not None:
            place[name] = moment.isoformat()
    return msgspec.json.encode(order)


def must_exist_in_utc(times: Sequence[datetime | None]) -> None:
    """Refuse the first and the last hours that a calendar has, where their zone puts them outside of it in UTC.

    Args:
        times: An order's times, as `PATHS` names them.

    Raises:
        ValidationError: One of them is; the message names its path.
    """
    for path, moment in zip(PATHS, times, strict=True):
        if moment is not None and moment.year in ENDS_OF_TIME:
            try:
                in_utc(moment)
            except OverflowError:
                told = f"Expected a time between the years 1 and 9999 in UTC - at `$.{path}`"
                raise msgspec.ValidationError(told) from None

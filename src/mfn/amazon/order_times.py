"""The times of an order: forms of ISO 8601 that a strict parser refuses, and times outside the calendar."""

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
"""The paths of an order's times."""

ENDS_OF_TIME = {MINYEAR, MAXYEAR}


def with_whole_times(raw: bytes) -> bytes:
    """The text of an order with its times in the form of RFC 3339; what is not a time stays as it is.

    Some programs leave out seconds that are zero (`2026-12-01T08:00Z`); nobody should wait for a parcel because of
    that.
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
    """Refuse times in the first and last hours of the calendar whose zone puts them outside of it in UTC.

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
                message = f"Expected a time between the years 1 and 9999 in UTC - at `$.{path}`"
                raise msgspec.ValidationError(message) from None

"""An order's times in forms of ISO 8601 that a strict reader of RFC 3339 refuses, such as `2026-12-01T08:00Z`.

Programs leave out seconds that are zero; for that alone nobody should wait for a parcel.
"""

from __future__ import annotations

import msgspec

from mfn.moments import moment_in

PATHS = (
    "createdTime", "lastUpdatedTime", "fulfillment.shipByWindow.earliestDateTime",
    "fulfillment.shipByWindow.latestDateTime", "fulfillment.deliverByWindow.earliestDateTime",
    "fulfillment.deliverByWindow.latestDateTime",
)  # fmt: skip
"""Where each of an order's times stands in it."""


def with_whole_times(raw: bytes) -> bytes:
    """The text of an order with each of its times as RFC 3339 has it; what is no time of a day stays as it is.

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

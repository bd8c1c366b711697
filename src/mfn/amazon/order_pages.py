"""Pages of searchOrders; fields: Amazon's model orders_2026-01-01.json of 2026-07-29."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

SETTLED_AFTER = timedelta(minutes=2, seconds=10)
"""Amazon refuses an end bound younger than two minutes; the rest is for clocks."""


class Pagination(Struct, frozen=True, rename="camel"):
    """Where the next page is; absent on the last one."""

    next_token: str | None = None


class SearchPage(Struct, frozen=True, rename="camel"):
    """One page of searchOrders; each order stays the text that Amazon sent."""

    orders: list[msgspec.Raw]
    pagination: Pagination | None = None
    last_updated_before: datetime | None = None

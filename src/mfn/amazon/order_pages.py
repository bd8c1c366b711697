"""Pages of searchOrders; fields: Amazon's model orders_2026-01-01.json of 2026-07-29."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the types when it runs

import msgspec
from msgspec import Struct


class Pagination(Struct, frozen=True, rename="camel"):
    """Where the next page is; absent on the last one."""

    next_token: str | None = None


class SearchPage(Struct, frozen=True, rename="camel"):
    """One page of searchOrders; each order stays the text that Amazon sent."""

    orders: list[msgspec.Raw]
    pagination: Pagination | None = None
    last_updated_before: datetime | None = None

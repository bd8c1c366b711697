"""Pages of searchOrders; fields: Amazon's model orders_2026-01-01.json of 2026-07-29."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class SearchWindow:
    """A span of time in which orders were last updated.

    Attributes:
        after: Its beginning, inclusive; aware.
        before: Its end; aware, and at least two minutes in the past, as Amazon demands.
    """

    after: datetime
    before: datetime


@dataclass(frozen=True)
class OpenWindow:
    """A span of time likewise, which ends as late as Amazon allows by its own clock."""

    after: datetime
    before: None = None

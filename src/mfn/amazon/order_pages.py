"""Pages of searchOrders; fields: Amazon's model orders_2026-01-01.json of 2026-07-29."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from mfn.moments import moment_in

SETTLED_AFTER = timedelta(minutes=2, seconds=10)
"""Amazon refuses an end bound younger than two minutes; the rest is for clocks."""

CLOCKS_APART = timedelta(days=1)
"""An end bound so far ahead of this clock is not believed: as the watermark it would skip orders forever."""


class Pagination(Struct, frozen=True, rename="camel"):
    """The token of the next page; absent on the last one."""

    next_token: str | None = None


class SearchPage(Struct, frozen=True, rename="camel"):
    """One page of searchOrders; each order is left as the text that Amazon sent."""

    orders: list[msgspec.Raw]
    pagination: Pagination | None = None
    last_updated_before: Any = None


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
    """A span of time that ends as late as Amazon allows by its own clock."""

    after: datetime
    before: None = None


def end_of(page: SearchPage, window: SearchWindow | OpenWindow, asked_at: datetime) -> datetime:
    """The time up to which a search has seen everything, in UTC: the end bound that Amazon says it used.

    If it names none that is possible, it is the window's own; if that is open, the time before which all has settled.

    Args:
        page: What Amazon answered.
        window: The span of time that was requested.
        asked_at: When, aware.
    """
    before = moment_in(page.last_updated_before)
    if before is None or before > asked_at + CLOCKS_APART:
        before = window.before or asked_at - SETTLED_AFTER
    return before.astimezone(UTC)

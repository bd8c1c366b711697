"""Pages of searchOrders; parameters and fields: Amazon's model orders_2026-01-01.json of 2026-07-29."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec  # noqa: TC002 - it reads the types when it runs

from mfn.amazon.answers import Paged
from mfn.amazon.orders import MERCHANT
from mfn.moments import moment_in

if TYPE_CHECKING:
    from mfn.amazon.session import Session

PAGE_SIZE = 100

SETTLED_AFTER = timedelta(minutes=2, seconds=10)
"""Amazon refuses an end bound younger than two minutes; the rest is for clocks."""

CLOCKS_APART = timedelta(days=1)
"""An end bound so far ahead of this clock is not believed: as the watermark it would skip orders forever."""


class SearchPage(Paged, frozen=True):
    """One page of searchOrders; each order is left as the text that Amazon sent."""

    orders: list[msgspec.Raw]
    last_updated_before: Any = None
    created_before: Any = None


@dataclass(frozen=True)
class Page:
    """One page of a search.

    Attributes:
        orders: The JSON text of each order, as Amazon sent it.
        next_token: Where the next page is; None on the last one.
        before: The end bound that Amazon says it used, in UTC.
    """

    orders: list[bytes]
    next_token: str | None
    before: datetime


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


def search_orders(
    session: Session, bounds: dict[str, Any], *, page_token: str | None, max_wait_seconds: float, leaving: int
) -> SearchPage:
    """One page of the seller's own orders, in all marketplaces of the connection.

    Args:
        session: The account.
        bounds: What else is asked for, in Amazon's terms; the same for every page of a search.
        page_token: The last page's `next_token`; None for the first page.
        max_wait_seconds: How long it may wait for its turn in the rate budget.
        leaving: How many calls have to stay in the budget for others.

    Raises:
        PageTokenRefusedError: The token has expired or belongs to other parameters; start the window again.
        BudgetExhaustedError: Its turn does not come in time.
        RetriableError: Amazon did not answer with a whole page; never taken for one without orders.
        FatalError: A role is missing, the credentials are refused, or the request is.
    """
    token = {"paginationToken": page_token} if page_token else {}
    return session.ask(
        "searchOrders",
        f"searchOrders for the connection {session.connection.name}",
        lambda: session.library.search_orders(
            fulfilledBy=[MERCHANT],
            marketplaceIds=session.connection.marketplace_ids,
            maxResultsPerPage=PAGE_SIZE,
            **bounds,
            **token,
        ),
        SearchPage,
        page_token=bool(token),
        max_wait_seconds=max_wait_seconds,
        leaving=leaving,
    )


def page_of(found: SearchPage, before: datetime) -> Page:
    """What was found, up to that time."""
    return Page([bytes(order) for order in found.orders], found.next_token, before)


def end_of(page: SearchPage, window: SearchWindow | OpenWindow, asked_at: datetime) -> datetime:
    """The time up to which a search has seen everything, in UTC: the end bound that Amazon says it used.

    If it names none that is possible, it is the window's own; if that is open, the time before which all has settled.
    """
    before = moment_in(page.last_updated_before)
    if before is None or before > asked_at + CLOCKS_APART:
        before = window.before or asked_at - SETTLED_AFTER
    return before.astimezone(UTC)

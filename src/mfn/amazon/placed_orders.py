"""Orders by the time of their placing, without their buyers; enough calls are left for the imports.

Operations and parameters: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.amazon.order_pages import page_of, search_orders
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.moments import iso_seconds, moment_in

if TYPE_CHECKING:
    from mfn.amazon.order_pages import Page, SearchWindow
    from mfn.amazon.session import Session

LEFT_FOR_IMPORTS = 8
"""Calls of searchOrders that are reserved for imports: two hours of one every 15 minutes, out of 20 in all."""


def placed_orders(session: Session, window: SearchWindow, *, page_token: str | None, max_wait_seconds: float) -> Page:
    """One page of the merchant-fulfilled orders that were placed in a window, whatever their status.

    Args:
        session: The account.
        window: The span of time; the same for every page of a search.
        page_token: The last page's `next_token`; None for the first page.
        max_wait_seconds: How long it may wait for a call that the rate budget can spare.

    Raises:
        MfnError: As `search_orders`.
    """
    bounds = {
        "createdAfter": iso_seconds(window.after),
        "createdBefore": iso_seconds(window.before),
        "includedData": SHOWN_DATA,
    }
    found = search_orders(
        session, bounds, page_token=page_token, max_wait_seconds=max_wait_seconds, leaving=LEFT_FOR_IMPORTS
    )
    return page_of(found, moment_in(found.created_before) or window.before)

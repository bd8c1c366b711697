"""Orders by the time of their placing, without their buyers; enough calls are left for the imports.

Operations and parameters: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mfn.amazon.client import PAGE_SIZE, Page
from mfn.amazon.failures import checked, decoded
from mfn.amazon.order_pages import Pagination  # noqa: TC001 - msgspec reads the types when it runs
from mfn.amazon.orders import MERCHANT
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.moments import iso_seconds, moment_in

if TYPE_CHECKING:
    import httpx

    from mfn.amazon.order_pages import SearchWindow
    from mfn.amazon.session import Session

LEFT_FOR_IMPORTS = 8
"""Calls of searchOrders that are reserved for imports: two hours of one every 15 minutes, out of 20 in all."""


class _PlacedPage(Struct, frozen=True, rename="camel"):
    orders: list[msgspec.Raw]
    pagination: Pagination | None = None
    created_before: Any = None


class PlacedOrders:
    """Reads the merchant-fulfilled orders of one connection, whatever their status.

    Args:
        session: The account at Amazon.
    """

    def __init__(self, session: Session) -> None:
        self._library = session.library
        self._caller = session.caller
        self._connection = session.connection

    def page(self, window: SearchWindow, *, page_token: str | None, max_wait_seconds: float) -> Page:
        """One page of the orders that were placed in a window, in all marketplaces of the connection.

        Args:
            window: The span of time; the same for every page of a search.
            page_token: The last page's `next_token`; None for the first page.
            max_wait_seconds: How long it may wait for a call that the rate budget can spare.

        Raises:
            PageTokenRefusedError: The token has expired or belongs to other parameters; start the window again.
            BudgetExhaustedError: Its turn does not come in time.
            RetriableError: Amazon did not answer with a whole page; never taken for one without orders.
            FatalError: A role is missing, the credentials are refused, or the request is.
        """
        parameters: dict[str, Any] = {
            "createdAfter": iso_seconds(window.after),
            "createdBefore": iso_seconds(window.before),
            "fulfilledBy": [MERCHANT],
            "marketplaceIds": self._connection.marketplace_ids,
            "includedData": SHOWN_DATA,
            "maxResultsPerPage": PAGE_SIZE,
        }
        if page_token:
            parameters["paginationToken"] = page_token
        what = f"searchOrders for the connection {self._connection.name}"

        def read(response: httpx.Response) -> Page:
            page = decoded(what, checked(what, "searchOrders", response, page_token=bool(page_token)), _PlacedPage)
            return Page(
                [bytes(order) for order in page.orders],
                (page.pagination.next_token if page.pagination else None) or None,
                moment_in(page.created_before) or window.before,
            )

        return self._caller.call(
            "searchOrders",
            what,
            lambda: self._library.search_orders(**parameters),
            read,
            max_wait_seconds,
            leaving=LEFT_FOR_IMPORTS,
        )

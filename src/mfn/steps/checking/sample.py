"""Pages of Amazon's orders that are not landed: the sample by which orders, roles, shipping and Prime are judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.amazon.order_pages import SETTLED_AFTER, SearchWindow
from mfn.amazon.orders import DUE, decode_order
from mfn.errors import DataError
from mfn.ledger.arrivals import read_arrival
from mfn.rules.frames import order_frame
from mfn.steps.checking.account import PATIENCE_SECONDS

if TYPE_CHECKING:
    import pandas as pd

    from mfn.steps.checking.place import CheckPlace


@dataclass(frozen=True, eq=False)
class OrderSample:
    """What one search has shown.

    Attributes:
        texts: (order id, JSON text) of each order, in Amazon's order.
        orders: The order frame of those that can be decoded.
        has_more: Whether Amazon has further pages.
    """

    texts: list[tuple[str, bytes]]
    orders: pd.DataFrame
    has_more: bool

    @property
    def due(self) -> pd.DataFrame:
        """The orders that Amazon expects to be shipped."""
        return self.orders[self.orders["fulfillment_status"].isin(DUE)]


def sample_orders(place: CheckPlace, *, pages: int = 1) -> OrderSample:
    """The first pages of the orders that changed within the connection's `initial_lookback_days`.

    Args:
        place: The workplace.
        pages: How many pages at most; each takes one search from the account's rate budget.

    Raises:
        BudgetExhaustedError: Amazon's rate limit leaves no search now.
        AccessDeniedError: A role is missing.
        RetriableError: Amazon did not answer.
        FatalError: The credentials or the request are refused.
    """
    before = (datetime.now(UTC) - SETTLED_AFTER).replace(microsecond=0)
    window = SearchWindow(before - timedelta(days=place.connection.orders.initial_lookback_days), before)
    found: dict[str, bytes] = {}  # an order that changes in between may come twice
    token = None
    for _ in range(pages):
        page = place.amazon.search_page(window, page_token=token, max_wait_seconds=PATIENCE_SECONDS)
        found |= {read_arrival(raw).order_id: raw for raw in page.orders}
        token = page.next_token
        if token is None:
            break
    orders = []
    for raw in found.values():
        try:
            orders.append(decode_order(raw))
        except DataError:
            continue  # it counts as held when it is judged
    return OrderSample(list(found.items()), order_frame(orders), token is not None)

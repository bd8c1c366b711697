"""Orders fetched one by one, as long as the rate budget of getOrder has calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mfn.amazon.client import INCLUDED_DATA
from mfn.amazon.failures import BudgetExhaustedError
from mfn.amazon.unanswered import NO_ANSWER
from mfn.ledger.unanswered_orders import note_unanswered
from mfn.steps.workplace import writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mfn.amazon.client import AmazonOrders
    from mfn.amazon.unanswered import Unanswered
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace


class Patience:
    """How long a run will wait in all for a rate budget; the clock starts at once.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left."""
        return max(self._deadline - time.monotonic(), 0.0)


def get_orders(
    amazon: AmazonOrders,
    order_ids: Iterable[str],
    unanswered: Unanswered,
    *,
    wait_seconds: float,
    leaving: int = 0,
    included_data: Sequence[str] = INCLUDED_DATA,
) -> Iterator[tuple[str, bytes | None]]:
    """Fetch orders one by one; ends early when the budget has no call left in time.

    Args:
        amazon: The adapter of the connection.
        order_ids: Amazon's order ids.
        unanswered: Collects the orders that Amazon does not answer for, or denies; they do not stop the others.
        wait_seconds: How long to wait in all for the budget.
        leaving: How many calls have to stay in it for others.
        included_data: The data sets to ask for.

    Yields:
        An order's id, and the JSON text that Amazon sent; None where Amazon knows no such order.

    Raises:
        AmazonUnavailableError: Amazon left several orders in a row without an answer.
        FatalError: The credentials are refused, or the calls for several in a row are: a role is missing.
    """
    patience = Patience(wait_seconds)
    for order_id in order_ids:
        try:
            raw = amazon.get_order(
                order_id, max_wait_seconds=patience.left(), included_data=included_data, leaving=leaving
            )
        except BudgetExhaustedError:
            return
        except NO_ANSWER as error:
            unanswered.add(order_id, error)
            continue
        unanswered.answered()
        yield order_id, raw


def remember(place: Workplace, batch: BatchRef, unanswered: Unanswered) -> None:
    """Record the orders that this run met and Amazon left without an answer: the next run asks for all others first."""
    if unanswered.orders:
        with writing_under_lease(place.ledger, batch.lease) as database:
            note_unanswered(database, batch.connection, unanswered.orders)

"""Calls without an answer: one does not stop the others, but if Amazon is down, not all are tried."""

from __future__ import annotations

from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError, ThrottledError

IN_A_ROW = 3
"""After so many orders or SKUs in a row without an answer, the fault is not in one of them."""

NO_ANSWER = (AmazonUnavailableError, CallRefusedError)
"""Errors that say nothing about the order or SKU in question: no answer, or a refusal that may concern all calls, which
only the next ones can show. A proxy may dislike one body, or Amazon deny one order."""

ABOUT_ONE = "Others were answered: check in Seller Central that this one belongs to this account. If all are refused:"


class Unanswered:
    """The orders that got no answer, although each call was tried several times.

    Attributes:
        first: The first error; None while every call has been answered.
        is_answered: Whether a call was answered.
        orders: Those orders, each once, except one whose call was throttled.
    """

    def __init__(self) -> None:
        self.first: AmazonUnavailableError | CallRefusedError | None = None
        self.orders: list[str] = []
        self._in_a_row: set[str] = set()
        self.is_answered = False

    def add(self, order_id: str, error: AmazonUnavailableError | CallRefusedError) -> None:
        """Count a call that was not answered, or refused.

        Raises:
            AmazonUnavailableError: It is one too many in a row, or Amazon throttles.
            CallRefusedError: The same, where each call is refused.
        """
        self.first = self.first or error
        if isinstance(error, ThrottledError):
            raise error
        if order_id not in self.orders:
            self.orders.append(order_id)
        self._in_a_row.add(order_id)
        if len(self._in_a_row) >= IN_A_ROW:
            raise error

    def answered(self) -> None:
        """Count a call that was answered, in whatever way."""
        self._in_a_row.clear()
        self.is_answered = True

    def raise_first(self) -> None:
        """Raise the first error, if there was one: the next run tries the rest."""
        if isinstance(self.first, CallRefusedError) and self.is_answered:
            raise type(self.first)(self.first.message, remedy=f"{ABOUT_ONE} {self.first.remedy}")
        if self.first is not None:
            raise self.first

"""What Amazon leaves without an answer: one call stops no other, and an Amazon that is down is not asked for all."""

from __future__ import annotations

from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError, ThrottledError

IN_A_ROW = 3
"""After so many orders or SKUs in a row without an answer it is not about one of them any more."""

NO_ANSWER = (AmazonUnavailableError, CallRefusedError)
"""What says nothing about the order or SKU that was asked for: no answer, and one that would meet any other as well, of
which only the next ones can tell whether it does. A proxy may dislike one body, Amazon deny one order."""

ABOUT_ONE = "Others were answered: see in Seller Central that this one is of this account. If all are refused:"


class Unanswered:
    """The orders that were left without an answer, although each call was tried several times.

    Attributes:
        first: The first error; None as long as every call was answered.
        is_answered: Whether a call was answered.
        orders: Those orders, each once, but for one whose call Amazon wants from nobody for now.
    """

    def __init__(self) -> None:
        self.first: AmazonUnavailableError | CallRefusedError | None = None
        self.orders: list[str] = []
        self._in_a_row: set[str] = set()
        self.is_answered = False

    def add(self, order_id: str, error: AmazonUnavailableError | CallRefusedError) -> None:
        """An order's call was not answered, or refused.

        Args:
            order_id: Amazon's order id.
            error: Why.

        Raises:
            AmazonUnavailableError: It is one too many in a row, or Amazon wants no calls for now.
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
        """A call was answered, whatever was said."""
        self._in_a_row.clear()
        self.is_answered = True

    def tell(self) -> None:
        """Raise the first error, if there was one: what is left is for the next run."""
        if isinstance(self.first, CallRefusedError) and self.is_answered:
            raise type(self.first)(self.first.message, remedy=f"{ABOUT_ONE} {self.first.remedy}")
        if self.first is not None:
            raise self.first

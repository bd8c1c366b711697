"""What Amazon leaves without an answer: an order's call stops no other, an Amazon that is down is not asked for all."""

from __future__ import annotations

from mfn.amazon.failures import AccessDeniedError, AmazonUnavailableError, ThrottledError

IN_A_ROW = 3
"""After so many orders in a row without an answer it is not about an order any more."""


class Unanswered:
    """The orders that were left without an answer, although each call was tried several times.

    Attributes:
        first: The first error; None as long as every call was answered.
    """

    def __init__(self) -> None:
        self.first: AmazonUnavailableError | AccessDeniedError | None = None
        self._in_a_row: set[str] = set()

    def add(self, order_id: str, error: AmazonUnavailableError | AccessDeniedError) -> None:
        """An order's call was not answered, or its order denied.

        Args:
            order_id: Amazon's order id.
            error: Why.

        Raises:
            AmazonUnavailableError: It is one too many in a row, or Amazon wants no calls for now.
            AccessDeniedError: It is one too many in a row.
        """
        self.first = self.first or error
        self._in_a_row.add(order_id)
        if len(self._in_a_row) >= IN_A_ROW or isinstance(error, ThrottledError):
            raise error

    def answered(self) -> None:
        """A call was answered, whatever was said."""
        self._in_a_row.clear()

    def tell(self) -> None:
        """Raise the first error, if there was one: what is left is for the next run."""
        if self.first is not None:
            raise self.first

"""A call for each of many SKUs, a few at once: one without an answer does not stop the others, several in a row do."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from mfn.amazon.at_once import AT_ONCE, several_at_once
from mfn.amazon.unanswered import NO_ANSWER, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError
    from mfn.amazon.session import Session

    NoAnswer = AmazonUnavailableError | CallRefusedError

Answer = TypeVar("Answer")


def answers_of_each(
    session: Session, operation: str, calls: Mapping[str, Callable[[], Answer]]
) -> Generator[Answer | NoAnswer, None, None]:
    """Make a call for each SKU, as fast as the rate budget allows.

    Close it if it is not read to its end (`contextlib.closing`); that waits for the answers to what was sent.

    Args:
        session: The account.
        operation: Amazon's name of the operation.
        calls: The call for each seller SKU, in this order.

    Yields:
        For each, in this order: what it returned, or why there was no answer, or none that says anything about it.

    Raises:
        RetriableError: Several in a row had no answer.
        FatalError: Several in a row were denied, or the credentials are wrong.
    """

    def ask(call: Callable[[], Answer]) -> Answer | NoAnswer:
        try:
            return call()
        except NO_ANSWER as error:
            return error

    unanswered = Unanswered()
    with (
        session.budget.in_bulk(operation, len(calls), at_once=AT_ONCE),
        closing(several_at_once(calls.values(), ask, name=operation)) as answers,
    ):
        for seller_sku, answer in zip(calls, answers, strict=True):
            if isinstance(answer, NO_ANSWER):
                unanswered.add(seller_sku, answer)
            else:
                unanswered.answered()
            yield answer

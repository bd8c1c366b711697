"""Amazon refuses a parcel, in its own words.

Which answers confirmShipment has: Amazon's model ordersV0.json of 2026-05-27; the words are Amazon's own, and it
documents none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httpx import codes

from mfn.amazon.answers import Words, errors_of, request_id_of, summary_of
from mfn.amazon.failures import RUN_AGAIN, AmazonUnavailableError, failed
from mfn.errors import DataError

if TYPE_CHECKING:
    import httpx

    from mfn.errors import MfnError

FULFILLED_SIGNS = ("already fulfilled", "packagetoupdatenotfound")
"""How Amazon says that nothing of an order is left to confirm: the same answer also means that it finds no parcel to
change. Source: amzn/selling-partner-api-models, issue 5037 of November 2025; Amazon documents no code for it.
"""

NOT_ABOUT_A_PARCEL = frozenset({codes.UNAUTHORIZED, codes.FORBIDDEN, codes.REQUEST_TIMEOUT, codes.TOO_MANY_REQUESTS})


class ShipmentRefusedError(DataError):
    """Amazon refuses one parcel; to send it again unchanged would change nothing.

    Args:
        message: What happened, with Amazon's words in it.
        remedy: What to do.
        status: The HTTP status.
        words: Amazon's errors; none where it gave none.
    """

    def __init__(self, message: str, *, remedy: str, status: int, words: tuple[Words, ...]) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        """It has more arguments than other errors."""
        return (_rebuild, (type(self), self.message, self.remedy, self.status, self.words))


def _rebuild(
    kind: type[ShipmentRefusedError], message: str, remedy: str, status: int, words: tuple[Words, ...]
) -> ShipmentRefusedError:
    return kind(message, remedy=remedy, status=status, words=words)


class OrderFulfilledError(ShipmentRefusedError):
    """Amazon says that the order is fulfilled already, or has no parcel to change: what it shows has to settle it."""


def not_confirmed(what: str, response: httpx.Response) -> MfnError:
    """The error that an answer to confirmShipment other than 204 means.

    A refusal in Amazon's own form is about this parcel; a body of another form comes from somewhere else, and would
    meet every parcel.

    Args:
        what: Which call, for the message.
        response: The answer.
    """
    status = response.status_code
    if codes.is_success(status):
        return AmazonUnavailableError(
            f"{what}: HTTP {status} instead of 204, {summary_of(response)} ({request_id_of(response)}).",
            remedy=RUN_AGAIN,
        )
    words = errors_of(response)
    if words is None or not codes.is_client_error(status) or status in NOT_ABOUT_A_PARCEL:
        return failed(what, "confirmShipment", response, page_token=False)
    said = "; ".join(str(error) for error in words) or summary_of(response)
    message = f"{what}: HTTP {status}, {said} ({request_id_of(response)})."
    if any(sign in said.casefold() for sign in FULFILLED_SIGNS):
        return OrderFulfilledError(
            message,
            remedy="The order is read again; where Amazon does not show this parcel, correct it in Seller Central.",
            status=status,
            words=words,
        )
    remedy = (
        "See in Seller Central that the order belongs to this account and region; Amazon keeps orders for two years."
        if status == codes.NOT_FOUND
        else "Correct in the warehouse what Amazon names, and it is sent again; or confirm the order in Seller Central."
    )
    return ShipmentRefusedError(message, remedy=remedy, status=status, words=words)

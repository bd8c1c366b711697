"""Amazon refuses a parcel or a listing's quantity, in its own words.

Which answers confirmShipment and patchListingsItem have: Amazon's models ordersV0.json of 2026-05-27 and
listingsItems_2021-08-01.json of 2026-07-30; the words are Amazon's own, and it documents none of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from httpx import codes

from mfn.amazon.answers import Words, errors_of, request_id_of, summary_of
from mfn.amazon.failures import RUN_AGAIN, AmazonUnavailableError, failed
from mfn.errors import DataError

if TYPE_CHECKING:
    import httpx

    from mfn.errors import MfnError

FULFILLED_SIGNS = ("already", "packagetoupdatenotfound")
"""Amazon's words for an order with nothing left to confirm: the same answer also means that it finds no parcel to
change. Source: amzn/selling-partner-api-models, issue 5037 of November 2025, "order already fulfilled"; Amazon
documents no code for it. Whatever it calls done already, a lost answer to this very parcel may be why.
"""

NOT_ABOUT_ONE_THING = frozenset({codes.UNAUTHORIZED, codes.FORBIDDEN, codes.REQUEST_TIMEOUT, codes.TOO_MANY_REQUESTS})

LISTING_REMEDY = "Correct in Seller Central what Amazon names; the next run sends the quantity again."

ODD_SKU = (
    "Amazon denies access to some SKUs with a slash, a hash or a similar character: set this quantity in Seller "
    "Central, or list the item under another SKU. If Amazon denies every SKU, the role Product Listing is missing."
)


class RefusedError(DataError):
    """Amazon refuses one thing; sending it again unchanged would be refused again.

    Args:
        message: What happened, with Amazon's words in it.
        remedy: What to do.
        status: The HTTP status.
        words: Amazon's errors, if it gave any.
    """

    def __init__(self, message: str, *, remedy: str, status: int, words: tuple[Words, ...]) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        """It has more arguments than other errors."""
        return (partial(type(self), remedy=self.remedy, status=self.status, words=self.words), (self.message,))


class ShipmentRefusedError(RefusedError):
    """Amazon refuses one parcel."""


class OrderFulfilledError(ShipmentRefusedError):
    """Amazon says that this is done already, or has no parcel to change: what it shows must decide."""


class ListingRefusedError(RefusedError):
    """Amazon refuses the quantity of one listing."""


class ListingMissingError(ListingRefusedError):
    """Amazon has no listing of this SKU in this marketplace."""


def says_fulfilled(said: str) -> bool:
    """Whether Amazon's words about a parcel mean that it is done already, or that there is none to change."""
    return any(sign in said.casefold() for sign in FULFILLED_SIGNS)


def not_confirmed(what: str, response: httpx.Response) -> MfnError:
    """The error for an answer to confirmShipment other than 204.

    A refusal in Amazon's own form is about this parcel; a body of another form comes from something in between, which
    would refuse every parcel.
    """
    status = response.status_code
    if codes.is_success(status):
        return AmazonUnavailableError(
            f"{what}: HTTP {status} instead of 204, {summary_of(response)} ({request_id_of(response)}).",
            remedy=RUN_AGAIN,
        )
    words = _refusal(response)
    if words is None:
        return failed(what, "confirmShipment", response, page_token=False)
    said = "; ".join(str(error) for error in words) or summary_of(response)
    message = f"{what}: HTTP {status}, {said} ({request_id_of(response)})."
    if status == codes.CONFLICT or says_fulfilled(said):
        return OrderFulfilledError(
            message,
            remedy="The order is read again in every run for a day; once Amazon shows this parcel, all is done. "
            "If Amazon does not show it, confirm it in Seller Central with the same tracking number. After that day, "
            "fetch the order: mfn import CONNECTION --order ID.",
            status=status,
            words=words,
        )
    remedy = (
        "Check in Seller Central that the order belongs to this account and region; Amazon keeps orders for two years."
        if status == codes.NOT_FOUND
        else "Correct in the warehouse what Amazon names, and it is sent again; or confirm the order in Seller Central "
        "with the same tracking number, then fetch it: mfn import CONNECTION --order ID."
    )
    return ShipmentRefusedError(message, remedy=remedy, status=status, words=words)


def not_patched(what: str, response: httpx.Response, *, is_plain: bool) -> MfnError:
    """The error for an answer to patchListingsItem other than 200.

    Amazon is known to deny access when the SKU merely has a character that it cannot read, such as a slash
    (amzn/selling-partner-api-models, issue 4429).

    Args:
        what: Which call, for the message.
        response: The answer.
        is_plain: Whether the SKU has no such character.
    """
    status = response.status_code
    words = errors_of(response) if status == codes.FORBIDDEN and not is_plain else _refusal(response)
    if words is None or (status == codes.FORBIDDEN and not words):
        return failed(what, "patchListingsItem", response, page_token=False)
    said = "; ".join(str(error) for error in words) or summary_of(response)
    message = f"{what}: HTTP {status}, {said} ({request_id_of(response)})."
    if status == codes.NOT_FOUND:
        return ListingMissingError(
            message,
            remedy="List the SKU in this marketplace, or correct its row in sku_aliases.csv.",
            status=status,
            words=words,
        )
    remedy = ODD_SKU if status == codes.FORBIDDEN else LISTING_REMEDY
    return ListingRefusedError(message, remedy=remedy, status=status, words=words)


def invalid(what: str, words: tuple[Words, ...]) -> ListingRefusedError:
    """The refusal for a 200 whose status is not ACCEPTED."""
    said = "; ".join(str(issue) for issue in words) or "no reason given"
    message = f"{what}: INVALID, {said.rstrip('.')}."
    return ListingRefusedError(message, remedy=LISTING_REMEDY, status=codes.OK, words=words)


def _refusal(response: httpx.Response) -> tuple[Words, ...] | None:
    """Amazon's words about the one thing that was sent; None if the answer is not about it.

    A refusal in Amazon's own form is about this thing; a body of another form comes from something in between, which
    would refuse everything else as well.
    """
    status = response.status_code
    if not codes.is_client_error(status) or status in NOT_ABOUT_ONE_THING:
        return None
    return errors_of(response)

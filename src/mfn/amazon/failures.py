"""What every way in which Amazon can fail means to this project: one error of ours, by its class retriable or not.

The messages hold the operation, the HTTP status, Amazon's code, words and request id: never a body, a token or an
order's data. Amazon answers a failure with `{"errors": [{"code", "message", "details"}]}` (its models, definition
ErrorList), with an empty body, or with a proxy's HTML page. Login with Amazon answers `{"error", "error_description"}`
(RFC 6749, section 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from httpx import codes
from msgspec import Struct

from mfn.amazon.credentials import APP_ID, CLIENT_SECRET, REFRESH_TOKEN
from mfn.errors import DataError, FatalError, MfnError, RetriableError

if TYPE_CHECKING:
    import httpx

REQUEST_ID = "x-amzn-RequestId"
RUN_AGAIN = "Nothing was lost. It is tried again by the next scheduled run, or at once with mfn rerun --failed."
DEVELOP_APPS = "Seller Central > Apps and Services > Develop Apps"
SHOWN_CHARACTERS = 300

ROLES = {
    "searchOrders": "Direct-to-Consumer Delivery (Restricted)",
    "getOrder": "Direct-to-Consumer Delivery (Restricted)",
    "confirmShipment": "Inventory and Order Tracking",
    "patchListingsItem": "Product Listing",
    "searchListingsItems": "Product Listing",
    "getListingsItem": "Product Listing",
}
"""The role that an operation needs, for what this project asks of it.

Source: Selling Partner API documentation, "Role mappings" and "Access Orders PII", as of November 2026.
"""

TAX_ROLES = (
    "Where that role is there already: Amazon is known to refuse searchOrders to applications without the roles "
    "Tax Remittance (Restricted) and Tax Invoicing (Restricted); ask for these as well. "
)
"""Source: amzn/selling-partner-api-models, issue 5319, open since July 2026."""

FULFILLED_SIGNS = ("already fulfilled", "packagetoupdatenotfound")
"""How Amazon says that nothing of an order is left to confirm: the same answer also means that it finds no parcel to
change. Source: amzn/selling-partner-api-models, issue 5037 of November 2025; Amazon documents no code for it.
"""

NOT_ABOUT_A_PARCEL = frozenset({codes.UNAUTHORIZED, codes.FORBIDDEN, codes.REQUEST_TIMEOUT, codes.TOO_MANY_REQUESTS})

SECRETS = {
    "invalid_grant": (
        REFRESH_TOKEN,
        "it was revoked, or belongs to another application. Authorize the application again and take the new token",
    ),
    "invalid_client": (
        CLIENT_SECRET,
        f"it is wrong or, after 180 days, has expired; or {APP_ID} is wrong. Rotate the secret and take the new one",
    ),
    "unauthorized_client": (
        APP_ID,
        "this application may not log in so. Take the client id that stands beside the client secret",
    ),
}
"""Which of the three secrets an error code of Login with Amazon means, and why."""


class AmazonUnavailableError(RetriableError):
    """Amazon did not answer, or not with what was asked for; the same call may succeed in a moment."""


class ThrottledError(AmazonUnavailableError):
    """Amazon refuses the call for now: too many of its kind."""


class BudgetExhaustedError(RetriableError):
    """Amazon's rate limit leaves no call within the time that the caller would wait; nothing was sent."""


class PageTokenRefusedError(RetriableError):
    """Amazon takes this page token no longer (it lives for 24 hours); start the window again without one."""


class Words(Struct, frozen=True):
    """One error of an answer, word for word as Amazon put it; what it left out is None."""

    code: str | None = None
    message: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        """All three on one printable line, whatever their length."""
        return ": ".join(_printable(part) for part in (self.code, self.message, self.details) if part)


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


class _ErrorList(Struct):
    errors: list[Words]


class _Refusal(Struct):
    error: str
    error_description: str | None = None


def unreachable(what: str, error: httpx.RequestError) -> AmazonUnavailableError:
    """No answer at all, or one that broke off: a timeout, a dropped connection, a truncated or undecodable body.

    Args:
        what: Which call, for the message.
        error: What httpx says; its text holds no address line and no header.
    """
    return AmazonUnavailableError(f"{what}: no whole answer ({type(error).__name__}: {error}).", remedy=RUN_AGAIN)


def unreadable(what: str, response: httpx.Response, error: Exception) -> AmazonUnavailableError:
    """A success whose body is not what was asked for.

    Args:
        what: Which call, for the message.
        response: The answer.
        error: Why it cannot be read; msgspec names the path, never a value.
    """
    return AmazonUnavailableError(
        f"{what}: HTTP {response.status_code}, but the body cannot be read: {error} ({_described(response)}).",
        remedy=RUN_AGAIN,
    )


def failed(what: str, operation: str, response: httpx.Response, *, page_token: bool) -> MfnError:
    """The error that an answer other than 200 means.

    Args:
        what: Which call, for the message.
        operation: Amazon's name of the operation.
        response: The answer.
        page_token: Whether the request carried a page token.
    """
    status = response.status_code
    message = f"{what}: HTTP {status}, {_words(response)} ({_described(response)})."
    if status == codes.TOO_MANY_REQUESTS:
        return ThrottledError(message, remedy=f"Another application may use up the account's limit. {RUN_AGAIN}")
    if status >= codes.INTERNAL_SERVER_ERROR or status == codes.REQUEST_TIMEOUT:
        return AmazonUnavailableError(message, remedy=RUN_AGAIN)
    if status in (codes.UNAUTHORIZED, codes.FORBIDDEN):
        suspicion = f"A role is missing ({ROLES[operation]}), or the authorization has ended."
        return FatalError(f"{message} {suspicion}", remedy=_missing_role(operation, response))
    if status == codes.BAD_REQUEST and page_token:
        return PageTokenRefusedError(message, remedy="The window is fetched again from its start.")
    return FatalError(
        message,
        remedy="Mend what Amazon names in connections.yaml; if nothing there is wrong, open a case with Amazon's "
        "Selling Partner API support and give it the request id.",
    )


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
            f"{what}: HTTP {status} instead of 204, {_words(response)} ({_described(response)}).", remedy=RUN_AGAIN
        )
    words = _errors(response)
    if words is None or not codes.is_client_error(status) or status in NOT_ABOUT_A_PARCEL:
        return failed(what, "confirmShipment", response, page_token=False)
    said = "; ".join(str(error) for error in words) or _words(response)
    message = f"{what}: HTTP {status}, {said} ({_described(response)})."
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


def login_failed(connection: str, response: httpx.Response) -> MfnError:
    """The error that an answer of Login with Amazon other than a token means.

    Args:
        connection: The connection's name.
        response: The answer.
    """
    status = response.status_code
    what = f"Login with Amazon for the connection {connection}: HTTP {status}"
    try:
        refusal = msgspec.json.decode(response.content, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        refusal = None
    if status == codes.TOO_MANY_REQUESTS or status >= codes.INTERNAL_SERVER_ERROR or status == codes.REQUEST_TIMEOUT:
        return AmazonUnavailableError(f"{what} ({_described(response)}).", remedy=RUN_AGAIN)
    if refusal is None:
        return FatalError(
            f"{what}, and no error code ({_described(response)}).",
            remedy="See that lwa_endpoint, or the proxy in between, leads to Login with Amazon.",
        )
    said = _clipped(": ".join(filter(None, (refusal.error, refusal.error_description))))
    if refusal.error in SECRETS:
        name, why = SECRETS[refusal.error]
        return FatalError(
            f"{what}, {said}. It refuses {name}.",
            remedy=f"Replace {name} of the connection {connection}: {why} from {DEVELOP_APPS}.",
        )
    return FatalError(
        f"{what}, {said}.",
        remedy=f"Compare {REFRESH_TOKEN}, {APP_ID} and {CLIENT_SECRET} of this connection with {DEVELOP_APPS}.",
    )


def _missing_role(operation: str, response: httpx.Response) -> str:
    if "LWA secret" in _words(response):
        return f"Replace {CLIENT_SECRET}: rotate it in {DEVELOP_APPS} and take the new one."
    role = ROLES[operation]
    return (
        f"{operation} needs the role {role}. In {DEVELOP_APPS}, see that the developer profile and the application "
        f"have it, then authorize the application again and replace {REFRESH_TOKEN} with the new token. "
        + (TAX_ROLES if operation == "searchOrders" else "")
        + "Then run mfn rerun --failed."
    )


def _words(response: httpx.Response) -> str:
    """Amazon's code and message, or what the body is instead."""
    if not response.content.strip():
        return "an empty body"
    errors = _errors(response)
    if errors is None:
        kind = response.headers.get("content-type", "unknown type").partition(";")[0]
        return f"a body that is not Amazon's ({_clipped(kind)}, {len(response.content)} bytes)"
    if not errors:
        return "an empty list of errors"
    # The details of a refusal say which token is meant; those of a bad request may repeat what was sent.
    with_details = response.status_code in (codes.UNAUTHORIZED, codes.FORBIDDEN)
    parts = (errors[0].code, errors[0].message, errors[0].details if with_details else None)
    return _clipped(": ".join(part.rstrip(".") for part in parts if part)) or "no words"


def _errors(response: httpx.Response) -> tuple[Words, ...] | None:
    """Amazon's errors, of which an empty body has none; None where the body is not Amazon's."""
    if not response.content.strip():
        return ()
    try:
        return tuple(msgspec.json.decode(response.content, type=_ErrorList).errors)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _described(response: httpx.Response) -> str:
    return f"request id {_clipped(response.headers.get(REQUEST_ID, 'not given'))}"


def _clipped(text: str) -> str:
    """One printable line of bounded length: it comes from outside."""
    return _printable(text)[:SHOWN_CHARACTERS].strip()


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)

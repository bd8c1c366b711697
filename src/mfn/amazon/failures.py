"""Every way in which Amazon can fail, as one of our errors, whose class says whether to retry.

The messages contain the operation, the HTTP status, Amazon's code, words and request id: never a body, a token or an
order's data. Login with Amazon answers `{"error", "error_description"}` (RFC 6749, section 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from httpx import ProtocolError, codes
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE, clipped, errors_of, request_id_of, summary_of
from mfn.amazon.credentials import APP_ID, CLIENT_SECRET, REFRESH_TOKEN
from mfn.amazon.repaired_json import read_json
from mfn.errors import FatalError, MfnError, RetriableError

if TYPE_CHECKING:
    import httpx

Answer = TypeVar("Answer")

RUN_AGAIN = "Nothing was lost. The next scheduled run tries again; to retry now, run mfn rerun --failed."
SUSPICION = "A role is missing"
ASKED_AGAIN = "Nothing was sent; the next run tries again."
BETWEEN = (
    "what is between this machine and Amazon: DNS, firewall, proxy; and endpoint and lwa_endpoint, if set in "
    "connections.yaml."
)
IF_IT_STAYS = f"If the fault persists, check {BETWEEN}"
DEVELOP_APPS = "Seller Central > Apps and Services > Develop Apps"

DELIVERY = "Direct-to-Consumer Delivery (Restricted)"
TRACKING = "Inventory and Order Tracking"
LISTING = "Product Listing"
"""Amazon's names of the roles that the application needs."""

ROLES = {
    "searchOrders": DELIVERY,
    "getOrder": DELIVERY,
    "confirmShipment": TRACKING,
    "patchListingsItem": LISTING,
    "searchListingsItems": LISTING,
    "getListingsItem": LISTING,
    "createFeedDocument": LISTING,
    "createFeed": LISTING,
    "getFeed": LISTING,
    "getFeeds": LISTING,
    "getFeedDocument": LISTING,
    "createReport": LISTING,
    "getReport": LISTING,
    "getReports": LISTING,
    "getReportDocument": LISTING,
    "getMarketplaceParticipations": "Selling Partner Insights or Finance and Accounting",
}
"""The role that an operation needs for what this project does with it.

Source: Selling Partner API documentation, "Role mappings", "Access Orders PII" and "Get the market participation of a
seller", as of November 2026.
"""

TAX_ROLES = (
    "If the role is already assigned: Amazon is known to refuse searchOrders to applications without the roles "
    "Tax Remittance (Restricted) and Tax Invoicing (Restricted); request these as well. "
)
"""Source: amzn/selling-partner-api-models, issue 5319, open since July 2026."""

SECRETS = {
    "invalid_grant": (
        REFRESH_TOKEN,
        "it was revoked or belongs to another application. Authorize the application again and take the new token",
    ),
    "invalid_client": (
        CLIENT_SECRET,
        f"it is wrong or has expired after 180 days, or {APP_ID} is wrong. Rotate the secret and take the new one",
    ),
    "unauthorized_client": (
        APP_ID,
        "this application may not log in this way. Take the client id shown next to the client secret",
    ),
}
"""The secret that an error code of Login with Amazon refers to, and what is wrong with it."""


class AmazonUnavailableError(RetriableError):
    """Amazon did not answer, or not as expected; the same call may succeed in a moment."""


class ThrottledError(AmazonUnavailableError):
    """Amazon refuses the call for now, because there were too many of its kind."""


class BudgetExhaustedError(RetriableError):
    """The rate limit allows no call within the time that the caller would wait; nothing was sent."""


class CallRefusedError(FatalError):
    """Amazon, or something in between, refuses a call regardless of its content, and probably all others too."""


class AccessDeniedError(CallRefusedError):
    """Amazon denies an operation: a role is missing, or the authorization has ended."""


class PageTokenRefusedError(RetriableError):
    """Amazon no longer accepts this page token (that of orders lives for 24 hours); start again without one."""


class _Refusal(Struct):
    error: str
    error_description: str | None = None


def unreachable(what: str, error: httpx.RequestError) -> AmazonUnavailableError:
    """The error for no answer, or half of one: a timeout, a dropped connection, a truncated or undecodable body.

    Args:
        what: Which call, for the message.
        error: httpx's error; its text contains no URL.
    """
    said = str(error)
    if isinstance(error, ProtocolError):
        said = said.partition(":")[0]  # then what cannot be read is quoted, which may be the rest of an earlier answer
    message = f"{what}: no complete answer ({type(error).__name__}: {clipped(said)})."
    return AmazonUnavailableError(message, remedy=f"{RUN_AGAIN} {IF_IT_STAYS}")


def unreadable(what: str, response: httpx.Response, error: Exception) -> AmazonUnavailableError:
    """The error for a success whose body is not as expected.

    Args:
        what: Which call, for the message.
        response: The answer.
        error: Why it cannot be read; msgspec names the path, never a value.
    """
    status, why = response.status_code, clipped(str(error))
    return AmazonUnavailableError(
        f"{what}: HTTP {status}, but the body cannot be read: {why} ({request_id_of(response)}).",
        remedy=f"{RUN_AGAIN} {IF_IT_STAYS}",
    )


def failed(what: str, operation: str, response: httpx.Response, *, page_token: bool) -> MfnError:
    """The error for an answer other than 200."""
    status = response.status_code
    message = f"{what}: HTTP {status}, {summary_of(response)} ({request_id_of(response)})."
    if status == codes.TOO_MANY_REQUESTS:
        remedy = f"Another application may be using up the account's rate limit. {RUN_AGAIN}"
        return ThrottledError(message, remedy=remedy)
    if status >= codes.INTERNAL_SERVER_ERROR or status == codes.REQUEST_TIMEOUT:
        return AmazonUnavailableError(message, remedy=RUN_AGAIN)
    if _is_from_elsewhere(response):
        return CallRefusedError(f"{message} This is not an answer from Amazon's API.", remedy=f"Check {BETWEEN}")
    if status in (codes.UNAUTHORIZED, codes.FORBIDDEN):
        suspicion = f"{SUSPICION} ({ROLES[operation]}), or the authorization has ended."
        return AccessDeniedError(f"{message} {suspicion}", remedy=_missing_role(operation, response))
    if status == codes.BAD_REQUEST and page_token:
        return PageTokenRefusedError(message, remedy=f"All pages are fetched again from the first one. {RUN_AGAIN}")
    return CallRefusedError(
        message,
        remedy="Correct in connections.yaml what Amazon names; if nothing is wrong there, open a case with Amazon's "
        "Selling Partner API support and quote the request id.",
    )


def _is_from_elsewhere(response: httpx.Response) -> bool:
    """Whether something in between answered: Amazon's API sends neither web pages nor redirects."""
    is_page = "html" in response.headers.get("content-type", "") and errors_of(response) is None
    return is_page or response.is_redirect


def checked(
    what: str, operation: str, response: httpx.Response, *, status: int = codes.OK, page_token: bool = False
) -> httpx.Response:
    """The answer, if it is the expected success.

    Args:
        what: Which call, for the message.
        operation: Amazon's name of the operation.
        response: The answer.
        status: The operation's status of success.
        page_token: Whether the request carried a page token.

    Raises:
        RetriableError: Amazon could not answer.
        FatalError: It refuses the call.
    """
    if response.status_code != status:
        raise failed(what, operation, response, page_token=page_token)
    return response


def decoded(what: str, response: httpx.Response, kind: type[Answer]) -> Answer:
    """Decode a successful answer; a bad text in it does not spoil the rest (`mfn.amazon.repaired_json`).

    Raises:
        AmazonUnavailableError: The body is not as expected.
    """
    try:
        return read_json(response.content, kind)
    except UNREADABLE as error:
        raise unreadable(what, response, error) from None


def login_failed(connection: str, response: httpx.Response) -> MfnError:
    """The error for an answer of Login with Amazon other than a token."""
    status = response.status_code
    what = f"Login with Amazon for the connection {connection}: HTTP {status}"
    try:
        refusal = msgspec.json.decode(response.content, type=_Refusal)
    except UNREADABLE:
        refusal = None
    if status == codes.TOO_MANY_REQUESTS or status >= codes.INTERNAL_SERVER_ERROR or status == codes.REQUEST_TIMEOUT:
        return AmazonUnavailableError(f"{what} ({request_id_of(response)}).", remedy=RUN_AGAIN)
    if refusal is None:
        return FatalError(
            f"{what}, and no error code ({request_id_of(response)}).",
            remedy="Check that lwa_endpoint, or the proxy in between, leads to Login with Amazon.",
        )
    said = clipped(": ".join(filter(None, (refusal.error, refusal.error_description)))).rstrip(".")
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
    if "LWA secret" in summary_of(response):
        return f"Replace {CLIENT_SECRET}: rotate it in {DEVELOP_APPS} and take the new one."
    role = ROLES[operation]
    return (
        f"{operation} needs the role {role}. In {DEVELOP_APPS}, check that the developer profile and the application "
        f"have it, then authorize the application again and replace {REFRESH_TOKEN} with the new token. "
        + (TAX_ROLES if operation == "searchOrders" else "")
        + "Then run mfn rerun --failed."
    )

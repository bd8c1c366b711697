"""Whether Amazon can be reached, and which operations it lets this application use, without changing anything.

Operations: Amazon's models orders_2026-01-01.json of 2026-07-29 (getOrder), listingsItems_2021-08-01.json of 2026-07-30
(patchListingsItem, whose mode VALIDATION_PREVIEW changes nothing), feeds_2021-06-30.json and reports_2021-06-30.json of
2026-04-01 (getFeeds, getReports).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from mfn.amazon.answers import errors_of
from mfn.amazon.failures import AccessDeniedError, failed, unreachable
from mfn.amazon.feeds import FEED_TYPE
from mfn.amazon.feeds import PATH as FEEDS
from mfn.amazon.listings_report import REPORT_TYPE
from mfn.amazon.quantities import patch_of
from mfn.amazon.reports import PATH as REPORTS
from mfn.http_environment import DIRECTLY, errors_in_words
from mfn.moments import in_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mfn.amazon.session import Session

CONNECT_SECONDS = 10
NO_SUCH_ORDER = "000-0000000-0000000"
"""An id in Amazon's form that no order has: Amazon still answers whether orders may be read."""


@dataclass(frozen=True)
class Answered:
    """An answer of one of Amazon's hosts, whatever it was.

    Attributes:
        host: Its base URL.
        ahead: How far this machine's clock is ahead of the host's; None if the host does not give its time.
    """

    host: str
    ahead: timedelta | None


def reach(host: str) -> Answered:
    """Send a host any request, without a token, to see whether it answers.

    Args:
        host: The base URL of the Selling Partner API or of Login with Amazon.

    Raises:
        AmazonUnavailableError: It cannot be reached, or does not answer in time.
        ConfigurationError: A proxy or a file of certificates that the environment names cannot be used.
    """
    try:
        with errors_in_words():
            client = httpx.Client(timeout=CONNECT_SECONDS, mounts=DIRECTLY)
        with client, client.stream("GET", host) as response:  # the body, however long, does not matter
            date = response.headers.get("date", "")
    except httpx.RequestError as error:
        raise unreachable(host, error) from None
    try:
        # The header has whole seconds, and was written at some point between request and answer.
        return Answered(host, datetime.now(UTC) - in_utc(parsedate_to_datetime(date)))
    except (ValueError, OverflowError):
        return Answered(host, None)


def may_read_order(session: Session, order_id: str | None, data_sets: Sequence[str]) -> AccessDeniedError | None:
    """Whether an order may be read with these data sets; None if it may.

    Args:
        session: The account.
        order_id: An order of the account; None to ask for one that does not exist.
        data_sets: Amazon's `includedData`; none for what needs no restricted role.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: The credentials are refused.
    """
    wanted = {"includedData": list(data_sets)} if data_sets else {}
    return _denial(session, "getOrder", lambda: session.library.get_order(order_id or NO_SUCH_ORDER, **wanted))


def may_patch_listing(
    session: Session, marketplace_id: str, seller_sku: str, quantity: int
) -> AccessDeniedError | None:
    """Whether the quantity of a listing may be changed, asked as a preview; None if it may.

    Args:
        session: The account.
        marketplace_id: Where.
        seller_sku: A listing that the seller fulfils.
        quantity: Its present quantity.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: The credentials are refused.
    """
    return _denial(
        session,
        "patchListingsItem",
        lambda: session.library.patch_listings_item(
            session.connection.seller_id,
            seller_sku,
            marketplaceIds=marketplace_id,
            mode="VALIDATION_PREVIEW",
            body=patch_of(quantity),
        ),
    )


def may_read_feeds(session: Session) -> AccessDeniedError | None:
    """Whether feeds may be read; None if they may. Raises as `may_read_order`."""
    return _denial(session, "getFeeds", lambda: session.library.get(f"{FEEDS}/feeds", feedTypes=FEED_TYPE, pageSize=1))


def may_read_reports(session: Session) -> AccessDeniedError | None:
    """Whether reports of listings may be read; None if they may. Raises as `may_read_order`."""
    return _denial(
        session, "getReports", lambda: session.library.get(f"{REPORTS}/reports", reportTypes=REPORT_TYPE, pageSize=1)
    )


def _denial(session: Session, operation: str, send: Callable[[], httpx.Response]) -> AccessDeniedError | None:
    """Amazon's denial of an operation, or None; an answer that finds fault with the request itself is not a denial."""
    what = f"{operation} for the connection {session.connection.name}"

    def read(response: httpx.Response) -> AccessDeniedError | None:
        if response.is_success:
            return None
        error = failed(what, operation, response, page_token=False)
        if isinstance(error, AccessDeniedError):
            return error
        is_amazons = errors_of(response) is not None
        if is_amazons and response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
            return None
        raise error

    return session.caller.call(operation, what, send, read)

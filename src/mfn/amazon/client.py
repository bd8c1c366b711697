"""Amazon's orders, read page by page: every call within the rate budget, every failure one of our errors.

Operations, parameters and data sets: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec
from msgspec import Struct
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from mfn.amazon import failures
from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError, ThrottledError
from mfn.amazon.marketplaces import ENDPOINTS
from mfn.amazon.orders import MERCHANT, SearchPage, in_utc
from mfn.amazon.transport import LOGIN_ENDPOINT, orders_library, silence_libraries

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.amazon.credentials import Credentials
    from mfn.connection import Connection
    from mfn.ledger.budget import Budget

STATUSES = ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "CANCELLED")
INCLUDED_DATA = ("BUYER", "RECIPIENT", "CANCELLATION", "FULFILLMENT", "PACKAGES")
PAGE_SIZE = 100
ATTEMPTS = 5
TIMEOUT_SECONDS = 60.0
RATE_LIMIT = "x-amzn-RateLimit-Limit"

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class SearchWindow:
    """A span of time in which orders were last updated.

    Attributes:
        after: Its beginning, inclusive; aware.
        before: Its end; aware, and at least two minutes in the past, as Amazon demands.
    """

    after: datetime
    before: datetime


@dataclass(frozen=True)
class Page:
    """One page of a search.

    Attributes:
        orders: The JSON text of each order, as Amazon sent it.
        next_token: Where the next page is; None on the last one.
        before: The end bound that Amazon says it used, in UTC: the next watermark. The window's own where it says none.
    """

    orders: list[bytes]
    next_token: str | None
    before: datetime


class _GetOrder(Struct):
    order: msgspec.Raw


class AmazonOrders:
    """Reads the merchant-fulfilled orders of one connection.

    A call waits for its turn in the budget, and is tried again a few times, with growing pauses, where it failed on
    something that passes by itself. Never make one from within a transaction on the ledger, where the budget is kept.

    Args:
        connection: Whose orders.
        credentials: What to show to Amazon.
        budget: The account's rate budget.
        wait: Waits for a number of seconds.
        timeout_seconds: How long Amazon may take for each part of an answer.

    Attributes:
        calls: How many requests were sent, by operation; retries count.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials,
        budget: Budget,
        *,
        wait: Callable[[float], None] = time.sleep,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        silence_libraries()
        self.calls: Counter[str] = Counter()
        self._connection = connection
        self._budget = budget
        self._wait = wait
        self._library = orders_library(
            connection.name,
            connection.endpoint or ENDPOINTS[connection.region],
            connection.lwa_endpoint or LOGIN_ENDPOINT,
            credentials,
            timeout_seconds,
        )

    def search_page(
        self, window: SearchWindow, *, page_token: str | None = None, max_wait_seconds: float = math.inf
    ) -> Page:
        """One page of the orders that changed in a window, in all marketplaces of the connection.

        Args:
            window: The span of time; the same for every page of a search.
            page_token: The last page's `next_token`; None for the first page.
            max_wait_seconds: How long it may wait for its turn in the rate budget.

        Raises:
            PageTokenRefusedError: The token has expired or belongs to other parameters; start the window again.
            BudgetExhaustedError: Its turn does not come in time.
            RetriableError: Amazon did not answer with a whole page; never taken for one without orders.
            FatalError: A role is missing, the credentials are refused, or the request is.
        """
        parameters: dict[str, Any] = {
            "lastUpdatedAfter": _text(window.after),
            "lastUpdatedBefore": _text(window.before),
            "fulfillmentStatuses": STATUSES,
            "fulfilledBy": [MERCHANT],
            "marketplaceIds": self._connection.marketplace_ids,
            "includedData": INCLUDED_DATA,
            "maxResultsPerPage": PAGE_SIZE,
        }
        if page_token:
            parameters["paginationToken"] = page_token
        what = f"searchOrders for the connection {self._connection.name}"

        def read(response: httpx.Response) -> Page:
            page = _decode(what, response, SearchPage)
            before = page.last_updated_before
            return Page(
                [bytes(order) for order in page.orders],
                (page.pagination.next_token if page.pagination else None) or None,
                in_utc(before) if before else window.before.astimezone(UTC),
            )

        return self._call(
            "searchOrders",
            what,
            lambda: self._library.search_orders(**parameters),
            lambda response: read(_checked(what, "searchOrders", response, page_token=bool(page_token))),
            max_wait_seconds,
        )

    def get_order(self, order_id: str, *, max_wait_seconds: float = math.inf) -> bytes | None:
        """One order as it stands at Amazon now.

        Args:
            order_id: Amazon's order id.
            max_wait_seconds: How long it may wait for its turn in the rate budget.

        Returns:
            The JSON text of the order as Amazon sent it; None where Amazon knows no such order, or takes the id for
            none.

        Raises:
            BudgetExhaustedError: Its turn does not come in time.
            RetriableError: Amazon did not answer with the order.
            FatalError: A role is missing, the credentials are refused, or the request is.
        """
        what = f"getOrder {order_id} for the connection {self._connection.name}"

        def read(response: httpx.Response) -> bytes | None:
            if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
                return None
            return bytes(_decode(what, _checked(what, "getOrder", response, page_token=False), _GetOrder).order)

        return self._call(
            "getOrder",
            what,
            lambda: self._library.get_order(order_id, includedData=INCLUDED_DATA),
            read,
            max_wait_seconds,
        )

    def _call(
        self,
        operation: str,
        what: str,
        send: Callable[[], httpx.Response],
        read: Callable[[httpx.Response], Answer],
        max_wait_seconds: float,
    ) -> Answer:
        patience = max_wait_seconds
        may_renew = True

        def attempt() -> Answer:
            nonlocal patience, may_renew
            token = self._library.login.get_auth().access_token  # before a call is taken from the budget for nothing
            patience -= self._await_turn(operation, what, patience)
            response = self._send(operation, what, send)
            if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN) and may_renew:
                may_renew = False
                self._library.login.forget(token)
                return attempt()
            return read(response)

        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            retry=retry_if_exception_type(AmazonUnavailableError),
            wait=_pause,
            sleep=self._wait,
            before_sleep=_log_failure,
            reraise=True,
        )
        return retrying(attempt)

    def _await_turn(self, operation: str, what: str, patience: float) -> float:
        """Take a call from the budget, waiting for it at most `patience` seconds; returns the seconds waited."""
        waited = 0.0
        while seconds := self._budget.take(operation):
            if waited + seconds > patience:
                raise BudgetExhaustedError(
                    f"{what}: Amazon's rate limit allows the next call in {seconds:.0f} s only.",
                    remedy="Nothing was sent; the next run asks again.",
                )
            logger.info("%s: waits %.0f s, as Amazon's rate limit demands", what, seconds)
            self._wait(seconds)
            waited += seconds
        return waited

    def _send(self, operation: str, what: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        self.calls[operation] += 1
        try:
            response = send()
        except httpx.RequestError as error:
            raise failures.unreachable(what, error) from None
        if limit := response.headers.get(RATE_LIMIT):
            self._budget.learn(operation, _number(limit))
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._budget.drain(operation)
        return response


_grow = wait_exponential_jitter(initial=1, max=30)


def _pause(state: RetryCallState) -> float:
    """Growing pauses after a failure; none after a refusal for the rate, which the emptied budget makes wait."""
    throttled = state.outcome is not None and isinstance(state.outcome.exception(), ThrottledError)
    return 0.0 if throttled else _grow(state)


def _log_failure(state: RetryCallState) -> None:
    if state.outcome is not None:
        logger.warning("%s It is tried again.", state.outcome.exception())


def _checked(what: str, operation: str, response: httpx.Response, *, page_token: bool) -> httpx.Response:
    if response.status_code != httpx.codes.OK:
        raise failures.failed(what, operation, response, page_token=page_token)
    return response


def _decode(what: str, response: httpx.Response, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise failures.unreadable(what, response, error) from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _text(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second: the library would send a datetime in a form that Amazon refuses."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

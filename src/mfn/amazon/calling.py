"""How a call reaches Amazon: in its turn, with a valid token, and again after a temporary failure."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from mfn.amazon import failures
from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.amazon.transport import Login
    from mfn.ledger.budget import Budget

ATTEMPTS = 5
RATE_LIMIT = "x-amzn-RateLimit-Limit"
WORTH_LOGGING_SECONDS = 1
LOGGED_AGAIN_SECONDS = 30
"""How often the log mentions that calls wait one after the other, a longer wait each time."""
LEAST_RATE = 1 / 3600
"""Calls a second; the slowest of Amazon's usage plans has twenty an hour."""

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Caller:
    """Makes the calls of one account, from any thread.

    Args:
        budget: The account's rate budget.
        login: Where the access token comes from.
        wait: Waits for a number of seconds.
        may_call: Called just before each request, after it has waited for its turn; raises if its run may not continue.
            None if it always may.

    Attributes:
        calls: How many requests were sent, by operation; retries count.
    """

    def __init__(
        self, budget: Budget, login: Login, wait: Callable[[float], None], may_call: Callable[[], None] | None = None
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._budget = budget
        self._login = login
        self._wait = wait
        self._may_call = may_call
        self._lock = threading.Lock()
        self._logged_at: dict[str, float] = {}

    def call(
        self,
        operation: str,
        what: str,
        send: Callable[[], httpx.Response],
        read: Callable[[httpx.Response], Answer],
        max_wait_seconds: float = math.inf,
        *,
        again: type[AmazonUnavailableError] = AmazonUnavailableError,
        leaving: int = 0,
    ) -> Answer:
        """Make a call, retried a few times with growing pauses.

        Args:
            operation: Amazon's name of it.
            what: Which call, for messages.
            send: Sends the request.
            read: Returns what is wanted from the answer; raises one of our errors if it is not there.
            max_wait_seconds: How long it may wait for its turn in the rate budget, all attempts together.
            again: The failures to retry after; `ThrottledError` for a call that must not be made twice.
            leaving: How many calls of the operation have to stay in the budget for others.

        Raises:
            BudgetExhaustedError: Its turn does not come in time.
            AmazonUnavailableError: It failed at every attempt.
            FatalError: Login with Amazon refuses the credentials.
        """
        patience = max_wait_seconds
        may_renew = True

        def attempt() -> Answer:
            nonlocal patience, may_renew
            token = self._login.get_auth().access_token  # first, so that no call is taken from the budget for nothing
            patience -= self._await_turn(operation, what, patience, leaving)
            response = self._send(operation, what, send)
            if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN) and may_renew:
                may_renew = False
                self._login.forget(token)
                return attempt()
            return read(response)

        return tried_again(self._wait, again)(attempt)

    def _await_turn(self, operation: str, what: str, patience: float, leaving: int) -> float:
        """Take a call from the budget, waiting for it at most `patience` seconds; returns the seconds waited."""
        waited = 0.0
        while seconds := self._budget.take(operation, leaving=leaving):
            if waited + seconds > patience:
                raise BudgetExhaustedError(
                    f"{what}: Amazon's rate limit allows the next call only in {seconds:.0f} s.",
                    remedy=failures.ASKED_AGAIN,
                )
            if seconds >= WORTH_LOGGING_SECONDS:
                is_news = seconds >= LOGGED_AGAIN_SECONDS or self._is_news(operation)
                level = logging.INFO if is_news else logging.DEBUG
                logger.log(level, "%s: waiting %.0f s for Amazon's rate limit", what, seconds)
            self._wait(seconds)
            waited += seconds
        return waited

    def _is_news(self, operation: str) -> bool:
        """Whether the log has not mentioned for a while that calls of an operation wait."""
        now = time.monotonic()
        is_news = now - self._logged_at.get(operation, -math.inf) >= LOGGED_AGAIN_SECONDS
        if is_news:
            self._logged_at[operation] = now
        return is_news

    def _send(self, operation: str, what: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        if self._may_call is not None:
            self._may_call()
        with self._lock:
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


def tried_again(
    wait: Callable[[float], None], again: type[AmazonUnavailableError] = AmazonUnavailableError
) -> Retrying:
    """The retries of a request that failed temporarily; the last failure is raised."""
    return Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        retry=retry_if_exception_type(again),
        wait=_pause,
        sleep=wait,
        before_sleep=_log_failure,
        reraise=True,
    )


_grow = wait_exponential_jitter(initial=1, max=30)


def _pause(state: RetryCallState) -> float:
    """Growing pauses after a failure; none after throttling, since the emptied budget makes it wait anyway."""
    throttled = state.outcome is not None and isinstance(state.outcome.exception(), ThrottledError)
    return 0.0 if throttled else _grow(state)


def _log_failure(state: RetryCallState) -> None:
    if state.outcome is not None:
        logger.warning("%s Retrying.", state.outcome.exception())


def _number(text: str) -> float:
    """A rate; NaN if there is none, or one so low that a run would wait for hours."""
    try:
        rate = float(text)
    except ValueError:
        return math.nan
    return rate if rate >= LEAST_RATE else math.nan

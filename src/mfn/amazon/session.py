"""One account at Amazon, shared by everything that calls it: login, rate budget and the count of calls."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from httpx import codes

from mfn.amazon.calling import Caller
from mfn.amazon.documents import Documents
from mfn.amazon.failures import AmazonUnavailableError, checked, decoded
from mfn.amazon.marketplaces import ENDPOINTS
from mfn.amazon.transport import LOGIN_ENDPOINT, library_of, silence_libraries

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    import httpx

    from mfn.amazon.credentials import Credentials
    from mfn.amazon.transport import Library
    from mfn.connection import Connection
    from mfn.ledger.budget import Budget

TIMEOUT_SECONDS = 60.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Session:
    """What a part of the adapter needs to call Amazon for one connection.

    Attributes:
        connection: Whose account.
        budget: The account's rate budget.
        library: Builds and sends the requests.
        caller: Makes the calls in their turn, and counts them.
        documents: Uploads and downloads.
        wait: Waits for a number of seconds.
    """

    connection: Connection
    budget: Budget
    library: Library
    caller: Caller
    documents: Documents
    wait: Callable[[float], None]

    @property
    def calls(self) -> Counter[str]:
        """How many requests were sent, by operation; retries count."""
        return self.caller.calls

    def ask(
        self,
        operation: str,
        what: str,
        send: Callable[[], httpx.Response],
        kind: type[Answer],
        *,
        status: int = codes.OK,
        page_token: bool = False,
        max_wait_seconds: float = math.inf,
        again: type[AmazonUnavailableError] = AmazonUnavailableError,
        leaving: int = 0,
    ) -> Answer:
        """Make a call and decode its answer as a type; every answer but the expected one is a failure.

        The options are those of `Caller.call`, `status` the operation's status of success, and `page_token` whether the
        request carries one. Raises what `Caller.call` and `mfn.amazon.failures.checked` do.
        """

        def read(response: httpx.Response) -> Answer:
            checked(what, operation, response, status=status, page_token=page_token)
            return decoded(what, response, kind)

        return self.caller.call(operation, what, send, read, max_wait_seconds, again=again, leaving=leaving)


def open_session(
    connection: Connection,
    credentials: Credentials,
    budget: Budget,
    *,
    wait: Callable[[float], None] = time.sleep,
    timeout_seconds: float = TIMEOUT_SECONDS,
    may_call: Callable[[], None] | None = None,
) -> Session:
    """The account of a connection; nothing is sent yet.

    Args:
        connection: Whose account.
        credentials: Its secrets.
        budget: The account's rate budget.
        wait: Waits for a number of seconds.
        timeout_seconds: How long Amazon may take for each part of an answer.
        may_call: Called just before each request; see `Caller`.
    """
    silence_libraries()
    library = library_of(
        connection.name,
        connection.endpoint or ENDPOINTS[connection.region],
        connection.lwa_endpoint or LOGIN_ENDPOINT,
        credentials,
        timeout_seconds,
    )
    caller = Caller(budget, library.login, wait, may_call)
    return Session(connection, budget, library, caller, Documents(library, wait), wait)

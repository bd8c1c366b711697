"""One account at Amazon, shared by everything that calls it: login, rate budget and the count of calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.amazon.calling import Caller
from mfn.amazon.documents import Documents
from mfn.amazon.marketplaces import ENDPOINTS
from mfn.amazon.transport import LOGIN_ENDPOINT, library_of, silence_libraries

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from mfn.amazon.credentials import Credentials
    from mfn.amazon.transport import Library
    from mfn.connection import Connection
    from mfn.ledger.budget import Budget

TIMEOUT_SECONDS = 60.0


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

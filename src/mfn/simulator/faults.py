"""Faults that tests plant between Amazon and its callers, on demand and without delay."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

LOGIN = "loginWithAmazon"
"""The name of Login with Amazon among the operations."""


@dataclass(frozen=True)
class Fault:
    """What becomes of one request.

    Attributes:
        kind: `none` lets it pass; `answer` answers something else; `drop` closes the connection without a byte;
            `truncate` closes it half-way through the body; `hang` never answers, until the caller gives up.
        after_deed: The operation is done first, so that only its answer is lost; before it otherwise.
        status: Of an answer.
        body: Of an answer.
        media_type: Of an answer.
    """

    kind: Literal["none", "answer", "drop", "truncate", "hang"] = "none"
    after_deed: bool = False
    status: int = 500
    body: bytes = b""
    media_type: str = "application/json"


class Faults:
    """The faults to come, in order for each operation; none left means that all goes well.

    Attributes:
        without_recipients: Amazon leaves the recipient out of every order, as for an account without the role for it.
        denied: Operations that Amazon denies, as to an application without the role for them.
        feed_endings: How the next feeds end, in order: `FATAL`, `CANCELLED`, or `IN_PROGRESS` for never.
        report_endings: The same of the next reports.
        refused_skus: Seller SKUs that Amazon takes no quantity for, alone or in a feed, and its words for each.
        takes_unlisted: Amazon takes what is sent for a SKU that it does not list without a word, as it is known to
            do at times; it says so otherwise.
    """

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.without_recipients = False
        self.denied: set[str] = set()
        self.feed_endings: deque[str] = deque()
        self.report_endings: deque[str] = deque()
        self.refused_skus: dict[str, str] = {}
        self.takes_unlisted = False

    def refusals(self, sku: str, *, is_listed: bool) -> list[str]:
        """What Amazon says against a quantity for a SKU; empty where it takes it.

        Args:
            sku: The seller SKU.
            is_listed: Whether there is a listing of it.
        """
        if sku in self.refused_skus:
            return [self.refused_skus[sku]]
        return [] if is_listed or self.takes_unlisted else [f"There is no listing for SKU {sku}."]

    def let_pass(self, operation: str, times: int = 1) -> None:
        """Let the next requests pass before what is planted after this.

        Args:
            operation: Amazon's name, e.g. `searchOrders`, or `loginWithAmazon`.
            times: How many.
        """
        self._queues[operation].extend([Fault()] * times)

    def answer(
        self,
        operation: str,
        status: int,
        body: bytes | str | dict[str, Any] = b"",
        *,
        media_type: str = "application/json",
        after_deed: bool = False,
        times: int = 1,
    ) -> None:
        """Answer something else.

        Args:
            operation: Amazon's name.
            status: The HTTP status.
            body: The body: bytes or text as it is, a dictionary as JSON.
            media_type: The Content-Type.
            after_deed: Whether the operation is done first.
            times: For how many requests.
        """
        encoded = body.encode() if isinstance(body, str) else body
        encoded = msgspec.json.encode(encoded) if isinstance(encoded, dict) else encoded
        self._queues[operation].extend([Fault("answer", after_deed, status, encoded, media_type)] * times)

    def drop(self, operation: str, *, after_deed: bool = False, times: int = 1) -> None:
        """Close the connection without a byte.

        Args:
            operation: Amazon's name.
            after_deed: Whether the operation is done first, so that only its answer is lost.
            times: For how many requests.
        """
        self._queues[operation].extend([Fault("drop", after_deed)] * times)

    def truncate(self, operation: str, times: int = 1) -> None:
        """Close the connection half-way through the right answer's body.

        Args:
            operation: Amazon's name.
            times: For how many requests.
        """
        self._queues[operation].extend([Fault("truncate", after_deed=True)] * times)

    def hang(self, operation: str, *, after_deed: bool = False, times: int = 1) -> None:
        """Never answer, until the caller gives up.

        Args:
            operation: Amazon's name.
            after_deed: Whether the operation is done first, so that only its answer is lost.
            times: For how many requests.
        """
        self._queues[operation].extend([Fault("hang", after_deed)] * times)

    def refuse_login(self, error: str = "invalid_grant", times: int = 1) -> None:
        """Let Login with Amazon refuse.

        Args:
            error: `invalid_grant` for the refresh token (400), `invalid_client` for the application (401), …
            times: How often.
        """
        body = {"error": error, "error_description": f"Refused on purpose: {error}."}
        self.answer(LOGIN, 401 if error == "invalid_client" else 400, body, times=times)

    def take(self, operation: str) -> Fault:
        """The fault for the request that has just come."""
        queue = self._queues[operation]
        return queue.popleft() if queue else Fault()


def spoil(fault: Fault, response: Response | None) -> Response:
    """What is sent instead.

    Args:
        fault: Any kind but `none`.
        response: The right answer, where the deed has been done.
    """
    if fault.kind == "answer":
        return Response(fault.body, fault.status, media_type=fault.media_type)
    return _Spoilt(fault, response)


class _Spoilt(Response):
    def __init__(self, fault: Fault, response: Response | None) -> None:
        super().__init__(status_code=response.status_code if response else 200)
        self.fault = fault
        self.whole = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = OPEN_CONNECTIONS[(tuple(scope["server"]), tuple(scope["client"]))]
        if self.fault.kind == "truncate" and self.whole is not None:
            body = bytes(self.whole.body)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.whole.raw_headers})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()  # after what has been written
        elif self.fault.kind == "drop":
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


OPEN_CONNECTIONS: dict[tuple[tuple[Any, ...], tuple[Any, ...]], asyncio.Transport] = {}
"""The connections by both their addresses; ASGI has no word for closing one, so it is done where asyncio does it."""


class ObservedConnection(H11Protocol):
    """uvicorn's own connection, entered in the list of open ones."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        """A caller has connected."""
        super().connection_made(transport)
        OPEN_CONNECTIONS[self._addresses()] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """A caller is gone."""
        OPEN_CONNECTIONS.pop(self._addresses(), None)
        super().connection_lost(exc)

    def _addresses(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(self.server or ()), tuple(self.client or ())

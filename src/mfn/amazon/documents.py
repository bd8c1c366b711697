"""Documents of feeds and reports: uploaded and downloaded at presigned URLs, which are valid for five minutes.

Addresses and compression: Amazon's models feeds_2021-06-30.json and reports_2021-06-30.json of 2026-04-01.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from msgspec import Struct
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from mfn.amazon import failures
from mfn.amazon.answers import clipped
from mfn.amazon.bounded import DOCUMENT_BYTES, unpacked, within
from mfn.amazon.calling import tried_again
from mfn.amazon.failures import RUN_AGAIN, AmazonUnavailableError
from mfn.errors import FatalError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.amazon.transport import Library

CLOSED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND})
"""How the store behind a URL answers once its five minutes are over."""

UNDER_WAY = frozenset({"IN_QUEUE", "IN_PROGRESS"})
"""The statuses of a feed or report that Amazon is still processing."""

ADDRESSES = 3
"""How many URLs are requested for one document."""


class AddressClosedError(RetriableError):
    """The URL of a document has expired; a new one will work."""


class Created(Struct, rename="camel"):
    """A document whose content has yet to be uploaded.

    Attributes:
        feed_document_id: Amazon's id.
        url: The URL to upload it to.
    """

    feed_document_id: str
    url: str


class Described(Struct, rename="camel"):
    """Where a document is, as Amazon describes it.

    Attributes:
        url: Its URL.
        compression_algorithm: `GZIP`, or None for none.
    """

    url: str
    compression_algorithm: str | None = None


@dataclass(frozen=True)
class Document:
    """A document that was fetched, no longer compressed.

    Attributes:
        content: Its content.
        charset: The encoding of its text according to its store; empty if unknown.
    """

    content: bytes
    charset: str


class Documents:
    """Uploads and downloads documents, which no rate limit concerns; retried a few times with growing pauses."""

    def __init__(self, library: Library, wait: Callable[[float], None]) -> None:
        self._library = library
        self._wait = wait

    def hand_in(self, what: str, create: Callable[[], Created], content: bytes, content_type: str) -> str:
        """Upload a document; if its URL has expired, another document is created.

        Args:
            what: Which document, for messages.
            create: Has Amazon create one.
            content: Its content.
            content_type: The one given to Amazon when the document was created.

        Returns:
            Amazon's id of it.

        Raises:
            RetriableError: It failed at every attempt.
            FatalError: It is refused.
        """

        def attempt() -> str:
            created = create()
            tried_again(self._wait)(
                lambda: _answer(what, lambda: self._library.upload(created.url, content, content_type))
            )
            return created.feed_document_id

        return _with_a_new_address()(attempt)

    def fetch(self, what: str, describe: Callable[[], Described]) -> Document:
        """Download a document; if its URL has expired, a new one is requested.

        Raises:
            RetriableError: It failed at every attempt, or is not what it should be.
            FatalError: It is refused.
        """
        return _with_a_new_address()(lambda: self._download(what, describe()))

    def _download(self, what: str, described: Described) -> Document:
        def attempt() -> Document:
            response = _answer(what, lambda: self._library.download(described.url))
            content = response.content
            if described.compression_algorithm is not None:
                content = _decompressed(what, described.compression_algorithm, response)
            if not content.strip():
                raise failures.unreadable(what, response, ValueError("it is empty"))
            return Document(content, response.charset_encoding or "")

        return tried_again(self._wait)(attempt)


def _with_a_new_address() -> Retrying:
    return Retrying(stop=stop_after_attempt(ADDRESSES), retry=retry_if_exception_type(AddressClosedError), reraise=True)


def _answer(what: str, send: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer of a store, if it is a success."""
    try:
        response = send()
    except httpx.InvalidURL as error:
        raise AmazonUnavailableError(f"{what}: Amazon gave an invalid address ({error}).", remedy=RUN_AGAIN) from None
    except httpx.RequestError as error:
        raise failures.unreachable(what, error) from None
    status = response.status_code
    if status == httpx.codes.OK:
        return response
    message = f"{what}: HTTP {status} from the document's address."
    if status in CLOSED:
        raise AddressClosedError(message, remedy=RUN_AGAIN)
    if not httpx.codes.is_client_error(status) or status in (
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
    ):
        raise AmazonUnavailableError(message, remedy=RUN_AGAIN)
    raise FatalError(
        message,
        remedy="Check that no proxy in between changes what is sent to amazonaws.com; otherwise open a case with "
        "Amazon's Selling Partner API support.",
    )


def _decompressed(what: str, algorithm: str, response: httpx.Response) -> bytes:
    try:
        if algorithm != "GZIP":
            raise ValueError(f"Amazon compressed it with {clipped(algorithm)}")  # noqa: TRY301 - one way out for both
        return b"".join(within(unpacked([response.content]), DOCUMENT_BYTES, what=f"{what}, unpacked,"))
    except (ValueError, EOFError, zlib.error) as error:
        raise failures.unreadable(what, response, error) from None

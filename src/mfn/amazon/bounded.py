"""Answers limited in length and time, whatever a server sends, compressed or not, and however slowly.

httpx itself reads an answer to its end, undoes any number of stacked encodings, and counts a single byte within its
timeout as progress.
"""

from __future__ import annotations

import time
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx

from mfn.errors import FatalError
from mfn.http_environment import DIRECTLY

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

MEGABYTE = 1024 * 1024
ANSWER_BYTES = 64 * MEGABYTE
"""The limit of an answer of the API; a page of a hundred orders has one megabyte."""

DOCUMENT_BYTES = 512 * MEGABYTE
"""The limit of an unpacked report; one of 500,000 listings has half of that."""

PATIENCE = 20
"""How long an answer may take as a whole, in timeouts of a single read."""

STEP = MEGABYTE
"""How many bytes are unpacked at a time."""

GZIP = "gzip"
GZIP_BITS = 16 + zlib.MAX_WBITS


class TooLargeError(FatalError):
    """An answer is larger than anything Amazon has reason to send."""


class BoundedClient(httpx.Client):
    """A client whose answers are unpacked here, and cut off after a number of bytes and after some time.

    Args:
        most: How many bytes an answer may have, as sent and unpacked.
        timeout_seconds: How long each read and write may take.
        connect_seconds: How long connecting may take.
        certificates: The authorities that are trusted.
    """

    def __init__(
        self, *, most: int, timeout_seconds: float, connect_seconds: float, certificates: ssl.SSLContext
    ) -> None:
        super().__init__(
            verify=certificates,
            timeout=httpx.Timeout(timeout_seconds, connect=connect_seconds),
            headers={"accept-encoding": GZIP},
            mounts=DIRECTLY,
        )
        self._most = most
        self._patience = timeout_seconds * PATIENCE

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request and read the answer to its end.

        Args:
            request: The request.
            options: httpx's own.

        Raises:
            TooLargeError: The answer is too large.
            httpx.RequestError: There is no complete answer, it takes too long as a whole, or is compressed in another
                way than gzip.
        """
        ends_at = time.monotonic() + self._patience
        with closing(super().send(request, **options | {"stream": True})) as response:
            encoding = response.headers.pop("content-encoding", "").strip().lower()
            if encoding not in {"", "identity", GZIP}:
                raise httpx.DecodingError(f"its content-encoding is {encoding[:40]!r}", request=request)
            host = request.url.host
            body = within(_in_time(response, ends_at), self._most, what=f"the answer of {host}")
            if encoding == GZIP:
                body = within(unpacked(body), self._most, what=f"the unpacked answer of {host}")
            try:
                content = b"".join(body)
            except (zlib.error, EOFError) as error:
                raise httpx.DecodingError(str(error), request=request) from None
            status, headers = response.status_code, response.headers
        return httpx.Response(status, headers=headers, content=content, request=request)


def _in_time(response: httpx.Response, ends_at: float) -> Iterator[bytes]:
    for chunk in response.iter_raw():
        if time.monotonic() > ends_at:
            raise httpx.ReadTimeout("it came too slowly to finish", request=response.request)
        yield chunk


def within(chunks: Iterable[bytes], most: int, *, what: str) -> Iterator[bytes]:
    """Pass chunks on as they come, up to a limit.

    Args:
        chunks: Parts of something.
        most: How many bytes there may be in all.
        what: What it is, for the message.

    Raises:
        TooLargeError: There are more.
    """
    left = most
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TooLargeError(
                f"{what} is larger than {most // MEGABYTE} MB; reading stopped.",
                remedy="Check that the endpoint in connections.yaml, or a proxy in between, leads to Amazon; if it"
                " does, open a case with Amazon's Selling Partner API support.",
            )
        yield chunk


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip in parts of at most `STEP` bytes, however much a chunk expands to; nothing for an empty file.

    Args:
        chunks: Parts of a gzip file; it may have several members.

    Raises:
        zlib.error: It is not a gzip file.
        EOFError: It ends too early.
    """
    members, is_begun = 0, False
    unpacker = zlib.decompressobj(GZIP_BITS)
    for chunk in chunks:
        packed = chunk
        while packed:
            if members and not is_begun:
                packed = packed.lstrip(b"\0")  # some writers pad their last block
                if not packed:
                    break
            is_begun = True
            part = unpacker.decompress(packed, STEP)
            if part:
                yield part
            packed = unpacker.unconsumed_tail
            if unpacker.eof:
                packed, members, is_begun = unpacker.unused_data, members + 1, False
                unpacker = zlib.decompressobj(GZIP_BITS)
    if is_begun:
        yield unpacker.flush(STEP)
        raise EOFError("the gzip data ends too early")

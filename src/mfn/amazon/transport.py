"""python-amazon-sp-api 2.1, confined to what this project needs: the requests it builds, and nothing behind our back.

What the library does on its own, and what is done about it here:

* It takes an empty 503, an HTML page or a 429 without a body for an empty answer: answers are passed on as they came,
  status and bytes, and the library parses none.
* `SP_API_DEFAULT_MARKETPLACE` and `AWS_ENV` choose another marketplace or the sandbox, or break its import: they are
  hidden from it, and the endpoint is the connection's.
* It logs tokens, addresses and whole answers on DEBUG, and httpx every URL on INFO: their loggers stay at WARNING.
* Its login has a timeout of 5 s, and a cache of tokens for the whole process that knows neither application nor host,
  nor when a token expires: the login here has our timeout, and one token for each account.
* It sets a wrong Host header for http:// endpoints: httpx sets it.
* Its httpx reads whatever is sent, however much: answers are limited here (`mfn.amazon.bounded`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import msgspec
from msgspec import Meta, Struct

from mfn.amazon import failures
from mfn.amazon.answers import UNREADABLE
from mfn.amazon.bounded import ANSWER_BYTES, DOCUMENT_BYTES, BoundedClient
from mfn.http_environment import errors_in_words

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from mfn.amazon.credentials import Credentials

LOGIN_ENDPOINT = "https://api.amazon.com"
CONNECT_SECONDS = 10
LIFETIME_SECONDS = 3600.0
"""How long a token is valid if Login with Amazon does not say so."""

GOOD_FOR = 0.9
"""The part of its lifetime after which a token is renewed, so that it outlasts the call."""


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """The environment without some variables, while a module is imported."""
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


with _without("SP_API_DEFAULT_MARKETPLACE", "AWS_ENV", "SP_API_AUTH_CACHE_SIZE", "SP_API_AUTH_CACHE_TTL"):
    from sp_api.api.listings_items.listings_items_2021_08_01 import (  # noqa: TID251 - this is the folder that may
        ListingsItemsV20210801,
    )
    from sp_api.api.orders.orders_2026_01_01 import OrdersV20260101  # noqa: TID251 - this is the folder that may
    from sp_api.api.orders.orders_v0 import OrdersV0  # noqa: TID251 - this is the folder that may
    from sp_api.auth import AccessTokenClient, AccessTokenResponse  # noqa: TID251 - this is the folder that may
    from sp_api.auth import Credentials as LoginCredentials  # noqa: TID251 - this is the folder that may
    from sp_api.base._transport_httpx import HttpxTransport  # noqa: TID251 - this is the folder that may


class _Grant(Struct):
    """A token of Login with Amazon, and how many seconds it is valid for, also as a text."""

    access_token: Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=10_000)]  # characters that a header can carry
    expires_in: float | None = None


class Login(AccessTokenClient):  # type: ignore[misc] # the library has no types
    """Login with Amazon for one account: the token is renewed in time, or at once after it was refused.

    Args:
        connection: The connection's name, for messages.
        endpoint: Base URL of Login with Amazon.
        credentials: What to show there.
        transport: How requests are sent.
    """

    def __init__(self, connection: str, endpoint: str, credentials: Credentials, transport: HttpxTransport) -> None:
        # The library's own __init__ would open a connection pool with a timeout that cannot be set.
        self.cred = LoginCredentials(None, credentials)
        self._connection = connection
        self._endpoint = endpoint
        self._transport = transport
        self._lock = threading.Lock()
        self._token: str | None = None
        self._expires_at = 0.0

    def get_auth(self) -> AccessTokenResponse:
        """The access token; a new one is requested if there is no valid one.

        Raises:
            AmazonUnavailableError: Login with Amazon cannot be reached or fails.
            FatalError: It refuses the credentials; names which.
        """
        with self._lock:
            if self._token is None or time.monotonic() >= self._expires_at:
                grant = self._ask()
                self._token = grant.access_token
                lifetime = LIFETIME_SECONDS if grant.expires_in is None else grant.expires_in
                self._expires_at = time.monotonic() + lifetime * GOOD_FOR
            return AccessTokenResponse(access_token=self._token)

    def forget(self, token: str) -> None:
        """Request a new token next time, because Amazon has refused this one; no effect if it has been replaced."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _ask(self) -> _Grant:
        what = f"Login with Amazon for the connection {self._connection}"
        try:
            response = self._transport.request("POST", self._endpoint + self.path, data=self.data, headers=self.headers)
        except httpx.RequestError as error:
            raise failures.unreachable(what, error) from None
        if response.status_code != httpx.codes.OK:
            raise failures.login_failed(self._connection, response)
        try:
            return msgspec.json.decode(response.content, type=_Grant, strict=False)
        except UNREADABLE as error:
            raise failures.unreadable(what, response, error) from None


class Library(OrdersV20260101, OrdersV0, ListingsItemsV20210801):  # type: ignore[misc] # the library has no types
    """The library's APIs in one client, whose every method returns the `httpx.Response` as it came.

    Of operations in both versions of the Orders API, it has those of 2026-01-01; `confirm_shipment` is still in version
    0. The library's own methods for feeds and reports download by themselves, without our timeouts, and send more than
    Amazon names: those operations are called by path.

    Args:
        endpoint: Base URL of the Selling Partner API.
        login: Where the access token comes from.
        transport: How requests are sent.
        stores: How documents are uploaded to their stores, and downloaded.
    """

    def __init__(self, endpoint: str, login: Login, transport: HttpxTransport, stores: httpx.Client) -> None:
        # The library's own __init__ would read the environment and open two more connection pools.
        self.endpoint = endpoint
        self.marketplace_id = None
        self.restricted_data_token = None
        self._auth = login
        self._transport = transport
        self._stores = stores

    @property
    def login(self) -> Login:
        """Where the access token comes from."""
        return self._auth

    @property
    def headers(self) -> dict[str, str]:
        """The library's headers, without the Host that it gets wrong."""
        return {name: value for name, value in super().headers.items() if name != "host"}

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Call an operation that reads, by its path, every part of which is percent-encoded."""
        response: httpx.Response = self._request(path, params={"method": "GET", **query}, add_marketplace=False)
        return response

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Call an operation that creates something, by its path, with the fields of its body."""
        response: httpx.Response = self._request(path, data={"method": "POST", **body}, add_marketplace=False)
        return response

    def upload(self, url: str, content: bytes, content_type: str) -> httpx.Response:
        """Upload a document to where Amazon said; no token is sent there.

        Args:
            url: The address, which opens the document to whoever has it.
            content: The document.
            content_type: The one given to Amazon.
        """
        return self._stores.put(url, content=content, headers={"content-type": content_type})

    def download(self, url: str) -> httpx.Response:
        """Download a document from where Amazon said; no token is sent there."""
        return self._stores.get(url)

    def close(self) -> None:
        """Close every connection, also those to the stores."""
        super().close()
        self._stores.close()

    def _check_response(self, res: httpx.Response, *_: Any) -> httpx.Response:
        return res


@cache
def library_of(
    connection: str, endpoint: str, lwa_endpoint: str, credentials: Credentials, timeout_seconds: float
) -> Library:
    """The client of this process for an account, created once, so that connections stay open and tokens are kept.

    Args:
        connection: The connection's name, for messages.
        endpoint: Base URL of the Selling Partner API.
        lwa_endpoint: Base URL of Login with Amazon.
        credentials: What to show there.
        timeout_seconds: How long each read and write may take.

    Raises:
        ConfigurationError: A proxy or a file of certificates that the environment names cannot be used.
    """

    def client(most: int) -> BoundedClient:
        return BoundedClient(
            most=most,
            timeout_seconds=timeout_seconds,
            connect_seconds=min(CONNECT_SECONDS, timeout_seconds),
            certificates=_certificates(),
        )

    with errors_in_words():
        answers, documents = client(ANSWER_BYTES), client(DOCUMENT_BYTES)
    transport = HttpxTransport(client=answers)
    return Library(endpoint, Login(connection, lwa_endpoint, credentials, transport), transport, documents)


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that every client trusts; reading them takes a tenth of a second."""
    return httpx.create_ssl_context()


def silence_libraries() -> None:
    """Keep tokens, URLs and buyers' data out of every log, whatever level the root logger has."""
    for name in ("sp_api", "sp_api.base.client", "httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level != logging.WARNING:  # setting a level clears the caches of every logger of the process
            logger.setLevel(logging.WARNING)

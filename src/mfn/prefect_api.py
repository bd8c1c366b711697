"""A Prefect server over HTTP, as the environment describes it; Prefect itself is not imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from mfn.http_environment import DIRECTLY, errors_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 30.0
NO_SUCH_PATH = {"detail": "Not Found"}
"""How a Prefect server answers outside of its API; within the API it names what it does not have."""

LETS_NOBODY_IN = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
SHOW_IT = "Set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING (user:password), to what that server accepts."
ENDS_IN_API = "Correct PREFECT_API_URL: that of a Prefect server ends in /api, e.g. http://127.0.0.1:4200/api."


def prefect_client(url: str, environ: Mapping[str, str]) -> httpx.Client:
    """A client of a Prefect API, with the credentials that the server accepts.

    Args:
        url: The API's base URL, e.g. `http://127.0.0.1:4200/api`.
        environ: Has `PREFECT_API_AUTH_STRING` (user:password) or `PREFECT_API_KEY`, if the server asks for one.

    Raises:
        httpx.InvalidURL: Not a URL.
        ConfigurationError: A proxy or a file of certificates that the environment names cannot be used.
    """
    headers: dict[str, str] = {}
    authentication: httpx.BasicAuth | None = None
    if string := environ.get("PREFECT_API_AUTH_STRING"):
        user, _, password = string.partition(":")
        authentication = httpx.BasicAuth(user, password)
    elif key := environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    address = httpx.URL(url)
    with errors_in_words():
        return httpx.Client(
            base_url=address, headers=headers, auth=authentication, timeout=TIMEOUT_SECONDS, mounts=DIRECTLY
        )


def is_of_prefect(answer: httpx.Response) -> bool:
    """Whether an answer comes from Prefect's API, rather than from its user interface or another program.

    Args:
        answer: A successful one, or one with status 404.
    """
    try:
        return not answer.content or answer.json() != NO_SUCH_PATH
    except ValueError:
        return False


def shown_url(url: str | httpx.URL) -> str:
    """A Prefect API's URL as others may see it: without the user and the password that it may contain.

    Args:
        url: The URL.

    Raises:
        httpx.InvalidURL: Not a URL.
    """
    return str(httpx.URL(url).copy_with(userinfo=b""))

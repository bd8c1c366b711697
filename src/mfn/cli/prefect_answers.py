"""Requests to the Prefect API, and the errors for people if there is no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_fixed

from mfn.errors import ConfigurationError, FatalError, RetriableError
from mfn.prefect_api import ENDS_IN_API, LETS_NOBODY_IN, SHOW_IT, is_of_prefect, shown_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PAGE = 200
"""How many items the API returns at most."""


def ask(
    client: httpx.Client, method: str, path: str, content: Any = None, *, allowed: Collection[int] = ()
) -> httpx.Response:
    """An answer of the Prefect API; a server whose database is locked says 503, did nothing, and is asked again.

    Args:
        client: A client of it.
        method: The HTTP method.
        path: Below its base URL.
        content: What is sent as JSON.
        allowed: Statuses of the 400s that are answers too.

    Raises:
        RetriableError: It cannot be reached, or breaks.
        FatalError: It refuses.
        ConfigurationError: It is none, or lets nobody in who shows what is configured.
    """
    busy = Retrying(
        retry=retry_if_result(lambda answer: answer.status_code == httpx.codes.SERVICE_UNAVAILABLE),
        stop=stop_after_attempt(20),
        wait=wait_fixed(0.25),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    try:
        answer: httpx.Response = busy(lambda: client.request(method, path, json=content))
    except httpx.HTTPError as error:
        raise RetriableError(
            f"the Prefect API at {shown_url(client.base_url)} cannot be reached: {type(error).__name__}.",
            remedy="Start it (mfn up, or prefect server start), or correct PREFECT_API_URL.",
        ) from None
    if (answer.is_success or answer.status_code == httpx.codes.NOT_FOUND) and not is_of_prefect(answer):
        raise ConfigurationError(f"{shown_url(client.base_url)} is not a Prefect API.", remedy=ENDS_IN_API)
    if answer.is_success or answer.status_code in allowed:
        return answer
    if answer.status_code in LETS_NOBODY_IN:
        raise ConfigurationError(
            f"the Prefect API at {shown_url(client.base_url)} denies access (HTTP {answer.status_code}).",
            remedy=SHOW_IT,
        )
    if answer.is_server_error:
        raise RetriableError(
            f"the Prefect API at {shown_url(client.base_url)} answered {answer.status_code} to {method} {path}.",
            remedy="Run the command again; what was already deployed stays.",
        )
    raise FatalError(
        f"the Prefect API refused {method} {path} with {answer.status_code}: {answer.text[:300]}",
        remedy="Compare its version (prefect version) with the one in requirements.lock, and report this error.",
    )


def ask_all(client: httpx.Client, path: str, like: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everything that the Prefect API has of a kind, page by page.

    Args:
        client: A client of it.
        path: The filter of that kind, e.g. `/deployments/filter`.
        like: Which ones, as the API's own filter.

    Raises:
        RetriableError: It cannot be reached, or breaks.
        FatalError: It refuses.
    """
    found: list[dict[str, Any]] = []
    while True:
        page = ask(client, "POST", path, {**like, "limit": PAGE, "offset": len(found)}).json()
        found += page
        if len(page) < PAGE:
            return found

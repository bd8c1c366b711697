"""The report site as a web application: pages made by the server, GET only, no script, nothing from another host."""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from mfn.errors import ConfigurationError, MfnError
from mfn.site import expectations, orders, runs
from mfn.site.opening import NoLedgerError, NotFoundError
from mfn.site.pages import page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mfn.settings import Settings

logger = logging.getLogger(__name__)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

REFUSALS = {404: ("Not found", "This page does not exist."), 405: ("Not possible", "This site is read-only.")}


def build_site(settings: Settings) -> FastAPI:
    """Build the site.

    It answers to the names of this machine's loopback, to any bare IP address, and to the host of `MFN_REPORTS_URL`, so
    that a page elsewhere cannot read it by pointing its own name at this machine (DNS rebinding).

    Args:
        settings: The settings in force.
    """
    site = FastAPI(title="Reports", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    site.state.settings = settings
    site.add_api_route("/health", health)
    for part in (runs, orders, expectations):
        site.include_router(part.router)

    @site.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            answer = await go_on(request) if _is_known_host(request, settings) else _foreign_host(request)
        except Exception as error:
            logger.exception("a page of the report site failed: %s", request.url.path)
            answer = _unforeseen(request, error)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    @site.exception_handler(MfnError)
    def failed(request: Request, error: MfnError) -> Response:
        wrong = isinstance(error, ConfigurationError)
        return _message_page(request, 422 if wrong else 503, "This cannot be shown", error.message, error.remedy)

    @site.exception_handler(NotFoundError)
    def missing(request: Request, error: NotFoundError) -> Response:
        return _message_page(request, 404, "Not found", error.message, error.remedy)

    @site.exception_handler(NoLedgerError)
    def empty(request: Request, _error: NoLedgerError) -> Response:
        return _message_page(
            request, 200, "Nothing has run yet", f"There is no ledger in {settings.home}.", "mfn import CONNECTION"
        )

    @site.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        title, message = REFUSALS.get(error.status_code, ("Not possible", str(error.detail)))
        return _message_page(request, error.status_code, title, message)

    return site


def health() -> PlainTextResponse:
    """Whether the site answers."""
    return PlainTextResponse("ok\n")


def _message_page(request: Request, status: int, title: str, message: str, remedy: str = "") -> Response:
    depth = max(0, request.url.path.count("/") - 1)
    return page("message", root="../" * depth or "./", status=status, title=title, message=message, remedy=remedy)


def _unforeseen(request: Request, error: Exception) -> Response:
    message = f"Unexpected error: {type(error).__name__}."
    return _message_page(
        request, 500, "This cannot be shown", message, "See the site's log for details and report them."
    )


def _foreign_host(request: Request) -> Response:
    message = f"This site does not answer to the name {request.url.hostname!r}."
    return _message_page(request, 400, "Unknown host", message, "Set MFN_REPORTS_URL to the address that people use.")


def _is_known_host(request: Request, settings: Settings) -> bool:
    host = (request.url.hostname or "").lower()
    if host in {"localhost", urlsplit(settings.reports_url or "").hostname}:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

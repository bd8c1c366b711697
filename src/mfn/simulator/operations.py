"""What all operations have in common: access token, usage plan, Amazon's headers, its errors, and planted faults."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from mfn.simulator.faults import spoil
from mfn.simulator.plans import PLANS
from mfn.simulator.replies import AmazonError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response

    from mfn.simulator.local_amazon import LocalAmazon

THROTTLED = 429
FORBIDDEN = 403


def local_amazon(request: Request) -> LocalAmazon:
    """The state behind a request."""
    amazon: LocalAmazon = request.app.state.amazon
    return amazon


def operations() -> APIRouter:
    """A router whose routes are operations of Amazon; the `operation_id` of each is Amazon's name.

    Those that have a usage plan ask for an access token and charge the plan; the others (Login with Amazon, documents
    behind an address of their own) do not.
    """
    return APIRouter(route_class=_Operation)


class _Operation(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        perform = super().get_route_handler()
        name = str(self.operation_id)

        async def handle(request: Request) -> Response:
            amazon = local_amazon(request)
            amazon.agenda.catch_up()
            fault = amazon.faults.take(name)
            response = None
            if fault.kind == "none" or fault.after_deed:
                response = await _answer(amazon, name, request, perform)
            sent = spoil(fault, response) if fault.kind != "none" or response is None else response
            amazon.note(name, str(request.url.query), sent.status_code if response or fault.kind == "answer" else 0)
            return sent

        return handle


def _let_in(amazon: LocalAmazon, name: str, request: Request) -> None:
    amazon.access.check(request.headers.get("x-amz-access-token"))
    if name in amazon.faults.denied:
        raise AmazonError(FORBIDDEN, "Unauthorized", "Access to requested resource is denied.")


async def _answer(
    amazon: LocalAmazon, name: str, request: Request, perform: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    planned = name in PLANS
    try:
        if planned:
            _let_in(amazon, name, request)
            amazon.plans.charge(name)
        response = await perform(request)
    except AmazonError as error:
        response = error.reply()
    response.headers["x-amzn-RequestId"] = secrets.token_hex(16)
    # Amazon's models show the rate on every answer but the refusals.
    if planned and response.status_code not in {THROTTLED, FORBIDDEN}:
        response.headers["x-amzn-RateLimit-Limit"] = format(amazon.plans.rate(name), ".10g")
    return response

"""The FastAPI application that answers as Amazon."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import FastAPI

from mfn.simulator import (
    access,
    documents_api,
    feeds_api,
    listings_api,
    orders_api,
    reports_api,
    sellers_api,
    shipments_api,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mfn.simulator.local_amazon import LocalAmazon

MODULES = (
    *(access, sellers_api, orders_api, shipments_api, listings_api),
    *(feeds_api, reports_api, documents_api),
)

LOOK_SECONDS = 1.0


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    """What is due happens even if nobody asks: a subscriber waits for it without asking."""

    async def live() -> None:
        while True:
            app.state.amazon.agenda.catch_up()
            await asyncio.sleep(LOOK_SECONDS)

    life = asyncio.create_task(live())
    yield
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life


def create_app(amazon: LocalAmazon) -> FastAPI:
    """The application.

    Args:
        amazon: The account that it serves; also `app.state.amazon`.
    """
    description = "The operations of the Selling Partner API that mfn calls."
    app = FastAPI(title="A local Amazon", description=description, lifespan=_living)
    app.state.amazon = amazon
    for module in MODULES:
        app.include_router(module.router)
    return app

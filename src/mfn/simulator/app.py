"""The FastAPI application that answers as Amazon."""

from __future__ import annotations

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
    from mfn.simulator.local_amazon import LocalAmazon

MODULES = (
    *(access, sellers_api, orders_api, shipments_api, listings_api),
    *(feeds_api, reports_api, documents_api),
)


def create_app(amazon: LocalAmazon) -> FastAPI:
    """The application.

    Args:
        amazon: The account that it serves; also `app.state.amazon`.
    """
    app = FastAPI(title="A local Amazon", description="The operations of the Selling Partner API that mfn calls.")
    app.state.amazon = amazon
    for module in MODULES:
        app.include_router(module.router)
    return app

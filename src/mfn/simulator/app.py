"""The FastAPI application that answers as Amazon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from mfn.simulator import access, feeds_api, listings_api, orders_api, sellers_api, shipments_api

if TYPE_CHECKING:
    from mfn.simulator.local_amazon import LocalAmazon


def create_app(amazon: LocalAmazon) -> FastAPI:
    """The application.

    Args:
        amazon: The account that it serves; also `app.state.amazon`.
    """
    app = FastAPI(title="A local Amazon", description="The operations of the Selling Partner API that mfn calls.")
    app.state.amazon = amazon
    for module in (access, orders_api, shipments_api, listings_api, feeds_api, sellers_api):
        app.include_router(module.router)
    return app

"""The orders, and the story of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from mfn.errors import ConfigurationError
from mfn.site.opening import NotFoundError, ledger_of
from mfn.site.pages import page
from mfn.steps.order_timeline import tell_order

if TYPE_CHECKING:
    from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/orders/{order_id}", response_model=None)
def order(request: Request, order_id: str) -> HTMLResponse:
    """Where an order stands, why, what to do, and what runs and people did with it."""
    try:
        story = tell_order(ledger_of(request), order_id)
    except ConfigurationError as error:
        raise NotFoundError(error.message, remedy=error.remedy, root="../") from None
    return page("order", root="../", story=story)

"""The pages of the orders, and of each single one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the types when it runs

from mfn.amazon.marketplaces import BY_NAME
from mfn.errors import ConfigurationError
from mfn.ledger.known_connections import known_connections
from mfn.ledger.order_listing import find_orders
from mfn.reports.grouping import read_instructions
from mfn.site.filters import STATUSES, read_order_filter
from mfn.site.opening import NotFoundError, ledger_of
from mfn.site.pages import one_page, page
from mfn.steps.orders.decisions import RELEASABLE
from mfn.steps.orders.folding import fold
from mfn.steps.orders.timeline import order_story, standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.models import Reason
    from mfn.reports.grouping import Instruction

MARKETPLACES = {marketplace.marketplace_id: name for name, marketplace in BY_NAME.items()}

router = APIRouter()


@router.get("/orders")
def orders(request: Request) -> HTMLResponse:
    """The orders that match the filter, the most urgent first."""
    ledger = ledger_of(request)
    connections = known_connections(ledger)
    asked = read_order_filter(request.query_params, connections)
    find = partial(
        find_orders,
        ledger,
        connections=[asked.connection] if asked.connection else connections,
        statuses=asked.statuses,
        reason=asked.reason,
        sfp=asked.sfp,
        text=asked.text,
    )
    found, is_last = one_page(find, asked.page)
    return page(
        "orders",
        root="./",
        orders=[standing_of(row) for row in found],
        is_last=is_last,
        asked=asked,
        given={
            "connection": asked.connection,
            "status": asked.status,
            "reason": asked.reason,
            "sfp": "1" if asked.sfp else None,
            "order": asked.text,
        },
        connections=connections,
        statuses=STATUSES,
        seen_at=datetime.now(UTC),
    )


@router.get("/orders/{order_id:path}")
def order(request: Request, order_id: str) -> HTMLResponse:
    """The status of an order, why, what to do, and what runs and people did with it."""
    try:
        story = order_story(ledger_of(request), order_id)
    except ConfigurationError as error:
        raise NotFoundError(error.message, remedy=error.remedy, root="../") from None
    return page(
        "order",
        root="../",
        story=story,
        todo={standing.connection: _todo(standing.reasons) for standing in story.standings},
        releasable=[
            standing.connection
            for standing in story.standings
            if RELEASABLE.issuperset(reason.code for reason in standing.reasons)
        ],
        timeline=fold(story.timeline),
        marketplaces=MARKETPLACES,
        seen_at=datetime.now(UTC),
    )


def _todo(reasons: Iterable[Reason]) -> list[tuple[Reason, tuple[Instruction, ...]]]:
    """Reasons, each with what to do about it."""
    return [(reason, read_instructions([reason.remedy])) for reason in reasons]

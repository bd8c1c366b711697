"""Erase: everything about the buyer of one order, removed at once because the buyer asks for that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from mfn.connections import find_connection
from mfn.database.forgetting import empty_log
from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.buyers_data import places_of
from mfn.ledger.known_connections import of_order
from mfn.ledger.landing import index_pages
from mfn.ledger.leases import lease
from mfn.ledger.opening import existing_ledger
from mfn.ledger.order_ends import ends_of, note_erased
from mfn.ledger.orders import GIVEN, UNFINISHED, tracked_orders
from mfn.ledger.removal import Removing
from mfn.ledger.schema import BatchOrder, LandedOrder, OrderEnd, TrackedOrder
from mfn.models import BatchRef, OrderStatus
from mfn.moments import iso
from mfn.steps.orders.decisions import Fault
from mfn.steps.privacy.purge import WHY_SETTLED, warehouse_of
from mfn.steps.workplace import open_workplace, writing_under_lease
from mfn.warehouse.order_states import CANCELLED, SHIPPED

if TYPE_CHECKING:
    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

ERASE = "erase"
"""The purpose for the audit trail."""


def erase(settings: Settings, order_id: str, *, connection: str | None = None) -> dict[str, Any]:
    """Remove everything about the buyer of an order from the ledger and from the warehouse's tables, now.

    What is not about a person stays: its id, its dates, its items, what runs and people did with it, its parcels. If it
    lands again, the next purge removes it again. Repeating this removes the rest.

    Args:
        settings: The settings in force.
        order_id: Amazon's order id.
        connection: The connection that has it; needed only where several have one with this id.

    Returns:
        `order_id`, `connection`, `erased` (when it first was, ISO 8601 in UTC), `ledger` and `warehouse`: whether
        something of the buyer was there.

    Raises:
        ConfigurationError: There is no ledger, no connection has it, or several have, or it is still to be shipped;
            nothing was done.
        LeaseHeldError: An import or a purge is at work on the connection; nothing was done.
        RunFailedError: The ledger or the warehouse could not be reached after it had begun; it has what was done.
    """
    if connection is not None:
        find_connection(settings, connection)
    ledger = existing_ledger(settings)
    name = _connection_of(ledger, order_id, connection)
    now, by = datetime.now(UTC), psutil.Process().username()
    # An import keeps what has landed in memory: none may be at work while that is removed.
    with lease(ledger, name, "purge"), lease(ledger, name, "import") as token:
        place = open_workplace(settings, name, lease=token)
        _refuse_open(place, order_id)
        with writing_under_lease(ledger, token) as database:
            note_erased(database, name, order_id, at=now, by=by)
        did: dict[str, Any] = {"ledger": False, "warehouse": False}
        try:
            index_pages(ledger, BatchRef("", name, "import", "", token))
            removing = Removing(ledger, name, token, now, WHY_SETTLED, ERASE)
            did["ledger"] = removing.remove([order_id]) > 0
            empty_log(ledger.engine)
            warehouse = warehouse_of(place)
            did["warehouse"] = warehouse is not None and bool(warehouse.scrub([order_id]))
        except MfnError as error:
            raise RunFailedError(error, _result(ledger, name, order_id) | did) from error
    return _result(ledger, name, order_id) | did


def _result(ledger: Ledger, name: str, order_id: str) -> dict[str, Any]:
    (row,) = ends_of(ledger, [order_id], connection=name)
    return {"order_id": order_id, "connection": name, "erased": iso(row.erased_at)}


def _connection_of(ledger: Ledger, order_id: str, connection: str | None) -> str:
    """The one connection that has an order, or had it."""
    found: set[str] = set()
    with ledger.reading() as database:
        for model in (TrackedOrder, LandedOrder, BatchOrder, OrderEnd):
            having = of_order(model, order_id).with_only_columns(model.connection)
            found.update(database.execute(having).scalars())
    names = sorted(found if connection is None else found & {connection})
    if len(names) == 1:
        return names[0]
    if names:
        raise ConfigurationError(
            f"several connections have an order {order_id!r}: {', '.join(names)}.",
            remedy=f"Say which one: --connection {names[0]}.",
        )
    whose = f"connection {connection} has no order" if connection else "the ledger has no order"
    raise ConfigurationError(f"{whose} {order_id!r}.", remedy="Check the id: mfn orders lists all orders.")


def _refuse_open(place: Workplace, order_id: str) -> None:
    """Refuse an order that somebody may still have to ship: without an address it could not be."""
    name = place.connection.name
    row = tracked_orders(place.ledger, name, [order_id]).get(order_id)
    ends = ends_of(place.ledger, [order_id], connection=name)
    if any(end.shipped_at or end.delivered_at or end.cancelled_at for end in ends):
        return
    refusal = _not_judged(place, order_id) if row is None else _still_open(place, row)
    if refusal is not None:
        raise ConfigurationError(
            f"order {order_id} of {name} {refusal.problem}; nothing was erased.", remedy=refusal.remedy
        )


def _not_judged(place: Workplace, order_id: str) -> Fault | None:
    """Whether an order has only landed: a run was interrupted before its verdict, or was a dry run."""
    if not places_of(place.ledger, place.connection.name, [order_id]):
        return None
    look = f"mfn import {place.connection.name} --order {order_id}"
    return Fault(
        "has landed, but no import has decided yet whether it has to ship",
        f"Run {look}. Then run mfn erase {order_id} again.",
    )


def _still_open(place: Workplace, row: Row[Any]) -> Fault | None:
    name, again = place.connection.name, f"Then run mfn erase {row.order_id} again."
    if row.status in UNFINISHED:
        dismiss = f"mfn orders dismiss {row.order_id} --why 'the buyer wants the data erased'"
        return Fault(
            f"is {row.status} and still has to ship",
            f"Cancel it in Seller Central if it must not be shipped, and dismiss it: {dismiss}. {again}",
        )
    if row.status == OrderStatus.PENDING:
        return Fault("waits for its payment at Amazon", f"Cancel it in Seller Central, run mfn import {name}. {again}")
    if row.status in GIVEN:
        return _in_warehouse(place, row, again)
    return None


def _in_warehouse(place: Workplace, row: Row[Any], again: str) -> Fault | None:
    """Whether the warehouse has yet to ship an order, or its shipment has yet to be confirmed to Amazon."""
    name = place.connection.name
    place.warehouse.await_writer()  # a run may be stuck just before it writes there
    status = place.warehouse.states([row.order_id]).get(row.order_id, "").lower()
    if status == CANCELLED:
        return None
    if status != SHIPPED:
        return Fault(
            f"is in the warehouse ({status or 'unknown there'}) and not shipped",
            f"Ship it, or cancel it in Seller Central and run mfn import {name}. {again}",
        )
    # If nobody ever ran mfn confirm, another system confirms parcels.
    if list_batches(place.ledger, connection=name, kind="confirm", limit=1):
        rest = f"if the rest was cancelled at Amazon, run mfn import {name} --order {row.order_id}"
        return Fault("has shipped but is not fully confirmed to Amazon yet", f"Run mfn confirm {name}; {rest}. {again}")
    return None

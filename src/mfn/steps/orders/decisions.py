"""Orders that a person releases or dismisses: all orders of one command, or none."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from mfn.connections import find_connection
from mfn.errors import ConfigurationError
from mfn.ledger.decisions import (
    DecisionKind,
    decisions_on,
    drop_staged,
    move_decided,
    released_reasons,
    write_decisions,
)
from mfn.ledger.leases import lease
from mfn.ledger.opening import existing_ledger
from mfn.ledger.order_listing import orders_with_id
from mfn.ledger.orders import IN_WAREHOUSE, read_reasons, reasons_text, tracked_orders
from mfn.ledger.retention import without_data
from mfn.models import OrderStatus, Reason
from mfn.rules.order_rules import CODES
from mfn.rules.settling import settlement_reason
from mfn.steps.orders.lost_orders import LOST, lost_orders
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from mfn.ledger.decisions import Known
    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings

RELEASABLE = frozenset(
    {"buyer_cancel_requested", "program_unsupported", "address_incomplete", CODES["hold"], CODES["fail"]}
)
"""Reasons that are a matter of judgement. With any other, the order cannot be loaded, or not sensibly."""

TAKEN_BACK = Reason(
    "dismissed", "it was dismissed by hand, then released", "The next import checks it again: mfn import CONNECTION."
)
"""The reason of an order that was ready when it was dismissed and has been released since."""


class Fault(NamedTuple):
    """What prevents a decision about an order, or the removal of its buyer's data.

    Attributes:
        problem: What it is.
        remedy: What to do instead.
    """

    problem: str
    remedy: str


PACKED = Fault(
    "the warehouse has lost its row of wms_order, but there is a parcel of it",
    "Have the warehouse restore the row and its lines. If the parcel will not ship, have it voided instead, then"
    " release the order again.",
)
"""Loaded again, it might ship twice; without its row, the parcel is not confirmed."""


@dataclass(frozen=True)
class Refusal:
    """An order for which a decision is refused.

    Attributes:
        order_id: As it was given.
        connection: The connection that has it, or None.
        problem: Why.
        remedy: What to do instead.
    """

    order_id: str
    connection: str | None
    problem: str
    remedy: str


@dataclass(frozen=True)
class _Plan:
    """The changes of the orders of one connection.

    Attributes:
        held_for: What each is held for now, as the ledger stores it.
        status: The new status of those that change.
        moved: Those that change, and the reasons of their new status.
        reserved: Those of them that keep the units promised to them.
    """

    held_for: Mapping[str, str | None]
    status: OrderStatus
    moved: Mapping[str, str | None]
    reserved: frozenset[str] = frozenset()


def release(
    settings: Settings, order_ids: Sequence[str], *, why: str, connection: str | None = None
) -> tuple[Refusal, ...]:
    """Let held orders through for the reasons that they show now, and take dismissed ones back to be examined.

    A released order stays held until the next import, which reads it from Amazon again and loads it, unless it is held
    for a reason that it was not released for. A dismissed order is held again for its former reasons. A loaded order
    that the warehouse has lost is held until the next import loads it again.

    Args:
        settings: The settings in force.
        order_ids: Amazon's order ids.
        why: The person's own words, for the audit trail.
        connection: The connection that has them; needed only where several have an id.

    Returns:
        One refusal for each order that cannot be released; if there are any, nothing was done.

    Raises:
        ConfigurationError: No reason is given, or there is no such connection, or no ledger.
        LeaseHeldError: An import is at work on a connection; nothing was done.
        RetriableError: The ledger or a warehouse could not be reached.
    """
    return _decide(settings, DecisionKind.RELEASED, order_ids, why, connection)


def dismiss(
    settings: Settings, order_ids: Sequence[str], *, why: str, connection: str | None = None
) -> tuple[Refusal, ...]:
    """Take orders out that are held, or ready and not loaded: no import examines or loads them until they are released.

    Their reservations are freed at once. What an interrupted import had staged of them is not loaded either. What it
    takes, returns and raises is as of `release`.
    """
    return _decide(settings, DecisionKind.DISMISSED, order_ids, why, connection)


def _decide(
    settings: Settings, kind: DecisionKind, order_ids: Sequence[str], why: str, connection: str | None
) -> tuple[Refusal, ...]:
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in why).split())
    if not words:
        raise ConfigurationError("--why is empty.", remedy="Give a reason, for example --why 'the buyer called'.")
    if connection is not None:
        find_connection(settings, connection)
    ledger = existing_ledger(settings)
    places, refusals = _placed(ledger, list(dict.fromkeys(order_ids)), connection)
    with ExitStack() as leases:
        # An import keeps the status of orders in memory: none may be at work while that is changed.
        tokens = {name: leases.enter_context(lease(ledger, name, "import")) for name in sorted(places)}
        found = {name: tracked_orders(ledger, name, places[name]) for name in tokens}
        refusals += [one for name in found for one in _refused(settings, ledger, kind, name, found[name])]
        if refusals:
            return tuple(sorted(refusals, key=lambda refusal: order_ids.index(refusal.order_id)))
        plans = {name: _planned(ledger, kind, name, rows) for name, rows in found.items()}
        with ledger.writing() as database:
            for name, plan in plans.items():
                drop_staged(database, name, tokens[name])
                write_decisions(database, name, kind, plan.held_for, by=psutil.Process().username(), why=words)
                move_decided(database, name, plan.status.value, plan.moved, reserved=plan.reserved)
    return ()


def _placed(
    ledger: Ledger, order_ids: Sequence[str], connection: str | None
) -> tuple[dict[str, list[str]], list[Refusal]]:
    """The orders by the connection that has them, and refusals for those that no connection has, or several."""
    places: dict[str, list[str]] = {}
    refusals = []
    for order_id in order_ids:
        names = [row.connection for row in orders_with_id(ledger, order_id, connection=connection)]
        if len(names) == 1:
            places.setdefault(names[0], []).append(order_id)
        elif names:
            remedy = f"Say which one: --connection {names[0]}."
            refusals.append(Refusal(order_id, None, f"several connections have it: {', '.join(names)}", remedy))
        else:
            whose = f"connection {connection} has no such order" if connection else "the ledger has no such order"
            remedy = f"Check the id, or fetch it: mfn import {connection or 'CONNECTION'} --order {order_id}."
            refusals.append(Refusal(order_id, connection, whose, remedy))
    return places, refusals


def _refused(
    settings: Settings, ledger: Ledger, kind: DecisionKind, name: str, rows: Mapping[str, Row[Any]]
) -> list[Refusal]:
    """Refusals for orders of one connection."""
    ready = [order_id for order_id, row in rows.items() if row.status == OrderStatus.READY]
    # A run may have died between the warehouse's commit and the ledger's, or be stuck in the former.
    there = _in_warehouse(settings, name, ready) if ready else set()
    lost = lost_orders(open_workplace(settings, name), rows) if kind == DecisionKind.RELEASED else {}
    released = released_reasons(ledger, name, rows.keys())
    with ledger.reading() as database:
        removed = set(without_data(database, name, rows))
    refusals = []
    for order_id, row in rows.items():
        if lost.get(order_id):
            continue
        fault = (
            PACKED
            if order_id in lost
            else _in_the_way(row, name, is_there=order_id in there or row.status in IN_WAREHOUSE)
        )
        fault = fault or (
            _against_release(row, name, released.get(order_id, frozenset()), is_removed=order_id in removed)
            if kind == DecisionKind.RELEASED
            else _against_dismissal(row)
        )
        if fault is not None:
            refusals.append(Refusal(order_id, name, *fault))
    return refusals


def _in_warehouse(settings: Settings, name: str, order_ids: Sequence[str]) -> set[str]:
    warehouse = open_workplace(settings, name).warehouse
    warehouse.await_writer()
    return set(warehouse.states(order_ids))


def _planned(ledger: Ledger, kind: DecisionKind, name: str, rows: Mapping[str, Row[Any]]) -> _Plan:
    """The changes to write for orders of one connection."""
    held_for = {order_id: row.reasons for order_id, row in rows.items()}
    if kind == DecisionKind.DISMISSED:
        dismissed = reasons_text([settlement_reason("dismissed")])
        return _Plan(held_for, OrderStatus.DISMISSED, dict.fromkeys(rows, dismissed))
    back = [order_id for order_id, row in rows.items() if row.status == OrderStatus.DISMISSED]
    moved = {order_id: _before(ledger, name, order_id) for order_id in back}
    lost = dict.fromkeys(
        (order_id for order_id, row in rows.items() if row.status == OrderStatus.LOADED), reasons_text([LOST])
    )
    # An order that is taken back is not released for any reason yet.
    return _Plan(held_for | dict.fromkeys([*back, *lost]), OrderStatus.HELD, moved | lost, reserved=frozenset(lost))


def _before(ledger: Ledger, name: str, order_id: str) -> str | None:
    """What a dismissed order was held for when it was dismissed."""
    return decisions_on(ledger, order_id, connection=name)[-1].reasons or reasons_text([TAKEN_BACK])


def _in_the_way(row: Row[Any], name: str, *, is_there: bool) -> Fault | None:
    """What prevents a decision about an order."""
    if is_there and row.status == OrderStatus.SHIPPED:
        return Fault("it has shipped", "There is nothing left to decide.")
    if is_there:
        return Fault(
            f"the warehouse has it ({row.status})",
            "To stop it, cancel it in the warehouse, or in Seller Central: the next import tells the warehouse.",
        )
    if row.status == OrderStatus.PENDING:
        return Fault(
            "its payment is still pending at Amazon, and it is not loaded before that",
            "Wait until it is held, or cancel it in Seller Central.",
        )
    if row.status in (OrderStatus.CANCELLED, OrderStatus.IGNORED):
        again = f"It is not loaded. If that is wrong, fetch it again: mfn import {name} --order {row.order_id}."
        return Fault(f"it is {row.status}, not held", again)
    return None


def _against_release(row: Row[Any], name: str, released: Known, *, is_removed: bool) -> Fault | None:
    if row.status == OrderStatus.DISMISSED and is_removed:
        fetch = f"Fetch it again, then release it: mfn import {name} --order {row.order_id}"
        return Fault("its buyer's data was removed, together with the order as Amazon sent it", fetch)
    if row.status == OrderStatus.DISMISSED:
        return None
    if row.status == OrderStatus.READY:
        return Fault("nothing holds it", f"The next import loads it: mfn import {name}.")
    reasons = [reason for reason in read_reasons(row.reasons) if reason not in {TAKEN_BACK, LOST}]
    hard = [reason for reason in reasons if reason.code not in RELEASABLE]
    if hard:
        return Fault(
            "it cannot be loaded as it is: " + "; ".join(f"{reason.code}: {reason.detail}" for reason in hard),
            "\n".join(reason.remedy for reason in hard if reason.remedy) or "See docs/runbook.md.",
        )
    if all((reason.code, reason.detail) in released for reason in reasons):
        return Fault("it has already been released", f"The next import checks it again: mfn import {name}.")
    return None


def _against_dismissal(row: Row[Any]) -> Fault | None:
    if row.status == OrderStatus.DISMISSED:
        return Fault("it is already dismissed", f"To undo that: mfn orders release {row.order_id} --why TEXT.")
    return None

"""The events that runs emit into Prefect, and their texts: counts, order ids and commands, no buyer's data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.moments import iso

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.alerts.news import WaitingOrder

IMPORT_DONE = "mfn.import.done"
IMPORTS_EXPECTED = "mfn.import.expected"
ORDERS_HELD = "mfn.orders.held"
ORDERS_DUE_SOON = "mfn.orders.due-soon"
ORDERS_OVERDUE = "mfn.orders.overdue"
SECRET_EXPIRING = "mfn.secret.expiring"  # noqa: S105 - the name of an event

NAMED = 10
"""How many orders a message names; the command and the report have them all."""


@dataclass(frozen=True)
class Alert:
    """An event as it is emitted.

    Attributes:
        event: Its name.
        connection: The connection that it is about.
        payload: Plain data; `subject` and `message` are what a notification says.
    """

    event: str
    connection: str
    payload: dict[str, Any]


def resource_id(connection: str) -> str:
    """Prefect's resource id of a connection."""
    return f"mfn.connection.{connection}"


def import_done(connection: str, *, batch_id: str, status: str, report: str) -> Alert:
    """An import has gone through all of its stages.

    Args:
        connection: The connection's name.
        batch_id: The import.
        status: `done`, or `failed` if its quality gate is closed.
        report: The URL of its report.
    """
    return Alert(IMPORT_DONE, connection, {"batch_id": batch_id, "status": status, "report": report})


def orders_held(connection: str, orders: Sequence[WaitingOrder], *, threshold: int, report: str) -> Alert:
    """Enough orders are held for an alert.

    Args:
        connection: The connection's name.
        orders: Every held order of the connection, the most urgent first.
        threshold: Its `alerts.held_orders`.
        report: The URL of the newest import's report.
    """
    command = f"mfn orders --status held --connection {connection}"
    codes = Counter(code for order in orders for code in order.codes).most_common()
    text = [
        (
            f"{_orders(len(orders))} of {connection} {_are(len(orders))} held and not in the warehouse"
            f" (alert threshold: {max(threshold, 1)}, alerts.held_orders)."
        ),
        "Why: " + ", ".join(f"{code} {count}" for code, count in codes) + ".",
        *_named(orders, "not loaded yet"),
        f"To list them, each with what to do: {command}",
        f"Report: {report}",
    ]
    subject, message = f"mfn {connection}: {_orders(len(orders))} held", "\n".join(text)
    return _alert(ORDERS_HELD, connection, orders, command=command, report=report, subject=subject, message=message)


def orders_due_soon(
    connection: str, orders: Sequence[WaitingOrder], *, hours: float, report: str, now: datetime
) -> Alert:
    """Orders that are not in the warehouse have to ship soon.

    Args:
        connection: The connection's name.
        orders: Those that no alert has named yet, the most urgent first.
        hours: The connection's `alerts.ship_by_hours`.
        report: The URL of the newest import's report.
        now: The present moment.
    """
    command = f"mfn orders show {orders[0].order_id}"
    late = sum(order.ship_by is not None and order.ship_by <= now for order in orders)
    text = [
        f"{_orders(len(orders))} of {connection} {_are(len(orders))} not in the warehouse and must ship"
        f" within {hours:g} hours (alerts.ship_by_hours)" + (f"; {late} {_are(late)} already late." if late else "."),
        *_named(orders, "not loaded yet"),
        f"What to do, for each order: {command}",
        f"All held orders: mfn orders --status held --connection {connection}",
        f"Report: {report}",
    ]
    subject, message = f"mfn {connection}: {_orders(len(orders))} due soon, not loaded", "\n".join(text)
    return _alert(ORDERS_DUE_SOON, connection, orders, command=command, report=report, subject=subject, message=message)


def orders_overdue(connection: str, orders: Sequence[WaitingOrder], *, report: str) -> Alert:
    """Orders in the warehouse are past their ship-by date, and no parcel, or not everything, was confirmed.

    Args:
        connection: The connection's name.
        orders: Those that no alert has named yet, the most urgent first.
        report: The URL of the newest import's report.
    """
    command = f"mfn orders show {orders[0].order_id}"
    text = [
        (
            f"{_orders(len(orders))} of {connection} {_are(len(orders))} in the warehouse and past the ship-by date,"
            " and not confirmed to Amazon, or not in full."
        ),
        *_named(orders, "late"),
        "Not shipped yet: ship it now. Already shipped: have the warehouse write the parcel into wms_shipment.",
        f"Why a parcel is held, for each order: {command}",
        f"Already confirmed in Seller Central: mfn import {connection} --order {orders[0].order_id}",
        f"Report: {report}",
    ]
    subject, message = f"mfn {connection}: {_orders(len(orders))} overdue in the warehouse", "\n".join(text)
    return _alert(ORDERS_OVERDUE, connection, orders, command=command, report=report, subject=subject, message=message)


def secret_expiring(connection: str, *, sentence: str, remedy: str) -> Alert:
    """The client secret for Amazon has to be rotated soon.

    Args:
        connection: The connection's name.
        sentence: How old it is and what will happen, without a full stop.
        remedy: How to rotate it.
    """
    subject, message = f"mfn {connection}: a secret is expiring", f"{sentence[0].upper()}{sentence[1:]}.\n{remedy}"
    return Alert(SECRET_EXPIRING, connection, {"connection": connection, "subject": subject, "message": message})


def _alert(event: str, connection: str, orders: Sequence[WaitingOrder], **said: str) -> Alert:
    payload = {
        "connection": connection,
        "count": len(orders),
        "orders": [
            {
                "order_id": order.order_id,
                "reasons": list(order.codes),
                "ship_by": iso(order.ship_by),
            }
            for order in orders[:NAMED]
        ],
        **said,
    }
    return Alert(event, connection, payload)


def _named(orders: Sequence[WaitingOrder], otherwise: str) -> list[str]:
    """The most urgent orders, each with why it waits, or with `otherwise` if no reason is known."""
    lines = [
        f"- {order.order_id}, {_ship_by(order.ship_by)}: {', '.join(order.codes) or otherwise}"
        for order in orders[:NAMED]
    ]
    return lines + ([f"- and {len(orders) - NAMED:,} more"] if len(orders) > NAMED else [])


def _ship_by(moment: datetime | None) -> str:
    return f"ship by {moment:%Y-%m-%d %H:%M} UTC" if moment else "ship-by unknown"


def _orders(count: int) -> str:
    return f"{count:,} order{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"

"""Cancellations in the warehouse: carried out if nothing has begun, otherwise requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from mfn.database.bulk import utc_text
from mfn.warehouse.locking import locked
from mfn.warehouse.order_states import CANCELLED
from mfn.warehouse.setup import required_columns
from mfn.warehouse.sql_parts import IS_NEW, NUMBER, STATUS, as_asked, as_keys, asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

NOT_REQUESTED = "coalesce(trim(CAST(cancel_requested_at AS VARCHAR)), '') = ''"
"""The condition that no cancellation was requested: a warehouse whose times are texts may have an empty one."""


@dataclass(frozen=True)
class CancelResult:
    """The outcome of one `cancel`; each order is in exactly one of the three.

    Attributes:
        cancelled: Order numbers that are cancelled now, by this call or before.
        begun: Order numbers that the warehouse had begun, with their status: a person has to stop these.
        unknown: Order numbers that the warehouse does not have.
    """

    cancelled: frozenset[str]
    begun: Mapping[str, str]
    unknown: frozenset[str]


def cancel(connection: Connection, order_numbers: Iterable[str], reason: str, at: datetime) -> CancelResult:
    """Cancel orders that are still `new`; on all others set only `cancel_requested_at` and `cancel_reason`.

    Args:
        connection: An open transaction.
        order_numbers: Amazon's order ids.
        reason: Why, for the warehouse to read.
        at: When this was learnt, with a time zone.

    Raises:
        LockedError: Another program does not release some of them; the same goes for the functions below.
    """
    reasons = dict.fromkeys(order_numbers, reason)
    before = locked(connection, reasons)
    done = connection.execute(
        text(
            # Not a join: SQLite would go through the whole list for every new order.
            "UPDATE wms_order SET status = 'cancelled',"
            f" cancel_requested_at = CASE WHEN {NOT_REQUESTED} THEN :at ELSE cancel_requested_at END,"
            " cancel_reason = :reason, updated_at = :updated_at"
            f" WHERE {IS_NEW} AND order_number IN (SELECT asked.key FROM {asked(connection)})"
            f" RETURNING {NUMBER}"
        ),
        {"asked": as_asked(reasons), "reason": reason, "at": utc_text(at), "updated_at": utc_text(at)},
    ).scalars()
    cancelled = frozenset(done) | {number for number, status in before.items() if status == CANCELLED}
    request_cancellation(connection, reasons, at)
    return CancelResult(
        cancelled=cancelled,
        begun={number: status for number, status in before.items() if number not in cancelled},
        unknown=frozenset(reasons.keys() - before.keys()),
    )


def request_cancellation(connection: Connection, reasons: Mapping[str, str], at: datetime) -> frozenset[str]:
    """Tell the warehouse that a cancellation was requested, whatever the status but `cancelled`.

    Args:
        connection: An open transaction.
        reasons: Why, for each of Amazon's order ids; the newest reason is kept.
        at: When this was learnt, with a time zone; the first time is kept.

    Returns:
        The order numbers for which nothing had been requested before.
    """
    locked(connection, reasons)
    given = {"asked": as_asked(reasons)}
    open_orders = f"FROM {asked(connection)} WHERE order_number = asked.key AND {STATUS} <> 'cancelled'"
    newly = connection.execute(
        text(
            f"UPDATE wms_order SET cancel_requested_at = :at, cancel_reason = asked.value {open_orders}"
            f" AND {NOT_REQUESTED} RETURNING {NUMBER}"
        ),
        {**given, "at": utc_text(at)},
    ).scalars()
    asked_for = frozenset(newly)
    connection.execute(
        text(
            f"UPDATE wms_order SET cancel_reason = asked.value {open_orders}"
            " AND coalesce(cancel_reason, '') <> asked.value"
        ),
        given,
    )
    return asked_for


def withdraw_request(connection: Connection, order_numbers: Iterable[str]) -> None:
    """Withdraw cancellations that buyers no longer request, whatever the status but `cancelled`."""
    numbers = list(order_numbers)
    locked(connection, numbers)
    required = required_columns(connection, "wms_order")
    nothing = {name: "''" if name in required else "NULL" for name in ("cancel_requested_at", "cancel_reason")}
    connection.execute(
        text(
            f"UPDATE wms_order SET {', '.join(f'{name} = {empty}' for name, empty in nothing.items())}"
            f" FROM {asked(connection)} WHERE order_number = asked.key AND NOT ({NOT_REQUESTED})"
            f" AND {STATUS} <> 'cancelled'"
        ),
        as_keys(numbers),
    )

"""What people are alerted to after an import: only what is news, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.alerts.events import import_done, orders_due_soon, orders_held, orders_overdue, secret_expiring
from mfn.alerts.news import SECRET_REMINDED_AFTER, LastAlert, is_news, is_past_threshold, not_notified
from mfn.connections import find_connection
from mfn.errors import ConfigurationError
from mfn.ledger.batches import get_batch
from mfn.ledger.opening import open_ledger
from mfn.ledger.sent_alerts import (
    COUNTED,
    DUE_SOON,
    HELD,
    OVERDUE,
    SECRET,
    count_held,
    forget_sent,
    held_orders,
    last_alerts,
    note_sent,
    orders_to_ship_by,
    overdue_orders,
)
from mfn.models import STAGES, Parameters
from mfn.steps.secret_age import secret_age
from mfn.steps.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mfn.alerts.events import Alert
    from mfn.alerts.news import WaitingOrder
    from mfn.connection import Connection
    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings

OVERDUE_AFTER = timedelta(hours=1)
"""By then even a parcel that was closed at the last minute has been confirmed."""
OVERDUE_FOR = timedelta(days=7)
"""Nobody is alerted to anything older: where another system confirms, Amazon knows more than the ledger does."""


def alerts_of(batch_id: str, settings: Settings, report: str) -> Iterator[Alert]:
    """The alerts that a run gives rise to, one after the other, each recorded as sent before it is yielded.

    An alert is sent about held orders once there are `alerts.held_orders`, again when there are twice as many, and
    again every 24 hours; about an order that is not in the warehouse once it comes within `alerts.ship_by_hours` of its
    ship-by; about one that is there once it is an hour past that and no parcel, or not all of it, was confirmed; and
    once a week about a client secret that is about to expire. What is over is forgotten, and is news when it returns.
    Only Prefect learns that an import is done: it notices when one is missing.

    Args:
        batch_id: A batch whose report is written: an import, failed or not; of other kinds, of a dry run and of a run
            over one order there is nothing to report.
        settings: The settings in force.
        report: The URL of its report.

    Raises:
        RetriableError: The ledger cannot be reached.
    """
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch_id)
    asked = Parameters.of(row.parameters)
    if row.kind != "import" or asked.dry_run or asked.order_id:
        return
    # A batch that a person ran again has a window of the past.
    if row.stage == STAGES["import"][-1] and row.is_window_open:
        yield import_done(row.connection, batch_id=row.batch_id, status=row.status, report=report)
    connection, now = find_connection(settings, row.connection), datetime.now(UTC)
    yield from _held(ledger, connection, report, now)
    yield from _due_soon(ledger, connection, report, now)
    yield from _overdue(ledger, connection, report, now)
    yield from _expiring(Workplace(settings, connection, ledger), now)


def _held(ledger: Ledger, connection: Connection, report: str, now: datetime) -> list[Alert]:
    threshold = connection.alerts.held_orders
    held, sent = count_held(ledger, connection.name), last_alerts(ledger, connection.name, HELD).get(COUNTED)
    if not is_past_threshold(held, threshold):
        if sent is not None:
            with ledger.writing() as database:
                forget_sent(database, connection.name, HELD, [COUNTED])
        return []
    if not is_news(held, sent, now):
        return []
    orders = held_orders(ledger, connection.name)
    with ledger.writing() as database:
        note_sent(database, connection.name, HELD, {COUNTED: LastAlert(len(orders), now)})
    return [orders_held(connection.name, orders, threshold=threshold, report=report)]


def _due_soon(ledger: Ledger, connection: Connection, report: str, now: datetime) -> list[Alert]:
    hours = connection.alerts.ship_by_hours
    soon = orders_to_ship_by(ledger, connection.name, now + timedelta(hours=hours))
    fresh = _fresh(ledger, connection, DUE_SOON, soon, now)
    return [orders_due_soon(connection.name, fresh, hours=hours, report=report, now=now)] if fresh else []


def _overdue(ledger: Ledger, connection: Connection, report: str, now: datetime) -> list[Alert]:
    late = overdue_orders(ledger, connection.name, now - OVERDUE_FOR, now - OVERDUE_AFTER)
    fresh = _fresh(ledger, connection, OVERDUE, late, now)
    return [orders_overdue(connection.name, fresh, report=report)] if fresh else []


def _fresh(
    ledger: Ledger, connection: Connection, kind: str, orders: Sequence[WaitingOrder], now: datetime
) -> list[WaitingOrder]:
    """Those that no alert has named yet, noted as named from now on; what is over is forgotten."""
    sent = last_alerts(ledger, connection.name, kind)
    fresh, over = not_notified(orders, sent), sent.keys() - {order.order_id for order in orders}
    if fresh or over:
        with ledger.writing() as database:
            forget_sent(database, connection.name, kind, over)
            note_sent(database, connection.name, kind, {order.order_id: LastAlert(1, now) for order in fresh})
    return fresh


def _expiring(place: Workplace, now: datetime) -> list[Alert]:
    ledger, name = place.ledger, place.connection.name
    try:
        age = secret_age(place)
    except ConfigurationError:  # a run that cannot have its secrets says so itself
        return []
    if not age.is_worth_a_word(now):
        return []
    sent = last_alerts(ledger, name, SECRET).get(COUNTED)
    if sent is not None and now - sent.at < SECRET_REMINDED_AFTER:
        return []
    with ledger.writing() as database:
        note_sent(database, name, SECRET, {COUNTED: LastAlert(1, now)})
    return [secret_expiring(name, sentence=age.sentence(now), remedy=age.remedy)]

"""The state of a connection's notifications: its queue, the orders that wait, the messages that could not be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.connections import find_connection
from mfn.errors import ConfigurationError, shown_path
from mfn.ledger.named_orders import waiting_names
from mfn.ledger.opening import open_ledger
from mfn.ledger.refused_notifications import refused_notifications
from mfn.moments import iso
from mfn.notifications.reading import open_queue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.settings import Settings


def notifications_state(settings: Settings, connection: str) -> Mapping[str, Any]:
    """What `mfn notifications` shows; nothing is taken from the queue.

    Args:
        settings: The settings in force.
        connection: The connection's name.

    Returns:
        `connection`, `queue_url`, `queue {waiting, in_flight}` as far as SQS knows, `orders {waiting,
        oldest_changed_at}` of those named that have not landed yet, `refused[] {message_id, refused_at, is_left, why,
        shape}` of the last 30 days, newest first. Times are ISO 8601 in UTC.

    Raises:
        ConfigurationError: The connection has no queue, or boto3, its credentials or a region is missing.
        RetriableError: SQS or the ledger cannot be reached.
        FatalError: SQS refuses, or has no such queue.
    """
    section = find_connection(settings, connection).notifications
    if section.queue_url is None:
        raise ConfigurationError(
            f"the connection {connection} reads no notifications: {shown_path(settings.connections)} has no"
            f" notifications.queue_url for it.",
            remedy="They are optional; docs/notifications.md shows how to set them up.",
        )
    ledger = open_ledger(settings)
    depth = open_queue(section).depth()
    waiting = waiting_names(ledger, connection)
    oldest = waiting.oldest_changed_at
    return {
        "connection": connection,
        "queue_url": section.queue_url,
        "queue": depth._asdict(),
        "orders": {"waiting": waiting.orders, "oldest_changed_at": iso(oldest)},
        "refused": [
            {
                "message_id": row.message_id,
                "refused_at": iso(row.refused_at),
                "is_left": row.is_left,
                "why": row.why,
                "shape": row.shape,
            }
            for row in refused_notifications(ledger, connection)
        ],
    }

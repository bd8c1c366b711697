"""Reading a connection's queue: every order that its messages name is in the ledger before they are deleted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mfn.errors import ConfigurationError, DataError
from mfn.ledger.named_orders import note_named
from mfn.ledger.refused_notifications import Refused, note_refused
from mfn.notifications.messages import OtherNotificationError, names_for, read_message, shape_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mfn.connection import Connection, Notifications
    from mfn.ledger.opening import Ledger
    from mfn.notifications.messages import OrderChange
    from mfn.notifications.sqs import Message, Queue

log = logging.getLogger(__name__)

MOST_AT_A_TIME = 1_000
"""How many messages are read before the caller continues with what they name."""

MOST_LEFT = 10_000
"""How many messages for others are skipped, to get at one's own behind them."""


class Read(NamedTuple):
    """The outcome of messages.

    Attributes:
        messages: How many there were: named and unneeded and refused and left.
        named: Those that name an order for an import.
        unneeded: Those about orders that no import fetches: fulfilled by Amazon, of other
            marketplaces, shipped.
        refused: Those that cannot be read; deleted, and recorded in the ledger.
        left: Those for somebody else; left on the queue, and recorded in the ledger.
        news: How many orders were not known to have changed.
    """

    messages: int = 0
    named: int = 0
    unneeded: int = 0
    refused: int = 0
    left: int = 0
    news: int = 0


def open_queue(notifications: Notifications) -> Queue:
    """The queue of a connection.

    Args:
        notifications: The connection's section, with a `queue_url`.

    Raises:
        ConfigurationError: boto3 is not installed, or its own configuration is wrong.
    """
    return _open_queue(notifications)


@lru_cache(maxsize=256)  # boto3 takes a tenth of a second for each
def _open_queue(notifications: Notifications) -> Queue:
    try:
        from mfn.notifications.sqs import Queue  # noqa: PLC0415 - boto3 is needed only where there is a queue
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise ConfigurationError(
            "notifications.queue_url is set in connections.yaml, but boto3 is not installed.",
            remedy="Install it with: pip install mfn[sqs]; or remove the section notifications: the import then finds"
            " orders by search alone.",
        ) from None
    return Queue(notifications)


def read_notifications(ledger: Ledger, connection: Connection, listed: Collection[Connection]) -> Read:
    """Read what is on a connection's queue, without waiting for more.

    Orders that messages name are committed to the ledger before the messages are deleted: interrupted in between, they
    are read again and change nothing. Repeated or late messages change nothing either.

    Args:
        ledger: The open ledger.
        connection: The connection, with a `notifications.queue_url`.
        listed: Every connection of connections.yaml; messages for one that has the same queue are for that one.

    Returns:
        The outcome of at most about `MOST_AT_A_TIME` messages, not counting those that are left on the queue.

    Raises:
        RetriableError: SQS or the ledger cannot be reached; the messages stay on the queue.
        FatalError: SQS refuses, or has no such queue.
        ConfigurationError: boto3, its credentials or a region is missing.
    """
    queue = open_queue(connection.notifications)
    total = Read()
    passed: set[str] = set()
    while total.messages - total.left < MOST_AT_A_TIME and total.left < MOST_LEFT:
        messages = queue.receive()
        if passed.issuperset(message.message_id for message in messages):
            break  # none, or only what a queue without a visibility timeout hands out again at once
        read, done = take_in(ledger, connection, listed, messages)
        queue.delete(done)
        passed.update(message.message_id for message in messages if message not in done)
        total = Read(*(one + other for one, other in zip(total, read, strict=True)))
    return total


def take_in(
    ledger: Ledger, connection: Connection, listed: Collection[Connection], messages: Sequence[Message]
) -> tuple[Read, list[Message]]:
    """Record in the ledger, in one transaction, what messages say.

    Args:
        ledger: The open ledger.
        connection: The connection whose queue they were on.
        listed: As in `read_notifications`.
        messages: The messages.

    Returns:
        Their outcome, and those to delete from the queue.

    Raises:
        RetriableError: The ledger cannot be reached; nothing was recorded.
    """
    sharing = [one for one in listed if one.notifications == connection.notifications]
    sellers = {one.seller_id for one in sharing}
    changes: list[OrderChange] = []
    refused: list[Refused] = []
    for message in messages:
        try:
            change = read_message(message.body)
            if change.seller_id in sellers:
                changes.append(change)
                continue
            why = f"for a seller of no connection with this queue: {change.seller_id[:40]!r}"
            refused.append(Refused(message.message_id, why, shape_of(message.body), is_left=True))
        except DataError as error:
            is_left = isinstance(error, OtherNotificationError)
            why = error.message.rstrip(".")
            refused.append(Refused(message.message_id, why, shape_of(message.body), is_left=is_left))
    named = {change.order_id for one in sharing for change in changes if names_for(one, [change])}
    with ledger.writing() as database:
        news = sum(note_named(database, one.name, names_for(one, changes)) for one in sharing)
        first = note_refused(database, connection.name, refused, at=datetime.now(UTC))
    for one in first:
        log.warning(
            "%s: message %s on its queue %s: %s", connection.name, one.message_id,
            "was left there" if one.is_left else "was set aside", one.why,
        )  # fmt: skip
    left = {one.message_id for one in refused if one.is_left}
    useful = sum(change.order_id in named for change in changes)
    read = Read(len(messages), useful, len(changes) - useful, len(refused) - len(left), len(left), news)
    return read, [message for message in messages if message.message_id not in left]

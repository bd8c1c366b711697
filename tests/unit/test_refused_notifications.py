"""Messages that could not be used: each is told once, kept for a month, and a matter of its own connection."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.ledger.refused_notifications import KEPT, Refused, note_refused, refused_notifications

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

SECOND = timedelta(seconds=1)


def note(ledger: Ledger, connection: str, *message_ids: str, ago: timedelta = timedelta()) -> list[str]:
    """Messages that were refused so long ago; returns those that are news."""
    refused = [Refused(message_id, "no JSON", {"no JSON": "1"}, is_left=False) for message_id in message_ids]
    with ledger.writing() as database:
        return [one.message_id for one in note_refused(database, connection, refused, at=datetime.now(UTC) - ago)]


def kept(ledger: Ledger, connection: str) -> list[str]:
    return [row.message_id for row in refused_notifications(ledger, connection)]


def test_a_message_is_news_once_for_each_connection(ledger: Ledger) -> None:
    assert note(ledger, "us", "b", "a", "b") == ["b", "a"]
    assert note(ledger, "us", "a", "c") == ["c"]
    assert note(ledger, "eu", "a") == ["a"]
    assert note(ledger, "us") == []


def test_the_newest_come_first_each_connection_for_itself(ledger: Ledger) -> None:
    note(ledger, "us", "y", "x", ago=2 * SECOND)
    note(ledger, "us", "z")
    note(ledger, "eu", "w")
    assert kept(ledger, "us") == ["z", "x", "y"]
    (row,) = refused_notifications(ledger, "eu")
    assert (row.why, row.shape, row.is_left) == ("no JSON", {"no JSON": "1"}, False)


def test_after_a_month_they_are_shown_no_more_and_forgotten_with_the_next_reading_of_that_queue(ledger: Ledger) -> None:
    for connection in ("us", "eu"):
        note(ledger, connection, "recent", ago=KEPT - 60 * SECOND)
        note(ledger, connection, "old", ago=KEPT + SECOND)
    assert kept(ledger, "us") == kept(ledger, "eu") == ["recent"]
    note(ledger, "us")
    assert note(ledger, "us", "old", "recent") == ["old"]
    assert note(ledger, "eu", "old", "recent", ago=KEPT) == []

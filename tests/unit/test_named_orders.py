"""Orders that notifications named, on each database: what is news, what is asked for, when a name has done its work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.leases import lease
from mfn.ledger.named_orders import (
    MOST_ASKED,
    OrderName,
    Waiting,
    forget_named,
    named_orders,
    note_asked,
    note_named,
    waiting_names,
)
from mfn.ledger.removal import Removing
from mfn.ledger.schema import NamedOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIRST, SECOND, THIRD, FOURTH = (f"111-000000{number}-0000001" for number in (1, 2, 3, 4))


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def changed(order_id: str, at: datetime = NOON, status: str = "UNSHIPPED") -> OrderName:
    return OrderName(order_id, at, status)


def note(ledger: Ledger, *names: OrderName, connection: str = "us") -> int:
    with ledger.writing() as database:
        return note_named(database, connection, names)


def ask(ledger: Ledger, *order_ids: str) -> None:
    with ledger.writing() as database:
        note_asked(database, "us", order_ids)


def forget(ledger: Ledger, connection: str = "us") -> int:
    with ledger.writing() as database:
        return forget_named(database, connection)


def landed(ledger: Ledger, batch: BatchRef, order_id: str, at: datetime | str) -> None:
    moment = at if isinstance(at, str) else f"{at:%Y-%m-%dT%H:%M:%SZ}"
    raw = f'{{"orderId": "{order_id}", "lastUpdatedTime": "{moment}"}}'.encode()
    with ledger.writing() as database:
        land(ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
    index_pages(ledger, batch)


def waiting(ledger: Ledger, limit: int = 10, connection: str = "us") -> list[str]:
    return [row.order_id for row in named_orders(ledger, connection, limit)]


def test_named_orders_wait_the_oldest_change_first_each_connection_for_itself(ledger: Ledger) -> None:
    news = [changed(FIRST), changed(SECOND, NOON - timedelta(hours=1)), changed(THIRD, NOON + timedelta(hours=1))]
    assert note(ledger, *news) == 3
    note(ledger, changed(FIRST), connection="de")
    assert waiting(ledger) == [SECOND, FIRST, THIRD]
    assert waiting(ledger, limit=2) == [SECOND, FIRST]
    assert waiting_names(ledger, "us") == Waiting(3, NOON - timedelta(hours=1))
    assert waiting_names(ledger, "de") == Waiting(1, NOON)
    assert waiting_names(ledger, "uk") == Waiting(0, None)


def test_orders_that_nobody_waits_for_are_asked_for_after_all_others(ledger: Ledger, batch: BatchRef) -> None:
    earlier, later = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    landed(ledger, batch, SECOND, earlier)
    note(ledger, changed(FIRST, earlier, "PENDING"), changed(SECOND, later, "CANCELLED"), changed(THIRD))
    note(ledger, changed(FOURTH, earlier + timedelta(minutes=1), "CANCELLED"))
    assert waiting(ledger) == [THIRD, SECOND, FIRST, FOURTH], "nothing of the fourth has ever landed"
    assert waiting(ledger, limit=2) == [THIRD, SECOND]
    note(ledger, changed(SECOND, earlier, "CANCELLED"), changed(THIRD), connection="de")
    assert waiting(ledger, connection="de") == [THIRD, SECOND], "it landed for another connection"
    note(ledger, changed(FIRST, earlier + timedelta(minutes=10), "UNSHIPPED"))
    assert waiting(ledger) == [FIRST, THIRD, SECOND, FOURTH]


def test_of_changes_of_one_order_the_newest_counts_in_whatever_order_they_come(ledger: Ledger) -> None:
    later = NOON + timedelta(minutes=5)
    assert note(ledger, changed(FIRST, later, "CANCELLED"), changed(FIRST, NOON)) == 1
    assert note(ledger, changed(FIRST, NOON)) == 0, "an older change"
    assert note(ledger, changed(FIRST, later, "UNSHIPPED")) == 0, "a repeat"
    assert note(ledger, changed(SECOND, NOON), changed(SECOND, later, "CANCELLED")) == 1
    for row in named_orders(ledger, "us", 10):
        assert (row.changed_at, row.status, row.times_asked) == (later, "CANCELLED", 0)
    assert note(ledger, changed(FIRST, later + timedelta(seconds=1))) == 1


def test_an_order_that_has_landed_since_is_not_news(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, FIRST, NOON)
    assert note(ledger, changed(FIRST, NOON + timedelta(milliseconds=284))) == 0, "Amazon states whole seconds"
    assert note(ledger, changed(FIRST), connection="de") == 1, "it landed for another connection"
    assert note(ledger, changed(FIRST, NOON + timedelta(seconds=1))) == 1


def test_a_name_goes_when_its_order_has_landed_at_that_version_or_a_newer_one(ledger: Ledger, batch: BatchRef) -> None:
    note(ledger, changed(FIRST), changed(SECOND), changed(THIRD))
    note(ledger, changed(SECOND), connection="de")
    landed(ledger, batch, FIRST, NOON - timedelta(seconds=1))
    landed(ledger, batch, SECOND, NOON)
    landed(ledger, batch, THIRD, NOON + timedelta(days=1))
    assert forget(ledger, "de") == 0, "it landed for another connection"
    assert forget(ledger) == 2
    assert waiting(ledger) == [FIRST]


def test_an_order_whose_age_cannot_be_read_has_landed_once_it_came(ledger: Ledger, batch: BatchRef) -> None:
    note(ledger, changed(FIRST))
    landed(ledger, batch, FIRST, "yesterday")
    assert forget(ledger) == 1


def test_an_order_that_amazon_shows_as_before_is_asked_for_again_later_and_given_up_in_the_end(
    ledger: Ledger, batch: BatchRef
) -> None:
    note(ledger, changed(FIRST), changed(SECOND))
    landed(ledger, batch, FIRST, NOON - timedelta(hours=1))
    for _ in range(MOST_ASKED - 1):
        ask(ledger, FIRST)
        assert forget(ledger) == 0
        assert waiting(ledger) == [SECOND], "not at once"
        assert waiting_names(ledger, "us").orders == 2
        with ledger.writing() as database:
            database.execute(update(NamedOrder).values(asked_at=datetime.now(UTC) - timedelta(minutes=2)))
        assert waiting(ledger) == [FIRST, SECOND]
    ask(ledger, FIRST)
    assert forget(ledger) == 1
    assert waiting(ledger) == [SECOND]


def test_a_newer_change_is_asked_for_at_once(ledger: Ledger) -> None:
    for connection in ("us", "de"):
        note(ledger, changed(FIRST), connection=connection)
    ask(ledger, FIRST)
    assert (waiting(ledger), waiting(ledger, connection="de")) == ([], [FIRST])
    note(ledger, changed(FIRST, NOON + timedelta(minutes=1)))
    assert waiting(ledger) == [FIRST]


def test_where_an_orders_text_is_removed_its_name_goes_too(ledger: Ledger, batch: BatchRef) -> None:
    note(ledger, changed(FIRST), changed(SECOND))
    for order_id in (FIRST, SECOND):
        landed(ledger, batch, order_id, NOON - timedelta(hours=1))
    removing = Removing(ledger, "us", batch.lease, datetime.now(UTC), {}, "erase")
    removing.remove([FIRST], lambda _database, _orders: None)
    assert waiting(ledger) == [SECOND]

"""The orders of a batch, a chunk at a time: each page is opened once, and a million of them take little memory."""

from __future__ import annotations

import tracemalloc
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mfn.database.bulk import merge, utc_text
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.landed_pages import Place
from mfn.ledger.landing import BATCH_COLUMNS, EARLIER, LANDED_COLUMNS, WINDOW
from mfn.ledger.leases import lease
from mfn.ledger.met_orders import MetOrders, landed_batch_orders
from mfn.ledger.schema import BatchOrder, LandedOrder, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NOON = utc_text(datetime(2026, 11, 1, 12, tzinfo=UTC))
MOST_BYTES_AN_ORDER = 60
"""A row of SQLAlchemy with its texts has several hundred."""


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def met(
    ledger: Ledger,
    batch: BatchRef,
    places: Mapping[str, tuple[int, int] | None],
    *,
    earlier: tuple[str, ...] = (),
    loaded: tuple[str, ...] = (),
) -> None:
    """Let a batch have met orders whose texts are at some places, or nowhere."""
    landed = [("us", one, *place, NOON, batch.batch_id, NOON) for one, place in places.items() if place is not None]
    rows = [
        (batch.batch_id, one, "us", EARLIER if one in earlier else WINDOW, NOON, "loaded" if one in loaded else None)
        for one in places
    ]
    with ledger.writing() as database:
        merge(database, table(LandedOrder), LANDED_COLUMNS, landed)
        merge(database, table(BatchOrder), (*BATCH_COLUMNS, "outcome"), rows)


def test_they_come_as_their_newest_texts_have_landed_and_those_without_one_before_them(
    ledger: Ledger, batch: BatchRef
) -> None:
    met(
        ledger,
        batch,
        {"a": (2, 1), "b": (12, 0), "c": (2, 0), "unreadable-0f": (1, 99), "e": None},
        earlier=("b", "e"),
        loaded=("c",),
    )
    found = landed_batch_orders(ledger, batch.batch_id)
    assert list(found.chunks(2)) == [
        MetOrders(["e", "unreadable-0f"], [Place(1, 99, "unreadable-0f")], {"e"}, set(), set()),
        MetOrders(["c", "a"], [Place(2, 0, "c"), Place(2, 1, "a")], set(), {"c"}, {"c"}),
        MetOrders(["b"], [], {"b"}, set(), set()),
    ]
    assert found.earlier == ["e", "b"]


@pytest.mark.parametrize("many", [1, 99, 100, 2_345])
def test_their_bounds_part_them_by_id_into_parts_of_about_the_size_of_a_chunk(
    ledger: Ledger, batch: BatchRef, many: int
) -> None:
    ids = [f"{number * 7_919 % 100_003:07d}" for number in range(many)]  # in no order
    met(ledger, batch, {order_id: divmod(place, 100) for place, order_id in enumerate(ids)})
    bounds = landed_batch_orders(ledger, batch.batch_id).bounds(100)
    assert bounds == sorted(set(bounds))
    parts = Counter(bisect_right(bounds, order_id) for order_id in ids)
    assert len(parts) == len(bounds) + 1 == -(-many // 100)
    assert max(parts.values()) <= 101


def test_a_batch_without_orders_has_none(ledger: Ledger, batch: BatchRef) -> None:
    found = landed_batch_orders(ledger, batch.batch_id)
    assert (found.earlier, list(found.chunks(10)), found.bounds(10)) == ([], [], [])


def test_of_many_orders_little_more_than_their_ids_is_in_memory(ledger: Ledger, batch: BatchRef) -> None:
    many = 25_000
    met(ledger, batch, {f"111-{number:07d}-0000000": divmod(number, 100) for number in range(many)})
    landed_batch_orders(ledger, batch.batch_id)  # what is loaded once a process is not its orders'
    tracemalloc.start()
    try:
        found = landed_batch_orders(ledger, batch.batch_id)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < many * MOST_BYTES_AN_ORDER
    assert sum(len(chunk.order_ids) for chunk in found.chunks(10_000)) == many

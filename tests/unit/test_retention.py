"""Whose buyers' data is due, and its removal, on each database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import add_batch, open_batch
from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.chunks import chunk_numbers
from mfn.ledger.imported_units import units_sold
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.leases import lease
from mfn.ledger.order_ends import End, ends_of, note_ends, note_erased, note_known_ends, note_removed
from mfn.ledger.orders import write_standing
from mfn.ledger.removal import Removing
from mfn.ledger.retention import any_erased, count_texts, due_orders, not_seen_to_leave, without_data
from mfn.ledger.schema import Batch, BatchChunk, LandedOrder, LandedPage, Parcel, Reservation, TrackedOrder
from mfn.ledger.staging import reserve
from mfn.models import OrderStatus, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind, BatchRef

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = timedelta(days=30)
LONG_AGO = NOW - timedelta(days=31)


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def landed(ledger: Ledger, batch: BatchRef, *statuses: str) -> list[str]:
    """Orders on one page, each standing somewhere."""
    order_ids = [f"111-{number:07d}-0000001" for number in range(len(statuses))]
    texts = [f'{{"orderId": "{order_id}"}}'.encode() for order_id in order_ids]
    with ledger.writing() as database:
        land(ledger, database, batch, [read_arrival(raw) for raw in texts], origin=WINDOW)
        rows = [(order_id, status, None, *Standing()) for order_id, status in zip(order_ids, statuses, strict=True)]
        write_standing(database, batch, rows)
    index_pages(ledger, batch)
    return order_ids


def end(ledger: Ledger, order_id: str) -> Any:
    (row,) = ends_of(ledger, [order_id], connection="us")
    return row


def due(ledger: Ledger, now: datetime = NOW) -> list[str]:
    with ledger.writing() as database:
        note_known_ends(database, "us", now)
        return list(due_orders(database, "us", now=now, retention=MONTH))


def test_each_moment_stays_at_the_earliest_and_none_lies_in_the_future(ledger: Ledger) -> None:
    with ledger.writing() as database:
        note_ends(database, "us", [End("A", shipped_at=LONG_AGO), End("A", delivered_at=NOW + MONTH)])
        note_ends(database, "us", [End("A", shipped_at=NOW, cancelled_at=NOW), End("A", shipped_at=None)])
        note_ends(database, "us", [])
    row = end(ledger, "A")
    assert (row.shipped_at, row.cancelled_at) == (LONG_AGO, NOW)
    assert NOW <= row.delivered_at <= datetime.now(UTC)


def test_retention_begins_with_delivery_else_shipment_else_cancellation_else_landing(
    ledger: Ledger, batch: BatchRef
) -> None:
    shipped, cancelled, ignored, loaded, delivered = landed(
        ledger, batch, "shipped", "cancelled", "ignored", "loaded", "shipped"
    )
    with ledger.writing() as database:
        parcel = {"connection": "us", "shipment_id": "S1", "order_number": shipped, "status": "sent"}
        more = {"written_digest": "", "shipped_at": LONG_AGO, "times_sent": 1, "batch_id": "", "updated_at": NOW}
        database.execute(insert(Parcel), [parcel | more])
        note_ends(database, "us", [End(delivered, shipped_at=LONG_AGO, delivered_at=NOW)])
    assert due(ledger) == [shipped]
    assert due(ledger, NOW + timedelta(days=29)) == [shipped]
    later = due(ledger, datetime.now(UTC) + MONTH)
    assert later == [shipped, cancelled, ignored, delivered]
    with ledger.reading() as database:
        assert not_seen_to_leave(database, "us") == {loaded: None}
        assert count_texts(database, "us") == 5


def test_an_order_that_was_left_alone_is_kept_from_its_landing_or_its_end_whichever_came_first(
    ledger: Ledger, batch: BatchRef
) -> None:
    landed_first, ended_first = landed(ledger, batch, "ignored", "ignored")
    with ledger.writing() as database:
        database.execute(update(LandedOrder).where(LandedOrder.order_id == landed_first).values(landed_at=LONG_AGO))
        note_ends(database, "us", [End(landed_first, cancelled_at=NOW), End(ended_first, shipped_at=LONG_AGO)])
    assert due(ledger) == [landed_first, ended_first]


def test_an_order_that_left_years_before_the_warehouse_had_it_left_when_it_had_it(
    ledger: Ledger, batch: BatchRef
) -> None:
    (order_id,) = landed(ledger, batch, "shipped")
    with ledger.writing() as database:
        database.execute(update(TrackedOrder).values(first_loaded_at=NOW))
        parcel = {"connection": "us", "shipment_id": "S1", "order_number": order_id, "status": "verified"}
        more = {
            "written_digest": "",
            "shipped_at": LONG_AGO - timedelta(days=3650),
            "times_sent": 1,
            "batch_id": "",
            "updated_at": NOW,
        }
        database.execute(insert(Parcel), [parcel | more])
    assert due(ledger, NOW + timedelta(days=1)) == []
    assert end(ledger, order_id).shipped_at == NOW


def test_what_is_removed_leaves_its_places_and_takes_with_it_what_was_made_of_it(
    ledger: Ledger, batch: BatchRef
) -> None:
    gone, held, stays = landed(ledger, batch, "shipped", "held", "loaded")
    with ledger.writing() as database:
        chunk = {"batch_id": batch.batch_id, "stage": "transform", "number": 0, "payload": b"sealed"}
        database.execute(insert(BatchChunk), [chunk])
    noted: list[int] = []
    reasons = {OrderStatus.IGNORED: "[]"}
    removing = Removing(ledger, "us", batch.lease, NOW, reasons, "purge", batch.batch_id)
    assert removing.remove([gone, held], lambda _, removed: noted.append(removed)) == 2
    assert noted == [2]
    assert list(stored_orders(ledger, "us", [gone, held, stays], purpose="test")) == [
        (stays, f'{{"orderId": "{stays}"}}'.encode())
    ]
    with ledger.reading() as database:
        (place,) = database.execute(select(LandedOrder)).all()
        (page,) = database.execute(select(LandedPage)).all()
        assert (place.position, page.texts) == (2, 1)
        assert without_data(database, "us", [gone, stays]) == [gone]
        status = select(TrackedOrder.status).where(TrackedOrder.order_id == held)
        assert database.execute(status).scalar_one() == "ignored"
    assert chunk_numbers(ledger, batch.batch_id, "transform") == []
    assert end(ledger, gone).purged_at == NOW
    # A stock run has counted it afterwards, once, as every other order.
    sold = units_sold(ledger, batch, [gone, stays], purpose="read")
    assert sorted(sold) == [(gone, None, []), (stays, None, [])]
    assert removing.remove([gone, stays], lambda _, removed: noted.append(removed)) == 1
    with ledger.reading() as database:
        assert database.execute(select(LandedPage)).all() == []


def test_who_had_an_order_erased_first_stays_and_it_is_due_at_once_when_it_lands_again(
    ledger: Ledger, batch: BatchRef
) -> None:
    (order_id,) = landed(ledger, batch, "loaded")
    with ledger.writing() as database:
        assert not any_erased(database, "us")
        note_removed(database, "us", [order_id], LONG_AGO)
        note_removed(database, "us", [order_id], NOW)
        note_erased(database, "us", order_id, at=NOW, by="ann")
        note_erased(database, "us", order_id, at=NOW + MONTH, by="ben")
        assert any_erased(database, "us")
        assert without_data(database, "us", [order_id], erased_only=True) == []  # it has landed
    row = end(ledger, order_id)
    assert (row.erased_at, row.erased_by, row.purged_at) == (NOW, "ann", NOW)
    assert due(ledger) == [order_id]


SHIPPED, DELIVERED, CANCELLED = ({f"{name}_at": LONG_AGO} for name in ("shipped", "delivered", "cancelled"))


@pytest.mark.parametrize(
    ("status", "ended", "settled"),
    [
        ("held", SHIPPED, "shipped"),
        ("ready", DELIVERED, "shipped"),
        ("pending", CANCELLED, "cancelled"),
        ("held", SHIPPED | CANCELLED, "shipped"),
        ("held", {}, "ignored"),
        ("loaded", SHIPPED, "loaded"),
        ("partially_shipped", CANCELLED, "partially_shipped"),
        ("dismissed", {}, "dismissed"),
    ],
)
def test_what_waited_for_a_run_is_settled_by_how_it_ended_when_its_text_is_removed_and_promises_nothing(
    ledger: Ledger, batch: BatchRef, status: str, ended: dict[str, datetime], settled: str
) -> None:
    order_id, other = landed(ledger, batch, status, status)
    with ledger.writing() as database:
        note_ends(database, "us", [End(order_id, **ended)])
        reserve(database, batch, "warehouse", [(one, [(1, "MUG", 2)]) for one in (order_id, other)])
    reasons = {OrderStatus.SHIPPED: "[]", OrderStatus.IGNORED: "[]"}
    assert Removing(ledger, "us", batch.lease, NOW, reasons, "purge", batch.batch_id).remove([order_id]) == 1
    with ledger.reading() as database:
        rows = database.execute(select(TrackedOrder.status, TrackedOrder.reasons).order_by(TrackedOrder.order_id)).all()
        promised = set(database.execute(select(Reservation.order_id)).scalars())
    said = None if settled in {status, "cancelled"} else "[]"
    assert [tuple(row) for row in rows] == [(settled, said), (status, None)]
    assert promised == {other} | ({order_id} if settled == status else set())


@pytest.mark.parametrize(
    ("kind", "times", "stays"),
    [
        ("import", {"finished_at": LONG_AGO}, False),
        ("import", {"finished_at": NOW}, True),
        ("import", {"taken_up_at": LONG_AGO}, False),
        ("import", {"started_at": LONG_AGO, "taken_up_at": None}, False),
        ("import", {"started_at": LONG_AGO}, True),
        ("inventory", {"taken_up_at": LONG_AGO}, True),
        ("inventory", {"finished_at": LONG_AGO}, False),
    ],
)
def test_what_a_run_of_long_ago_had_left_for_its_next_stage_goes_and_what_one_at_work_leaves_stays(
    ledger: Ledger, batch: BatchRef, kind: BatchKind, times: dict[str, datetime | None], *, stays: bool
) -> None:
    chunk = {"stage": "validate", "number": 0, "payload": b"sealed"}
    with ledger.writing() as database:
        given: dict[str, Any] = {"stage": "validate", "parameters": {}, "counts": {}, "is_window_open": True}
        left, anothers = (add_batch(database, name, kind, **given) for name in ("us", "de"))
        database.execute(insert(BatchChunk), [{**chunk, "batch_id": one} for one in (left, anothers)])
        database.execute(update(Batch).where(Batch.batch_id.in_([left, anothers])).values(times))
    Removing(ledger, "us", batch.lease, NOW, {}, "purge").drop_old_chunks(NOW - timedelta(days=1))
    assert [chunk_numbers(ledger, one, "validate") for one in (left, anothers)] == [[0] if stays else [], [0]]

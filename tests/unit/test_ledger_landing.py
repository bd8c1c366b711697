"""Landing: every text that Amazon sent finds its place, at its newest, whatever shape it is in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mfn.amazon.orders import decode_order
from mfn.errors import DataError
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.landing import EARLIER, WINDOW, index_pages, land
from mfn.ledger.leases import lease
from mfn.ledger.schema import ArrivedPage, BatchOrder, LandedOrder, LandedPage
from mfn.ledger.watermarks import get_watermark, move_watermark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def batch(ledger: Ledger) -> Iterator[BatchRef]:
    with lease(ledger, "us", "import") as token:
        yield open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")


def text(order_id: Any, minute: int | None = 0, **more: Any) -> bytes:
    updated = None if minute is None else (NOON + timedelta(minutes=minute)).isoformat()
    return json.dumps({"orderId": order_id, "lastUpdatedTime": updated, **more}).encode()


def landed(ledger: Ledger, batch: BatchRef, *texts: bytes, origin: str = WINDOW) -> dict[str, Any]:
    """What stands in the ledger once texts have landed."""
    with ledger.writing() as database:
        land(ledger, database, batch, [read_arrival(raw) for raw in texts], origin=origin)
    index_pages(ledger, batch)
    with ledger.reading() as database:
        ids = database.execute(select(LandedOrder.order_id)).scalars().all()
    return {order_id: json.loads(raw) for order_id, raw in stored_orders(ledger, "us", ids, purpose="test")}


def rows_of(ledger: Ledger, model: Any) -> list[Any]:
    with ledger.reading() as database:
        return list(database.execute(select(model).order_by(*model.__table__.primary_key)))


def origins(ledger: Ledger) -> dict[str, str]:
    with ledger.reading() as database:
        return {row.order_id: row.origin for row in database.execute(select(BatchOrder))}


@pytest.mark.parametrize("minutes", [(0, 1), (1, 0)])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_newest_version_stays_in_whichever_order_versions_come(
    ledger: Ledger, batch: BatchRef, minutes: tuple[int, int], *, at_once: bool
) -> None:
    texts = [text("1", minute, version=minute) for minute in minutes]
    if not at_once:
        landed(ledger, batch, texts[0])
        texts = texts[1:]
    assert landed(ledger, batch, *texts)["1"]["version"] == 1


@pytest.mark.parametrize("minute", [0, None])
def test_of_two_versions_of_the_same_moment_or_of_none_the_later_arrival_stays(
    ledger: Ledger, batch: BatchRef, minute: int | None
) -> None:
    assert landed(ledger, batch, text("1", 0, version="a"), text("1", minute, version="b"))["1"]["version"] == "b"
    assert landed(ledger, batch, text("1", minute, version="c"))["1"]["version"] == "c"


def test_an_order_that_the_window_returned_stays_so_when_it_is_read_again(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, text("1"))
    landed(ledger, batch, text("1", 1), text("2"), origin=EARLIER)
    assert origins(ledger) == {"1": WINDOW, "2": EARLIER}
    landed(ledger, batch, text("2", 1))
    assert origins(ledger) == {"1": WINDOW, "2": WINDOW}


def test_pages_that_a_broken_off_run_left_are_taken_in_by_the_next(ledger: Ledger, batch: BatchRef) -> None:
    with ledger.writing() as database:
        land(ledger, database, batch, [read_arrival(text("1")), read_arrival(text("2"))], origin=WINDOW)
        land(ledger, database, batch, [read_arrival(text("2", 1, version="b"))], origin=EARLIER)
    later = replace(batch, batch_id="another")
    index_pages(ledger, later)
    assert origins(ledger) == {"1": WINDOW, "2": WINDOW}, "of the batch that landed them"
    assert json.loads(dict(stored_orders(ledger, "us", ["2"], purpose="test"))["2"])["version"] == "b"
    index_pages(ledger, later)
    assert rows_of(ledger, ArrivedPage) == []


def test_a_page_is_gone_once_newer_texts_of_all_its_orders_have_landed(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, text("1"), text("2"))
    landed(ledger, batch, text("1", 1))
    assert [row.page for row in rows_of(ledger, LandedPage)] == [1, 2]
    landed(ledger, batch, text("2", 1), text("1", 0))
    assert [row.page for row in rows_of(ledger, LandedPage)] == [2, 3]
    landed(ledger, batch, text("2", 0))
    assert [row.page for row in rows_of(ledger, LandedPage)] == [2, 3], "an older text leaves nothing behind"


UNUSABLE: list[Any] = [
    "",
    " ",
    "\x00",
    "1\x00",
    "1\n",
    "a b",
    "..",
    "/",
    "注文",
    "é",
    "1" * 65,
    None,
    7,
    1.5,
    True,
    [],
    {},
]


@pytest.mark.parametrize("order_id", UNUSABLE, ids=repr)
def test_an_id_that_cannot_be_used_gets_a_made_up_one_and_the_text_is_kept(
    ledger: Ledger, batch: BatchRef, order_id: Any
) -> None:
    raw = text(order_id)
    ((made_up, kept),) = landed(ledger, batch, raw, raw).items()
    assert made_up.startswith("unreadable-")
    assert kept == json.loads(raw)
    with pytest.raises(DataError):
        decode_order(raw)


@pytest.mark.parametrize(
    "raw", [b" ", b"[]", b"7", b"null", b"{", b'"x"', b"\xff\xfe", b'{"orderId": "1\xff"}', b'{"a": "\\ud800"}']
)
def test_a_text_that_is_not_an_order_is_kept_under_a_made_up_id(ledger: Ledger, batch: BatchRef, raw: bytes) -> None:
    with ledger.writing() as database:
        land(ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
    index_pages(ledger, batch)
    ((order_id, kept),) = stored_orders(ledger, "us", list(origins(ledger)), purpose="test")
    assert order_id.startswith("unreadable-")
    assert kept == raw


@pytest.mark.parametrize(
    "moment",
    ["yesterday", "", 7, None, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z"],
)
def test_an_id_is_found_also_where_the_time_cannot_be_read(moment: Any) -> None:
    arrival = read_arrival(json.dumps({"orderId": "111-1111111-1111111", "lastUpdatedTime": moment}).encode())
    assert (arrival.order_id, arrival.last_updated_at) == ("111-1111111-1111111", None)


def test_a_change_that_has_not_come_yet_keeps_no_later_version_out(ledger: Ledger, batch: BatchRef) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    landed(ledger, batch, json.dumps({"orderId": "1", "lastUpdatedTime": ahead, "version": 1}).encode())
    assert landed(ledger, batch, text("1", 0, version=2))["1"]["version"] == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.datetimes().map(str),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["orderId", "lastUpdatedTime", "x"]), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_whatever_arrives_gets_an_id_that_every_table_page_and_url_takes(document: Any) -> None:
    arrival = read_arrival(json.dumps(document).encode())
    assert 1 <= len(arrival.order_id) <= 64
    assert arrival.order_id.isascii()
    assert arrival.order_id.isprintable()
    assert " " not in arrival.order_id
    assert arrival == read_arrival(json.dumps(document).encode())


def test_the_watermark_never_goes_back(ledger: Ledger, batch: BatchRef) -> None:
    assert get_watermark(ledger, "us") is None
    for moment in (NOON, NOON + timedelta(hours=1), NOON - timedelta(days=1)):
        with ledger.writing() as database:
            move_watermark(database, batch, moment)
    assert get_watermark(ledger, "us") == NOON + timedelta(hours=1)
    assert get_watermark(ledger, "eu") is None


def test_nothing_of_an_order_is_stored_in_the_clear(ledger: Ledger, batch: BatchRef) -> None:
    landed(ledger, batch, text("1", recipient={"deliveryAddress": {"name": "Planted Name"}}))
    with ledger.reading() as database:
        assert "Planted" not in str(database.execute(select(LandedPage)).one())

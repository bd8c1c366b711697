from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mfn.warehouse.cancelling import CancelResult
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import ORDER_COLUMNS
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

LATER = MOMENT + timedelta(hours=5)
NUMBERS = ["A-new", "A-picking", "A-shipped", "A-cancelled"]


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


@pytest.fixture
def warehouse(database_url: str, actor: WarehouseActor) -> SqlWarehouse:
    """A warehouse with one order of each status."""
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    warehouse.load([order_row(number) for number in NUMBERS], [line_row(number) for number in NUMBERS])
    actor.pick("A-picking")
    actor.ship("A-shipped", shipment_id="S-1")
    warehouse.cancel(["A-cancelled"], "cancelled before", MOMENT)
    return warehouse


def in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def test_what_is_new_is_cancelled_and_what_is_begun_is_a_conflict_with_its_status(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    assert warehouse.cancel([*NUMBERS, "A-unknown"], "cancelled at Amazon", LATER) == CancelResult(
        cancelled=frozenset({"A-new", "A-cancelled"}),
        begun={"A-picking": "picking", "A-shipped": "shipped"},
        unknown=frozenset({"A-unknown"}),
    )
    assert warehouse.states(NUMBERS) == {
        "A-new": "cancelled",
        "A-picking": "picking",
        "A-shipped": "shipped",
        "A-cancelled": "cancelled",
    }
    for number in ("A-new", "A-picking", "A-shipped"):
        order = actor.order(number)
        assert (in_utc(order["cancel_requested_at"]), order["cancel_reason"]) == (LATER, "cancelled at Amazon")
    assert in_utc(actor.order("A-new")["updated_at"]) == LATER
    assert in_utc(actor.order("A-picking")["updated_at"]) == MOMENT


def test_an_order_that_is_cancelled_already_stays_as_it_is(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    before = actor.order("A-cancelled")
    assert warehouse.cancel(["A-cancelled"], "again", LATER).cancelled == {"A-cancelled"}
    assert warehouse.request_cancellation({"A-cancelled": "again"}, LATER) == set()
    assert actor.order("A-cancelled") == before


def test_cancelling_twice_changes_nothing_more(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    first = warehouse.cancel(NUMBERS, "cancelled at Amazon", LATER)
    before = [actor.order(number) for number in NUMBERS]
    assert warehouse.cancel(NUMBERS, "cancelled at Amazon", LATER + timedelta(days=1)) == first
    assert [actor.order(number) for number in NUMBERS] == before


def test_a_buyers_request_reaches_every_order_but_a_cancelled_one_and_moves_no_status(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    before = warehouse.states(NUMBERS)
    asked = warehouse.request_cancellation(dict.fromkeys([*NUMBERS, "A-unknown"], "no longer needed"), LATER)
    assert asked == {"A-new", "A-picking", "A-shipped"}
    assert warehouse.states(NUMBERS) == before
    for number in asked:
        order = actor.order(number)
        assert (in_utc(order["cancel_requested_at"]), order["cancel_reason"]) == (LATER, "no longer needed")
        assert in_utc(order["updated_at"]) == MOMENT


def test_a_request_is_new_only_once_and_keeps_its_first_time_with_the_newest_reason(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.request_cancellation({"A-picking": ""}, LATER)
    assert actor.order("A-picking")["cancel_reason"] == ""
    assert warehouse.request_cancellation({"A-picking": "wrong\x00 size"}, LATER + timedelta(days=1)) == set()
    order = actor.order("A-picking")
    assert (in_utc(order["cancel_requested_at"]), order["cancel_reason"]) == (LATER, "wrong size")
    warehouse.cancel(["A-picking"], "cancelled at Amazon", LATER + timedelta(days=2))
    order = actor.order("A-picking")
    assert (in_utc(order["cancel_requested_at"]), order["cancel_reason"]) == (LATER, "cancelled at Amazon")


def test_a_request_that_is_taken_back_leaves_no_trace_but_on_a_cancelled_order(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.request_cancellation(dict.fromkeys(NUMBERS, "no longer needed"), LATER)
    warehouse.cancel(["A-new"], "cancelled at Amazon", LATER)
    warehouse.withdraw_request(["A-new", "A-picking", "A-unknown"])
    assert actor.order("A-new")["cancel_reason"] == "cancelled at Amazon"
    picking = actor.order("A-picking")
    assert (picking["status"], picking["cancel_requested_at"], picking["cancel_reason"]) == ("picking", None, None)
    assert in_utc(picking["updated_at"]) == MOMENT
    assert in_utc(actor.order("A-shipped")["cancel_requested_at"]) == LATER


def test_a_request_is_taken_back_where_the_reason_takes_no_null(database_url: str) -> None:
    actor = WarehouseActor(database_url)
    with actor.working() as connection:
        names = (*ORDER_COLUMNS[1:], "status", "cancel_requested_at", "allocated_at")
        columns = ", ".join([f"{name} TEXT" for name in names] + ["cancel_reason TEXT NOT NULL DEFAULT ''"])
        connection.exec_driver_sql(f"CREATE TABLE wms_order (order_number TEXT PRIMARY KEY, {columns})")
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    warehouse.request_cancellation({"A-1": "no longer needed"}, LATER)
    warehouse.withdraw_request(["A-1"])
    order = actor.order("A-1")
    assert (order["cancel_requested_at"], order["cancel_reason"]) == (None, "")


def test_a_request_is_passed_on_and_taken_back_where_its_time_is_a_text_that_takes_no_null(database_url: str) -> None:
    actor = WarehouseActor(database_url)
    with actor.working() as connection:
        texts = [f"{name} TEXT" for name in (*ORDER_COLUMNS[1:], "status", "allocated_at")]
        empty = [f"{name} TEXT NOT NULL DEFAULT ''" for name in ("cancel_requested_at", "cancel_reason")]
        columns = ", ".join(texts + empty)
        connection.exec_driver_sql(f"CREATE TABLE wms_order (order_number TEXT PRIMARY KEY, {columns})")
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    warehouse.load([order_row(number) for number in ("A-1", "A-2")], [line_row(number) for number in ("A-1", "A-2")])

    def requests() -> list[tuple[str, str]]:
        with actor.working() as connection:
            rows = connection.exec_driver_sql(
                "SELECT cancel_requested_at, cancel_reason FROM wms_order ORDER BY order_number"
            )
            return [(at[:16], reason) for at, reason in rows]

    assert warehouse.request_cancellation({"A-1": "no longer needed"}, LATER) == {"A-1"}
    warehouse.cancel(["A-2"], "cancelled at Amazon", LATER)
    at = f"{LATER:%Y-%m-%d %H:%M}"
    assert requests() == [(at, "no longer needed"), (at, "cancelled at Amazon")]
    warehouse.withdraw_request(["A-1"])
    assert requests() == [("", ""), (at, "cancelled at Amazon")]


def test_each_order_gets_its_own_reason(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    warehouse.request_cancellation({"A-new": "one", "A-picking": "two"}, LATER)
    assert [actor.order(number)["cancel_reason"] for number in ("A-new", "A-picking")] == ["one", "two"]


def test_a_load_after_a_request_keeps_the_request(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    warehouse.request_cancellation({"A-new": "no longer needed"}, LATER)
    assert warehouse.load([order_row("A-new", city="Elsewhere")], [line_row("A-new")]).written == {"A-new"}
    assert actor.order("A-new")["cancel_reason"] == "no longer needed"


def test_no_orders_are_nothing_to_do(warehouse: SqlWarehouse) -> None:
    assert warehouse.cancel([], "cancelled at Amazon", LATER) == CancelResult(frozenset(), {}, frozenset())
    assert warehouse.request_cancellation({}, LATER) == set()
    assert warehouse.states([]) == {}


def test_ten_thousand_orders_are_one_call(warehouse: SqlWarehouse) -> None:
    numbers = [f"A-{number}" for number in range(10_000)]
    warehouse.load([order_row(number) for number in numbers], [])
    assert len(warehouse.request_cancellation(dict.fromkeys(numbers, "no longer needed"), LATER)) == 10_000
    assert len(warehouse.cancel(numbers, "cancelled at Amazon", LATER).cancelled) == 10_000

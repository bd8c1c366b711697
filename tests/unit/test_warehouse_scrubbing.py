"""Buyers' data leaves the warehouse's tables, also where these are its own; what else stands there stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, String

from mfn.database.engines import engine_for
from mfn.warehouse.scrubbing import LINE_DATA, ORDER_DATA
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import LINE_COLUMNS, ORDER_COLUMNS, wms_order, wms_order_line
from tests.warehouse_actor import WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = dict.fromkeys(ORDER_DATA, "of a buyer")
SAID_OF_LINE: dict[str, Any] = dict.fromkeys(LINE_DATA, "of a buyer")


ABOUT_NOBODY = {
    "order_number", "connection", "marketplace_id", "status", "ship_method_code", "programs", "replaces_order", "state",
    "country_code", "address_type", "batch_id", "order_item_id", "sku", "seller_sku", "asin", "title", "currency_code",
    "ioss_number", "gift_wrap",
}  # fmt: skip
"""The state and the country are no one's alone, nor is what was bought."""


def is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String)


@pytest.fixture
def warehouse(database_url: str) -> Iterator[SqlWarehouse]:
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    yield warehouse
    engine_for(database_url).dispose()


def loaded(warehouse: SqlWarehouse, *order_numbers: str) -> None:
    orders = {name: value for name, value in SAID.items() if name in ORDER_COLUMNS}
    warehouse.load(
        [order_row(number, **orders) for number in order_numbers],
        [line_row(number, **SAID_OF_LINE) for number in order_numbers],
    )


def test_what_is_about_a_buyer_is_emptied_and_everything_else_stays(warehouse: SqlWarehouse, database_url: str) -> None:
    actor = WarehouseActor(database_url)
    loaded(warehouse, "A", "B")
    before, line = actor.order("A"), actor.lines("A")[0]
    other = actor.order("B")
    assert warehouse.holding() == ["A", "B"]
    assert warehouse.scrub(["A", "unknown"]) == {"A"}
    assert warehouse.holding() == ["B"]
    assert actor.order("A") == before | dict.fromkeys(ORDER_DATA)
    assert actor.lines("A") == [line | dict.fromkeys(LINE_DATA)]
    assert actor.order("B") == other
    assert warehouse.scrub(["A"]) == frozenset()


def test_no_text_of_an_order_or_a_line_is_kept_but_for_those_that_are_about_nobody() -> None:
    texts = {column.name for each in (wms_order, wms_order_line) for column in each.columns if is_text(column)}
    assert texts - {*ORDER_DATA, *LINE_DATA} == ABOUT_NOBODY


def test_a_line_alone_is_emptied_too(warehouse: SqlWarehouse) -> None:
    warehouse.load([order_row("A")], [line_row("A", gift_message="for Ann")])
    warehouse.scrub(["A"])
    assert warehouse.holding() == []


def test_columns_that_take_no_null_get_an_empty_text(database_url: str) -> None:
    actor = WarehouseActor(database_url)
    with actor.working() as connection:
        texts = ", ".join(
            f"{name} TEXT NOT NULL DEFAULT ''" if name in ORDER_DATA else f"{name} TEXT"
            for name in (*ORDER_COLUMNS, "status", "cancel_requested_at", "cancel_reason", "allocated_at")
            if name != "order_number"
        )
        connection.exec_driver_sql(f"CREATE TABLE wms_order (order_number TEXT PRIMARY KEY, {texts})")
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    given = dict.fromkeys(ORDER_DATA, "of a buyer")
    with actor.working() as connection:
        names = ", ".join(("order_number", "connection", "status", *given))
        values = ", ".join(f"'{value}'" for value in ("A", "us", "shipped", *given.values()))
        connection.exec_driver_sql(f"INSERT INTO wms_order ({names}) VALUES ({values})")
    assert warehouse.scrub(["A"]) == {"A"}
    row = actor.order("A")
    assert {row[name] for name in ORDER_DATA} == {""}
    assert warehouse.holding() == []
    assert set(LINE_COLUMNS) >= set(LINE_DATA)


def test_which_orders_have_left_and_when_is_read_from_the_parcels(warehouse: SqlWarehouse, database_url: str) -> None:
    actor = WarehouseActor(database_url)
    loaded(warehouse, "A", "B", "C")
    early = datetime(2026, 11, 1, 12, tzinfo=UTC)
    for number, at in (("S1", early), ("S2", early + timedelta(days=1))):
        actor.ship("A", shipment_id=number, shipped_at=at)
    with actor.working() as connection:
        connection.exec_driver_sql("UPDATE wms_order SET status = 'shipped' WHERE order_number IN ('A', 'B')")
    assert warehouse.left(["A", "B", "C", "unknown"]) == {"A": early + timedelta(days=1), "B": None}
    assert warehouse.left([]) == {}

"""What the warehouse has of orders, on both databases, also in tables of its own making."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mfn.database.engines import engine_for, writing
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import wms_order
from tests.warehouse_actor import WarehouseActor, line_row, order_row

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    numbers = ["1", "2", "3", "Ä-4"]
    orders = [order_row(number, connection="eu" if number == "3" else "us") for number in numbers]
    warehouse.load(orders, [line_row(number) for number in numbers])
    return warehouse


def test_every_order_of_a_connection_is_returned_with_its_times(warehouse: SqlWarehouse) -> None:
    found = warehouse.orders_of("us")
    assert sorted(found["order_number"]) == ["1", "2", "Ä-4"]
    assert set(found["ordered_at"]) == set(found["loaded_at"]) == {AT}
    assert warehouse.orders_of("nobody").empty


def test_the_statuses_of_requested_orders_are_returned(warehouse: SqlWarehouse, database_url: str) -> None:
    assert WarehouseActor(database_url).pick("2")
    warehouse.request_cancellation({"2": "the buyer called"}, AT)
    found = warehouse.standings(["1", "2", "3", "Ä-4", "nowhere", "it's"])
    assert sorted(found.itertuples(index=False, name=None)) == [
        ("1", "new", False, "us"),
        ("2", "picking", True, "us"),
        ("3", "new", False, "eu"),
        ("Ä-4", "new", False, "us"),
    ]
    assert warehouse.standings([]).empty


def test_a_status_in_capitals_or_none_and_times_that_are_none_are_read(
    warehouse: SqlWarehouse, database_url: str
) -> None:
    with writing(engine_for(database_url), what="the warehouse") as database:
        database.execute(wms_order.update().where(wms_order.c.order_number == "1").values(status="PICKING"))
        database.execute(wms_order.update().where(wms_order.c.order_number == "2").values(ordered_at=None))
    assert dict(warehouse.standings(["1"])[["order_number", "status"]].to_numpy().tolist()) == {"1": "picking"}
    assert warehouse.orders_of("us").set_index("order_number")["ordered_at"].isna().to_dict() == {
        "1": False,
        "2": True,
        "Ä-4": False,
    }

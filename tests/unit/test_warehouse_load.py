from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from mfn.database.engines import engine_for, writing
from mfn.errors import DataError
from mfn.warehouse.loading import LoadResult
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import wms_order, wms_order_line
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

LATER = "2026-11-24 12:00:00.000000"


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    return warehouse


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


def test_a_new_order_arrives_whole_and_has_the_status_new(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    result = warehouse.load(
        [order_row("A-1", is_sfp=1, city="München")],
        [
            line_row("A-1", 1, unit_price="0.1", gift_message="'; --"),
            line_row("A-1", 2, sku="SKU-2", quantity=3, unit_price="1E+3"),
        ],
    )
    assert result == LoadResult(written=frozenset({"A-1"}), refused={})
    order, lines = actor.order("A-1"), actor.lines("A-1")
    assert (order["status"], order["city"], order["is_sfp"], order["is_premium"]) == ("new", "München", True, False)
    assert order["ship_by"].isoformat()[:19] == "2026-11-25T23:59:59"
    assert (order["cancel_requested_at"], order["cancel_reason"], order["allocated_at"]) == (None, None, None)
    assert [(line["line_number"], line["sku"], line["quantity"]) for line in lines] == [
        (1, "SKU-1", 1),
        (2, "SKU-2", 3),
    ]
    assert (lines[0]["unit_price"], lines[0]["gift_message"]) == (0.1, "'; --")
    assert lines[1]["unit_price"] == 1000


def test_the_same_rows_twice_leave_the_same_tables(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    lines = [line_row("A-1", 1), line_row("A-1", 2), line_row("A-2", 1)]
    warehouse.load([order_row("A-1"), order_row("A-2")], lines)
    before = actor.rows(wms_order), actor.rows(wms_order_line)
    again = [order_row(number, loaded_at=LATER, updated_at=LATER, batch_id="batch-2") for number in ("A-1", "A-2")]
    result = warehouse.load(again, lines)
    assert result == LoadResult(written=frozenset({"A-1", "A-2"}), refused={})
    assert (actor.rows(wms_order), actor.rows(wms_order_line)) == before


def test_a_changed_address_or_date_reaches_an_order_that_is_still_new(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    changed = order_row("A-1", city="Elsewhere", ship_by=LATER, loaded_at=LATER, updated_at=LATER, batch_id="batch-2")
    result = warehouse.load([changed], [line_row("A-1", quantity=2)])
    assert result == LoadResult(written=frozenset({"A-1"}), refused={})
    order = actor.order("A-1")
    assert (order["city"], order["batch_id"]) == ("Elsewhere", "batch-2")
    assert [order[name].hour for name in ("ship_by", "updated_at", "loaded_at")] == [12, 12, 10]
    assert [line["quantity"] for line in actor.lines("A-1")] == [2]


@pytest.mark.parametrize(
    "lines",
    [
        [line_row("A-1", 1, quantity=2), line_row("A-1", 2)],
        [line_row("A-1", 2)],
        [line_row("A-1", number) for number in (1, 2, 3)],
    ],
    ids=["changed", "removed", "added"],
)
def test_an_order_of_which_only_a_line_is_another_says_when_and_by_which_run_it_was_changed(
    warehouse: SqlWarehouse, actor: WarehouseActor, lines: list[tuple[Any, ...]]
) -> None:
    both = [order_row("A-1"), order_row("A-2")]
    warehouse.load(both, [line_row("A-1", 1), line_row("A-1", 2), line_row("A-2", 1)])
    again = [order_row(number, loaded_at=LATER, updated_at=LATER, batch_id="batch-2") for number in ("A-1", "A-2")]
    warehouse.load(again, [*lines, line_row("A-2", 1)])
    order, other = actor.order("A-1"), actor.order("A-2")
    assert (order["batch_id"], order["updated_at"].hour, order["loaded_at"].hour) == ("batch-2", 12, 10)
    assert (other["batch_id"], other["updated_at"].hour) == ("batch-1", 10), "nothing of it has changed"


def test_a_line_that_is_gone_disappears_and_a_new_one_appears(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    warehouse.load([order_row("A-1"), order_row("A-2")], [line_row("A-1", 1), line_row("A-1", 2), line_row("A-2", 7)])
    warehouse.load([order_row("A-1")], [line_row("A-1", 2), line_row("A-1", 3)])
    assert [line["line_number"] for line in actor.lines("A-1")] == [2, 3]
    assert [line["line_number"] for line in actor.lines("A-2")] == [7]


def test_an_order_that_the_warehouse_has_begun_is_refused_with_its_status_and_the_others_are_written(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    numbers = ["A-1", "A-2", "A-3", "A-4"]
    warehouse.load([order_row(number) for number in numbers], [line_row(number) for number in numbers])
    actor.pick("A-1")
    actor.ship("A-2", shipment_id="S-1", short_by=1)
    actor.void("S-1")
    warehouse.cancel(["A-3"], "cancelled at Amazon", MOMENT)
    before = {number: (actor.order(number), actor.lines(number)) for number in numbers}
    result = warehouse.load(
        [order_row(number, city="Elsewhere", updated_at=LATER) for number in numbers],
        [line_row(number, 2, quantity=9) for number in numbers],
    )
    refused = {"A-1": "picking", "A-2": "shipped", "A-3": "cancelled"}
    assert result == LoadResult(written=frozenset({"A-4"}), refused=refused)
    assert {number: (actor.order(number), actor.lines(number)) for number in numbers[:3]} == {
        number: before[number] for number in numbers[:3]
    }
    assert [line["line_number"] for line in actor.lines("A-4")] == [2]


def test_what_the_warehouse_writes_itself_is_never_touched(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    actor.allocate("A-1")
    warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1")])
    order = actor.order("A-1")
    assert order["city"] == "Elsewhere"
    assert order["allocated_at"] is not None


def test_a_nul_character_in_a_gift_message_costs_no_order(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    result = warehouse.load([order_row("A-1")], [line_row("A-1", gift_message="Happy\x00 birthday")])
    assert result.written == {"A-1"}
    assert actor.lines("A-1")[0]["gift_message"].replace("\x00", "") == "Happy birthday"


def test_an_absent_text_is_empty_where_the_warehouse_takes_no_null(database_url: str, actor: WarehouseActor) -> None:
    required = {"address_2", "district", "programs", "gift_message"}
    with writing(engine_for(database_url), what="the test") as connection:
        for table in (wms_order, wms_order_line):
            columns = ", ".join(
                f"{column.name} TEXT NOT NULL DEFAULT ''"
                if column.name in required
                else f"{column.name} {column.type.compile(connection.dialect)}"
                for column in reversed(table.columns)
            )
            key = ", ".join(table.primary_key.columns.keys())
            connection.execute(text(f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key}))"))
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    for _ in range(2):  # the second time under the guard
        absent = order_row("A-1", address_2=None, district=None, programs=None, phone=None)
        assert warehouse.load([absent], [line_row("A-1", gift_message=None)]).written == {"A-1"}
    order = actor.order("A-1")
    assert (order["address_2"], order["district"], order["programs"], order["phone"]) == ("", "", "", None)
    assert actor.lines("A-1")[0]["gift_message"] == ""


def test_a_cancel_reason_that_takes_no_null_is_empty_before_anybody_asks(
    database_url: str, actor: WarehouseActor
) -> None:
    with writing(engine_for(database_url), what="the test") as connection:
        columns = ", ".join(
            f"{column.name} TEXT NOT NULL"
            if column.name == "cancel_reason"
            else f"{column.name} {column.type.compile(connection.dialect)}"
            for column in wms_order.columns
        )
        connection.execute(text(f"CREATE TABLE wms_order ({columns}, PRIMARY KEY (order_number))"))
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    for _ in range(2):  # the second time under the guard
        assert warehouse.load([order_row("A-1")], [line_row("A-1")]).written == {"A-1"}
    assert (actor.order("A-1")["cancel_reason"], actor.order("A-1")["cancel_requested_at"]) == ("", None)


def test_an_absent_time_is_empty_where_the_warehouse_keeps_it_as_a_text_that_takes_no_null(
    database_url: str, actor: WarehouseActor
) -> None:
    times = {"earliest_ship_at", "deliver_by", "cancel_requested_at"}
    with actor.working() as connection:
        columns = ", ".join(
            f"{column.name} TEXT NOT NULL"
            if column.name in times
            else f"{column.name} {column.type.compile(connection.dialect)}"
            for column in wms_order.columns
        )
        connection.exec_driver_sql(f"CREATE TABLE wms_order ({columns}, PRIMARY KEY (order_number))")
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    for _ in range(2):  # the second time under the guard
        absent = order_row("A-1", earliest_ship_at=None, deliver_by=None)
        assert warehouse.load([absent], [line_row("A-1")]).written == {"A-1"}
    with actor.working() as connection:
        listed = ", ".join(sorted(times))
        assert connection.exec_driver_sql(f"SELECT {listed} FROM wms_order").all() == [("", "", "")]


def test_no_orders_are_nothing_to_do(warehouse: SqlWarehouse) -> None:
    result = warehouse.load([], [])
    assert result == LoadResult(written=frozenset(), refused={})


def test_ten_thousand_orders_are_one_call(warehouse: SqlWarehouse) -> None:
    numbers = [f"A-{number}" for number in range(10_000)]
    result = warehouse.load([order_row(number) for number in numbers], [line_row(number) for number in numbers])
    assert result.written == set(numbers)
    assert warehouse.states([*numbers, "unknown"]) == dict.fromkeys(numbers, "new")


def swallowing(url: str, table: str, condition: str) -> None:
    """A trigger of the warehouse's own that lets some rows vanish."""
    when = f"CREATE TRIGGER swallow BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})"
    statements = (
        [f"{when} BEGIN SELECT RAISE(IGNORE); END"]
        if url.startswith("sqlite")
        else [
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            f"{when} EXECUTE FUNCTION swallow()",
        ]
    )
    with writing(engine_for(url), what="the test") as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_an_order_that_the_warehouse_begins_the_moment_it_comes_in_has_its_lines(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    begin = "UPDATE wms_order SET status = 'picking' WHERE order_number = NEW.order_number;"
    trigger = "CREATE TRIGGER begin AFTER INSERT ON wms_order FOR EACH ROW"
    statements = (
        [f"{trigger} BEGIN {begin} END"]
        if database_url.startswith("sqlite")
        else [
            f"CREATE FUNCTION begin() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {begin} RETURN NULL; END$$",
            f"{trigger} EXECUTE FUNCTION begin()",
        ]
    )
    with writing(engine_for(database_url), what="the test") as connection:
        for statement in statements:
            connection.execute(text(statement))
    result = warehouse.load(
        [order_row("A-1"), order_row("A-2")], [line_row("A-1"), line_row("A-2", 1), line_row("A-2", 2)]
    )
    assert result == LoadResult(frozenset({"A-1"}), {"A-2": "picking"})
    assert len(actor.lines("A-2")) == 2


def test_lines_that_somebody_left_of_an_order_that_is_gone_give_way_to_those_of_its_return(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1", 1), line_row("A-1", 2)])
    with writing(engine_for(database_url), what="the test") as connection:
        connection.execute(text("DELETE FROM wms_order"))
    assert warehouse.load([order_row("A-1")], [line_row("A-1", 2, quantity=9)]).written == {"A-1"}
    assert [(line["line_number"], line["quantity"]) for line in actor.lines("A-1")] == [(2, 9)]


@pytest.mark.parametrize(
    ("table", "condition"),
    [("wms_order", "NEW.order_number = 'A-2'"), ("wms_order_line", "NEW.order_number = 'A-2' AND NEW.line_number = 2")],
)
def test_a_row_that_the_warehouse_drops_takes_the_whole_chunk_back_and_is_named(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor, table: str, condition: str
) -> None:
    swallowing(database_url, table, condition)
    with pytest.raises(DataError, match=r"the warehouse of us did not keep .*1 of 2 orders.*\(A-2\)") as caught:
        warehouse.load([order_row("A-1"), order_row("A-2")], [line_row("A-1"), line_row("A-2", 1), line_row("A-2", 2)])
    assert "trigger" in caught.value.remedy
    assert actor.rows(wms_order) == actor.rows(wms_order_line) == []


def test_a_line_without_its_order_is_never_written(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    with pytest.raises(DataError, match=r"\(A-2\)"):
        warehouse.load([order_row("A-1")], [line_row("A-1"), line_row("A-2")])
    assert actor.rows(wms_order) == []


def test_no_buyers_data_is_in_what_a_refused_chunk_says(database_url: str, warehouse: SqlWarehouse) -> None:
    if database_url.startswith("sqlite"):
        rule = "CREATE TRIGGER short BEFORE INSERT ON wms_order BEGIN SELECT RAISE(ABORT, 'too long') ; END"
    else:
        rule = "ALTER TABLE wms_order ALTER COLUMN ship_to_name TYPE VARCHAR(5)"
    with writing(engine_for(database_url), what="the test") as connection:
        connection.execute(text(rule))
    with pytest.raises(DataError, match="too long") as caught:
        warehouse.load([order_row("A-1", ship_to_name="Test Buyer")], [line_row("A-1")])
    assert "Test Buyer" not in str(caught.value)


def test_nothing_of_a_chunk_stays_in_temporary_tables(warehouse: SqlWarehouse, database_url: str) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    query = (
        "SELECT name FROM temp.sqlite_master"
        if database_url.startswith("sqlite")
        else ("SELECT relname FROM pg_class WHERE relname LIKE 'mfn%' AND relpersistence = 't'")
    )
    with writing(engine_for(database_url), what="the test") as connection:
        assert connection.execute(text(query)).all() == []

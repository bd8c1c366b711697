"""The warehouse's stock as of one moment, read from tables of this project's and of the warehouse's own making."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import event, text

from mfn.database.engines import engine_for, writing
from mfn.errors import FatalError
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import wms_inventory, wms_item, wms_order
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    import pandas as pd

OWN_ROWS = "sku VARCHAR(40), location VARCHAR(40), on_hand {number}, allocated {number}"


def run(url: str, *statements: str) -> None:
    with writing(engine_for(url), what="the test") as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    return warehouse


def own_inventory(url: str, columns: str, *rows: str) -> None:
    """Put a table of the warehouse's own in the place of ours."""
    run(url, "DROP TABLE wms_inventory", f"CREATE TABLE wms_inventory ({columns})")
    if rows:
        run(url, f"INSERT INTO wms_inventory VALUES {', '.join(rows)}")


def rows_of(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.sort_values(list(frame.columns[:2])).to_dict("records")


def test_stock_comes_with_where_it_lies_and_when_it_was_counted(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    names = ("sku", "location", "on_hand", "allocated", "is_sellable", "counted_at")
    rows: list[tuple[Any, ...]] = [
        (" MUG", "RETURNS", 2, None, False, None),
        ("00123", "MAIN", -1, 0, True, None),
        ("MUG", "MAIN", 12, 3, True, MOMENT),
    ]
    actor.add(wms_inventory, *(dict(zip(names, row, strict=True)) for row in rows))
    actor.add(wms_item, {"sku": "MUG", "is_active": None}, {"sku": "00123", "is_active": False})
    snapshot = warehouse.stock([])
    found = snapshot.stock.sort_values("sku")
    assert found["counted_at"].astype("object").where(found["counted_at"].notna(), None).tolist() == [
        None,
        None,
        MOMENT,
    ]
    expected = list(found.drop(columns=["counted_at", "is_counted_at_unreadable"]).itertuples(index=False, name=None))
    assert expected == [(*row[:3], row[3] or 0, row[4], "") for row in rows]
    assert not found["is_counted_at_unreadable"].any()
    assert rows_of(snapshot.items) == [{"sku": "00123", "is_active": False}, {"sku": "MUG", "is_active": True}]
    assert snapshot.orders.empty
    assert not snapshot.is_allocated_at_filled


def test_the_columns_have_the_same_types_whether_there_are_rows_or_none(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    none = warehouse.stock(["A-1"])
    actor.add(wms_inventory, {"sku": "MUG", "location": "MAIN", "on_hand": 12, "allocated": 3})
    actor.add(wms_item, {"sku": "MUG"})
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    some = warehouse.stock(["A-1"])
    for empty, filled in (
        (none.stock, some.stock),
        (none.items, some.items),
        (none.orders, some.orders),
    ):
        assert (len(empty), len(filled)) == (0, 1)
        assert empty.dtypes.to_dict() == filled.dtypes.to_dict()
    assert some.stock.dtypes.map(str).to_dict() == {
        "sku": "object",
        "location": "object",
        "on_hand": "float64",
        "allocated": "float64",
        "is_sellable": "bool",
        "counted_at": "datetime64[us, UTC]",
        "unreadable": "object",
        "is_counted_at_unreadable": "bool",
    }


def test_a_table_of_the_warehouse_s_own_may_lack_what_is_optional(database_url: str, warehouse: SqlWarehouse) -> None:
    own_inventory(database_url, OWN_ROWS.format(number="INTEGER"), "('MUG', NULL, 5, NULL)")
    (row,) = rows_of(SqlWarehouse(database_url, name="us").stock([]).stock)
    assert (row["sku"], row["location"], row["on_hand"], row["allocated"]) == ("MUG", "", 5, 0)
    assert row["is_sellable"]
    assert not row["is_counted_at_unreadable"]


@pytest.mark.parametrize("number", ["VARCHAR(40)", "NUMERIC(12,3)", "DOUBLE PRECISION", "BIGINT"])
def test_numbers_are_read_whatever_their_type_is(database_url: str, warehouse: SqlWarehouse, number: str) -> None:
    own_inventory(database_url, OWN_ROWS.format(number=number), "('A', 'M', '12', '0')", "('B', 'M', '-3', NULL)")
    frame = warehouse.stock([]).stock.sort_values("sku")
    assert frame["on_hand"].tolist() == [12, -3]
    assert frame["allocated"].tolist() == [0, 0]
    assert set(frame["unreadable"]) == {""}


@pytest.mark.parametrize(
    ("written", "on_hand", "unreadable"),
    [
        ("'12.0'", 12, ""),
        ("' 12 '", 12, ""),
        ("'2.5'", 2.5, ""),
        ("'n/a'", np.nan, "on_hand is 'n/a', not a number"),
        ("'1,000'", np.nan, "on_hand is '1,000', not a number"),
        ("'NaN'", np.nan, "on_hand is 'NaN', not a number"),
        ("'inf'", np.nan, "on_hand is inf, more than a location can hold"),
        ("'-1e400'", np.nan, "on_hand is -1e400, more than a location can hold"),
        ("'5901234123457'", np.nan, "on_hand is 5901234123457, more than a location can hold"),
        ("' '", np.nan, "on_hand is empty"),
        ("NULL", np.nan, "on_hand is empty"),
    ],
)
def test_what_is_not_a_number_of_units_is_reported_word_for_word(
    database_url: str, warehouse: SqlWarehouse, written: str, on_hand: float, unreadable: str
) -> None:
    own_inventory(database_url, OWN_ROWS.format(number="VARCHAR(40)"), f"('MUG', 'MAIN', {written}, 'x')")
    frame = warehouse.stock([]).stock
    np.testing.assert_equal(frame["on_hand"].tolist(), [on_hand])
    expected = [unreadable] if unreadable else []
    assert frame["unreadable"].tolist() == [", ".join([*expected, "allocated is 'x', not a number"])]


@pytest.mark.parametrize("number", ["'NaN'", "'Infinity'"])
def test_numbers_that_are_none_stop_nobody(postgres_url: str, number: str) -> None:
    warehouse = SqlWarehouse(postgres_url, name="us")
    warehouse.ensure_tables()
    own_inventory(
        postgres_url, OWN_ROWS.format(number="DOUBLE PRECISION"), f"('A', 'M', {number}, 0)", "('B', 'M', 5, 0)"
    )
    frame = warehouse.stock([]).stock.sort_values("sku")
    np.testing.assert_equal(frame["on_hand"].tolist(), [np.nan, 5])


@pytest.mark.parametrize(("kind", "yes", "no"), [("VARCHAR(9)", "'yes'", "'f'"), ("SMALLINT", "1", "0")])
def test_whether_a_location_is_sellable_is_read_whatever_its_type_is(
    database_url: str, warehouse: SqlWarehouse, kind: str, yes: str, no: str
) -> None:
    columns = f"{OWN_ROWS.format(number='INTEGER')}, is_sellable {kind}, counted_at VARCHAR(40)"
    rows = [f"('{sku}', 'M', 1, 0, {said}, NULL)" for sku, said in (("A", yes), ("B", no), ("C", "NULL"))]
    own_inventory(database_url, columns, *rows)
    assert warehouse.stock([]).stock.sort_values("sku")["is_sellable"].tolist() == [True, False, True]


def test_a_count_s_time_is_read_in_utc_and_one_that_is_none_is_flagged(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    columns = f"{OWN_ROWS.format(number='INTEGER')}, counted_at VARCHAR(40)"
    times = ("'2026-11-24 02:00:00-08:00'", "'2026-11-24 10:00:00'", "'last week'", "' '", "NULL")
    own_inventory(database_url, columns, *[f"('{n}', 'M', 1, 0, {time})" for n, time in enumerate(times)])
    frame = warehouse.stock([]).stock.sort_values("sku")
    assert frame["counted_at"].tolist()[:2] == [datetime(2026, 11, 24, 10, tzinfo=UTC)] * 2
    assert frame["counted_at"].isna().tolist() == [False, False, True, True, True]
    assert frame["is_counted_at_unreadable"].tolist() == [False, False, True, False, False]


def test_an_item_listed_twice_is_one_and_active_if_one_is(database_url: str, warehouse: SqlWarehouse) -> None:
    run(
        database_url,
        "DROP TABLE wms_item",
        "CREATE TABLE wms_item (sku VARCHAR(40), description VARCHAR(40), is_active VARCHAR(9))",
        "INSERT INTO wms_item VALUES ('A', 'x', 'no'), ('A', 'y', 'yes'), (NULL, 'z', 'yes'), ('B', 'w', 'no')",
    )
    assert rows_of(warehouse.stock([]).items) == [{"sku": "A", "is_active": True}, {"sku": "B", "is_active": False}]


def test_the_statuses_of_the_requested_orders_are_returned_and_of_no_other(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row(number) for number in ("A-1", "A-2", "A-3")], [])
    actor.pick("A-2")
    actor.allocate("A-2")
    snapshot = warehouse.stock(["A-1", "A-2", "X-1", "a-3"])
    assert rows_of(snapshot.orders) == [
        {"order_number": "A-1", "status": "new", "is_allocated": False},
        {"order_number": "A-2", "status": "picking", "is_allocated": True},
    ]
    assert snapshot.is_allocated_at_filled
    assert warehouse.stock([]).is_allocated_at_filled


def test_an_allocation_that_is_blank_is_none(database_url: str, warehouse: SqlWarehouse) -> None:
    others = ", ".join(column.name for column in wms_order.columns if column.name not in {"order_number", "status"})
    run(
        database_url,
        "DROP TABLE wms_order",
        "CREATE TABLE wms_order (order_number VARCHAR(40) PRIMARY KEY, status VARCHAR(9), "
        + ", ".join(f"{name} VARCHAR(40)" for name in others.split(", "))
        + ")",
        "INSERT INTO wms_order (order_number, status, allocated_at) VALUES ('A-1', ' NEW', ' ')",
    )
    snapshot = warehouse.stock(["A-1"])
    assert rows_of(snapshot.orders) == [{"order_number": "A-1", "status": "new", "is_allocated": False}]
    assert not snapshot.is_allocated_at_filled


def test_orders_are_looked_up_by_their_key_however_many_there_are(warehouse: SqlWarehouse, database_url: str) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    assert len(warehouse.stock([f"X-{number}" for number in range(70_000)] + ["A-1"]).orders) == 1
    if database_url.startswith("sqlite"):
        statements: list[str] = []
        event.listen(
            engine_for(database_url), "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
        )
        warehouse.stock(["A-1"])
        (asked,) = [statement for statement in statements if "json_each" in statement]
        (exists,) = [statement for statement in statements if "EXISTS" in statement]
        with writing(engine_for(database_url), what="the test") as connection:
            plans = [
                " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
                for statement, parameters in ((asked, ("{}",)), (exists, ()))
            ]
        assert "SEARCH wms_order USING INDEX sqlite_autoindex_wms_order_1" in plans[0]
        assert "ix_wms_order_allocated_at" in plans[1]


def test_everything_is_of_one_moment_whatever_the_warehouse_writes_in_between(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    actor.add(wms_inventory, {"sku": "MUG", "location": "MAIN", "on_hand": 12, "allocated": 0})
    actor.add(wms_item, {"sku": "MUG"})
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    written: list[str] = []

    def ship_meanwhile(*arguments: Any) -> None:
        if "FROM wms_item" in arguments[2] and not written:
            written.append("MUG")
            actor.ship("A-1", shipment_id="S-1")
            with actor.working() as connection:
                connection.execute(text("UPDATE wms_inventory SET on_hand = 11"))
                connection.execute(text("DELETE FROM wms_item"))

    event.listen(engine_for(database_url), "before_cursor_execute", ship_meanwhile)
    before, after = warehouse.stock(["A-1"]), warehouse.stock(["A-1"])
    assert written
    for snapshot, on_hand, items, status in ((before, 12, 1, "new"), (after, 11, 0, "shipped")):
        assert snapshot.stock["on_hand"].tolist() == [on_hand]
        assert len(snapshot.items) == items
        assert snapshot.orders["status"].tolist() == [status]


def test_a_warehouse_that_lacks_what_is_needed_is_reported(database_url: str, warehouse: SqlWarehouse) -> None:
    run(database_url, "DROP TABLE wms_inventory", "CREATE TABLE wms_inventory (sku VARCHAR(40))")
    with pytest.raises(FatalError, match="the warehouse of us"):
        warehouse.stock([])

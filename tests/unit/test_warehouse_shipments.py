"""What the warehouse has shipped, read from tables of this project's and of the warehouse's own making."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sqlalchemy import event, text

from mfn.database.engines import engine_for, writing
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import wms_order
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEADERS = """
    shipment_id VARCHAR(40), order_number VARCHAR(40), carrier VARCHAR(40), service VARCHAR(40),
    tracking_number VARCHAR(40), shipped_at {moment}, is_amazon_label {flag}
"""
OWN_HEADERS = HEADERS.format(moment="VARCHAR(40)", flag="VARCHAR(9)")


def run(url: str, *statements: str) -> None:
    with writing(engine_for(url), what="the test") as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    """A warehouse with two orders of two connections; the first has two lines."""
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    facts = {"is_sfp": 1, "is_business": 1, "programs": "PRIME,AMAZON_BUSINESS", "state": "WA"}
    warehouse.load(
        [order_row("A-1", **facts), order_row("B-1", connection="ca")],
        [line_row("A-1", 1, quantity=2), line_row("A-1", 2, sku="SKU-2", units_per_kit=3), line_row("B-1")],
    )
    return warehouse


def own_headers(url: str, columns: str, *rows: str) -> None:
    """Put a table of the warehouse's own in the place of ours."""
    run(url, "DROP TABLE wms_shipment", f"CREATE TABLE wms_shipment ({columns})")
    if rows:
        run(url, f"INSERT INTO wms_shipment VALUES {', '.join(rows)}")


def by_id(frame: pd.DataFrame, column: str) -> dict[str, Any]:
    return dict(zip(frame["shipment_id"], frame[column].tolist(), strict=True))


def test_a_parcel_comes_with_what_it_says_and_the_facts_of_its_order(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    actor.pick("A-1")
    actor.ship("A-1", shipment_id="S-1", tracking_number=" 1Z 1\n", carrier="  ", is_amazon_label=True)
    frame = warehouse.shipments("us")
    ship_by = datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC)
    assert frame.to_dict("records") == [
        {
            "shipment_id": "S-1",
            "order_number": "A-1",
            "carrier": None,
            "service": "GROUND",
            "tracking_number": "1Z 1",
            "shipped_at": MOMENT,
            "is_amazon_label": True,
            "status": "closed",
            "is_order_known": True,
            "marketplace_id": "ATVPDKIKX0DER",
            "ordered_at": MOMENT,
            "ship_by": ship_by,
            "is_sfp": True,
            "is_premium": False,
            "is_business": True,
            "programs": "PRIME,AMAZON_BUSINESS",
            "ship_method_code": "GROUND",
            "country_code": "US",
            "state": "WA",
            "order_status": "shipped",
            "is_shipped_at_unreadable": False,
            "is_id_missing": False,
            "is_id_ambiguous": False,
        }
    ]


def test_the_columns_have_the_same_types_whether_there_are_parcels_or_none(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    none = warehouse.shipments("us"), warehouse.shipment_lines([]), warehouse.order_lines([])
    actor.ship("A-1", shipment_id="S-1")
    some = warehouse.shipments("us"), warehouse.shipment_lines(["S-1"]), warehouse.order_lines(["A-1"])
    assert [len(frame) for frame in none] == [0, 0, 0]
    assert [len(frame) for frame in some] == [1, 2, 2]
    for empty, filled in zip(none, some, strict=True):
        assert empty.dtypes.to_dict() == filled.dtypes.to_dict()
    kinds = some[0].dtypes.map(str)
    assert {name for name in kinds.index if kinds[name] == "bool"} == {n for n in kinds.index if n.startswith("is_")}
    assert {name for name in kinds.index if kinds[name] == "datetime64[us, UTC]"} == {
        "shipped_at",
        "ordered_at",
        "ship_by",
    }
    assert some[1].dtypes.map(str).to_dict() == {
        "shipment_id": "object",
        "line_number": "int64",
        "order_item_id": "object",
        "sku": "object",
        "quantity": "float64",
    }


def test_parcels_of_another_connection_are_left_out_and_those_of_unknown_orders_are_not(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    actor.ship("A-1", shipment_id="S-us")
    actor.ship("B-1", shipment_id="S-ca")
    actor.write_parcel("X-1", shipment_id="S-unknown", lines=[])
    actor.write_parcel(None, shipment_id="S-without", lines=[])
    for connection, own in (("us", "S-us"), ("ca", "S-ca")):
        frame = warehouse.shipments(connection)
        assert by_id(frame, "is_order_known") == {own: True, "S-unknown": False, "S-without": False}
        assert by_id(frame, "order_number")["S-without"] == ""
        unknown = frame.set_index("shipment_id").loc["S-unknown"]
        assert unknown[["marketplace_id", "ordered_at", "programs", "order_status"]].isna().all()
        assert not unknown["is_sfp"]


def test_an_order_that_came_by_no_connection_of_ours_is_left_out(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    actor.add(wms_order, {"order_number": "OWN-1", "connection": None, "status": "picking"})
    actor.write_parcel("OWN-1", shipment_id="S-own", lines=[])
    assert warehouse.shipments("us").empty


def test_order_numbers_are_compared_to_the_letter(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    actor.write_parcel("a-1", shipment_id="S-1", lines=[])
    actor.write_parcel("A-1", shipment_id="S-2", lines=[])
    if database_url.startswith("sqlite"):  # a key of the warehouse's own, which does not look at the case
        others = ", ".join(column.name for column in wms_order.columns if column.name != "order_number")
        run(
            database_url,
            "ALTER TABLE wms_order RENAME TO was",
            f"CREATE TABLE wms_order (order_number VARCHAR(40) COLLATE NOCASE PRIMARY KEY, {others})",
            f"INSERT INTO wms_order (order_number, {others}) SELECT order_number, {others} FROM was",
        )
    assert by_id(warehouse.shipments("us"), "is_order_known") == {"S-1": False, "S-2": True}


def test_a_status_is_closed_where_the_warehouse_says_nothing(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    for number, status in enumerate((None, "", " Closed ", "OPEN", "void", "packed")):
        actor.write_parcel("A-1", shipment_id=f"S-{number}", lines=[], status=status)
    assert warehouse.shipments("us")["status"].tolist() == ["closed"] * 3 + ["open", "void", "packed"]
    own_headers(database_url, OWN_HEADERS, "('S-1', 'A-1', 'UPS', NULL, '1Z', NULL, NULL)")
    assert warehouse.shipments("us")["status"].tolist() == ["closed"]


TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-24 10:00:00", TEN),
        ("2026-11-24T10:00:00.000000", TEN),
        ("2026-11-24T10:00:00Z", TEN),
        ("2026-11-24 10:00:00+00", TEN),
        ("2026-11-24 02:00:00-08:00", TEN),
        ("2026-11-24T10:00:00.1234567", TEN + timedelta(microseconds=123456)),
        ("2026-11-24", TEN - timedelta(hours=10)),
        ("20261124", TEN - timedelta(hours=10)),
        (" ", None),
    ],
)
def test_a_ship_date_that_is_a_text_is_read_in_utc(
    database_url: str, warehouse: SqlWarehouse, written: str, read: datetime | None
) -> None:
    own_headers(database_url, OWN_HEADERS, f"('S-1', 'A-1', NULL, NULL, '1Z', '{written}', NULL)")
    frame = warehouse.shipments("us")
    moment = frame["shipped_at"][0]
    assert (None if moment is pd.NaT else moment) == read
    assert frame["is_shipped_at_unreadable"].tolist() == [False]


@pytest.mark.parametrize("written", ["yesterday", "now", "2026", "2026-11", "24.11.2026", "11/24/2026", "1795514400"])
def test_a_ship_date_that_cannot_be_read_is_flagged_and_no_time(
    database_url: str, warehouse: SqlWarehouse, written: str
) -> None:
    own_headers(
        database_url,
        OWN_HEADERS,
        f"('S-1', 'A-1', NULL, NULL, '1Z', '{written}', NULL)",
        "('S-2', 'A-1', NULL, NULL, '1Z', '2026-11-24', NULL)",
    )
    frame = warehouse.shipments("us")
    assert frame["shipped_at"].isna().tolist() == [True, False]
    assert frame["is_shipped_at_unreadable"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("moment", "written", "read"),
    [
        ("TIMESTAMP", "2026-11-24 10:00:00", TEN),
        ("TIMESTAMP WITH TIME ZONE", "2026-11-24 05:00:00-05", TEN),
        ("DATE", "2026-11-24", TEN - timedelta(hours=10)),
    ],
)
def test_a_ship_date_of_the_database_s_own_types_is_read_in_utc(
    database_url: str, warehouse: SqlWarehouse, moment: str, written: str, read: datetime
) -> None:
    own_headers(
        database_url,
        HEADERS.format(moment=moment, flag="SMALLINT"),
        f"('S-1', 'A-1', NULL, NULL, '1Z', '{written}', 1)",
        "('S-2', 'A-1', NULL, NULL, '1Z', NULL, 0)",
    )
    frame = warehouse.shipments("us")
    assert frame["shipped_at"][0] == read
    assert frame["shipped_at"].isna().tolist() == [False, True]
    assert frame["is_amazon_label"].tolist() == [True, False]


def test_a_time_that_never_comes_stops_nobody_and_a_datestyle_changes_nothing(postgres_url: str) -> None:
    warehouse = SqlWarehouse(postgres_url, name="us")
    warehouse.ensure_tables()
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    run(
        postgres_url,
        "INSERT INTO wms_shipment (shipment_id, order_number, shipped_at) VALUES ('S-1', 'A-1', 'infinity'),"
        " ('S-2', 'A-1', '2026-11-02 10:00:00+00')",
    )

    def german(connection: Connection) -> None:
        connection.exec_driver_sql("SET DateStyle = 'German'")

    event.listen(engine_for(postgres_url), "begin", german)
    frame = warehouse.shipments("us")
    assert frame["is_shipped_at_unreadable"].tolist() == [True, False]
    assert frame["shipped_at"][1] == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert frame["ordered_at"].tolist() == [MOMENT, MOMENT]


@pytest.mark.parametrize(
    ("kind", "yes", "no"),
    [
        ("BOOLEAN", ["'1'"], ["'0'", "NULL"]),
        ("SMALLINT", ["1"], ["0", "NULL"]),
        ("VARCHAR(9)", ["'1'", "'t'", "'Y'", "'True'"], ["'0'", "'f'", "' N '", "''", "NULL"]),
        ("CHAR(5)", ["'y'"], ["'n'", "' '"]),
        ("NUMERIC(4, 2)", ["1"], ["0", "NULL"]),
    ],
)
def test_a_label_is_amazon_s_where_the_warehouse_says_so_in_whichever_type(
    database_url: str, warehouse: SqlWarehouse, kind: str, yes: list[str], no: list[str]
) -> None:
    values = [(f"yes-{number}", value) for number, value in enumerate(yes)]
    values += [(f"no-{number}", value) for number, value in enumerate(no)]
    rows = [f"('{name}', 'A-1', NULL, NULL, '1Z', NULL, {value})" for name, value in values]
    own_headers(database_url, HEADERS.format(moment="TIMESTAMP", flag=kind), *rows)
    shown = by_id(warehouse.shipments("us"), "is_amazon_label")
    assert shown == {name: name.startswith("yes") for name, _ in values}


def test_rows_without_an_id_are_reported_once_per_order_under_a_made_up_id(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    own_headers(
        database_url,
        OWN_HEADERS,
        "(NULL, 'A-1', 'UPS', NULL, '1Z-1', NULL, NULL)",
        "(' ', 'A-1', 'UPS', NULL, '1Z-2', NULL, NULL)",
        "(NULL, 'X-1', 'UPS', NULL, '1Z-3', NULL, NULL)",
        "(NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "('S-1', 'A-1', 'UPS', NULL, '1Z-4', NULL, NULL)",
    )
    frame = warehouse.shipments("us")
    assert by_id(frame, "is_id_missing") == {"S-1": False, "unnamed-": True, "unnamed-A-1": True, "unnamed-X-1": True}
    assert not frame["is_id_ambiguous"].any()


def test_of_rows_that_share_an_id_those_that_differ_are_ambiguous_and_those_that_do_not_are_one(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    own_headers(
        database_url,
        OWN_HEADERS,
        "('S-1', 'A-1', 'UPS', NULL, '1Z-1', NULL, NULL)",
        "('S-1', 'A-1', 'UPS', NULL, '1Z-1', NULL, NULL)",
        "('S-2', 'A-1', 'UPS', NULL, '1Z-3', NULL, NULL)",
        "('S-2', 'A-1', 'UPS', NULL, '1Z-2', NULL, NULL)",
    )
    frame = warehouse.shipments("us")
    assert by_id(frame, "is_id_ambiguous") == {"S-1": False, "S-2": True}
    assert by_id(frame, "tracking_number")["S-2"] == "1Z-2"


def test_a_shipped_parcel_is_reported_although_an_open_or_void_one_has_its_id(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    left, voided, opened = ("'A-1', 'UPS', NULL, '1Z-2', NULL", "'A-1', 'UPS', NULL, '1Z-1', NULL", "'A-0', 'A'")
    own_headers(
        database_url,
        f"{OWN_HEADERS}, status VARCHAR(9)",
        f"('S-1', {voided}, NULL, 'void')",
        f"('S-1', {left}, NULL, 'closed')",
        f"('S-2', {opened}, NULL, NULL, NULL, NULL, 'open')",
        f"('S-2', {left}, NULL, 'packed')",
        f"(NULL, {voided}, NULL, 'void')",
        f"(NULL, {left}, NULL, NULL)",
        f"('S-3', {voided}, NULL, 'void')",
        f"('S-3', {left}, NULL, 'open')",
    )
    for frame in (warehouse.shipments("us"), warehouse.written_shipments("us")):
        stands = {"S-1": "closed", "S-2": "packed", "S-3": "void", "unnamed-A-1": "closed"}
        assert by_id(frame, "status") == stands
        assert by_id(frame, "is_id_ambiguous") == {name: name.startswith("S-") for name in stands}


def test_ids_that_are_numbers_or_padded_find_their_lines(database_url: str, warehouse: SqlWarehouse) -> None:
    for kind in ("INTEGER", "CHAR(10)"):
        own_headers(
            database_url,
            OWN_HEADERS.replace("shipment_id VARCHAR(40)", f"shipment_id {kind}"),
            "('17', 'A-1', NULL, NULL, '1Z', NULL, NULL)",
        )
        run(
            database_url,
            "DROP TABLE wms_shipment_line",
            f"CREATE TABLE wms_shipment_line (shipment_id {kind}, line_number {kind}, order_item_id BIGINT,"
            " sku CHAR(10), quantity NUMERIC(10, 3))",
            "INSERT INTO wms_shipment_line VALUES ('17', '1', 10000000000001, 'SKU-1', 2)",
        )
        ids = warehouse.shipments("us")["shipment_id"].tolist()
        assert ids == ["17"]
        assert warehouse.shipment_lines(ids).to_numpy().tolist() == [["17", 1, "10000000000001", "SKU-1", 2.0]]


def test_lines_of_parcels_come_sorted_and_what_is_not_a_number_is_reported_as_such(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    run(
        database_url,
        "DROP TABLE wms_shipment_line",
        "CREATE TABLE wms_shipment_line (shipment_id VARCHAR(9), line_number INTEGER, order_item_id VARCHAR(9),"
        " sku VARCHAR(9), quantity VARCHAR(9))",
        "INSERT INTO wms_shipment_line VALUES ('S-2', 2, ' I-2 ', 'SKU-2', '1.5'), ('S-2', 1, '', ' ', 'two'),"
        " ('S-1', NULL, 'I-1', 'SKU-1', '-1'), ('S-3', 1, 'I-3', 'SKU-3', NULL), ('S-4', 1, 'I-4', 'SKU-4', '1')",
    )
    lines = warehouse.shipment_lines(["S-3", "S-2", "S-1", "S-0"])
    assert lines.drop(columns="quantity").to_numpy().tolist() == [
        ["S-1", 0, "I-1", "SKU-1"],
        ["S-2", 1, None, None],
        ["S-2", 2, "I-2", "SKU-2"],
        ["S-3", 1, "I-3", "SKU-3"],
    ]
    assert lines["quantity"].fillna(-9).tolist() == [-1, -9, 1.5, -9]


def test_what_was_ordered_comes_for_many_orders_at_once(warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    assert warehouse.order_lines(["B-1", "A-1", "X-1"]).to_dict("list") == {
        "order_number": ["A-1", "A-1", "B-1"],
        "line_number": [1, 2, 1],
        "order_item_id": ["A-1-1", "A-1-2", "B-1-1"],
        "sku": ["SKU-1", "SKU-2", "SKU-1"],
        "seller_sku": ["SELLER-SKU-1"] * 3,
        "quantity": [2, 1, 1],
        "units_per_kit": [1, 3, 1],
    }


def test_ten_thousand_parcels_are_one_call_each(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    numbers = [f"C-{number:05d}" for number in range(10_000)]
    warehouse.load([order_row(number) for number in numbers], [line_row(number) for number in numbers])
    run(
        database_url,
        "INSERT INTO wms_shipment (shipment_id, order_number) SELECT 'S-' || order_number, order_number FROM wms_order",
        "INSERT INTO wms_shipment_line (shipment_id, line_number, quantity)"
        " SELECT 'S-' || order_number, line_number, quantity FROM wms_order_line",
    )
    statements: list[str] = []
    event.listen(
        engine_for(database_url),
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(statement),
    )
    frame = warehouse.shipments("us")
    assert len(frame) == 10_001
    assert len(warehouse.shipment_lines(frame["shipment_id"])) == 10_002
    assert len(warehouse.order_lines(frame["order_number"])) == 10_002
    assert len([statement for statement in statements if "SELECT" in statement]) == 4  # one looks for the status


def test_no_statement_reads_a_buyer_s_data(database_url: str, warehouse: SqlWarehouse) -> None:
    statements: list[str] = []
    event.listen(
        engine_for(database_url),
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(statement),
    )
    warehouse.shipments("us")
    warehouse.shipment_lines(["S-1"])
    warehouse.order_lines(["A-1"])
    shown = " ".join(statements)
    for column in ("ship_to", "address_1", "postal", "city", "phone", "email", "gift", "customization", "order.*"):
        assert column not in shown


def test_parcels_of_some_orders_and_recent_ones_read_as_among_all_and_others_are_left_out(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    written = {
        "S-1": ("A-1", "2026-01-05 10:00:00"),
        "S-2": ("X-2", "2026-01-05 10:00:00"),
        "S-3": ("X-3", "2026-11-20 10:00:00"),
        "S-4": ("X-4", "2026-11-20T23:30:00-11:00"),
        "S-5": ("X-5", "5.1.2026"),
        "S-6": ("X-6", None),
        "S-7": ("X-7", "2026-11-20 10:00:00"),
        "S-8": ("B-1", "2026-11-20 10:00:00"),
        " ": ("A-1", "2026-01-05 10:00:00"),
    }
    rows = [
        f"('{shipment_id}', '{order}', 'UPS', 'G', '1Z', {repr(moment) if moment else 'NULL'}, NULL)"
        for shipment_id, (order, moment) in written.items()
    ]
    again = "('S-7', 'X-2', 'UPS', 'G', '1Z', '2026-01-05 10:00:00', NULL)"
    own_headers(database_url, OWN_HEADERS, *rows, again)
    everything = warehouse.shipments("us").set_index("shipment_id")
    about = warehouse.shipments_about("us", ["A-1"], since=datetime(2026, 11, 20, tzinfo=UTC)).set_index("shipment_id")
    assert set(everything.index) - set(about.index) == {"S-2"}
    pd.testing.assert_frame_equal(about, everything.loc[about.index])
    assert about.loc["S-7", "is_id_ambiguous"], "one of its rows is old and of another order"
    header = warehouse.written_shipments("us").set_index("shipment_id")
    pd.testing.assert_frame_equal(header, everything[header.columns])

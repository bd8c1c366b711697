from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from mfn.database.engines import engine_for, reading, writing
from mfn.errors import DataError, FatalError, RetriableError
from mfn.warehouse.cancelling import CancelResult
from mfn.warehouse.loading import LoadResult
from mfn.warehouse.looking import look_at
from mfn.warehouse.sql import SqlWarehouse, whereabouts
from mfn.warehouse.tables import (
    metadata,
    wms_inventory,
    wms_item,
    wms_order,
    wms_ship_method,
    wms_shipment,
    wms_shipment_line,
)
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table

CONTRACT = {
    "wms_item": "sku description is_active",
    "wms_ship_method": "code carrier service is_active",
    "wms_order": """order_number connection marketplace_id status cancel_requested_at cancel_reason allocated_at
        ordered_at earliest_ship_at ship_by deliver_by ship_method_code is_sfp is_premium is_business programs
        purchase_order_number replaces_order requires_signature requires_age_check requires_identity_check
        ship_to_name ship_to_company address_1 address_2 address_3 city district state postal_code country_code
        phone email address_type delivery_instructions batch_id loaded_at updated_at""",
    "wms_order_line": """order_number line_number order_item_id sku seller_sku asin title quantity units_per_kit
        unit_price currency_code ioss_number requires_serial_number requires_transparency_code gift_message gift_wrap
        customization_url""",
    "wms_shipment": "shipment_id order_number carrier service tracking_number shipped_at is_amazon_label status",
    "wms_shipment_line": "shipment_id line_number order_item_id sku quantity",
    "wms_inventory": "sku location on_hand allocated is_sellable counted_at",
}


def run(url: str, *statements: str) -> None:
    with writing(engine_for(url), what="the test") as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    return SqlWarehouse(database_url, name="us")


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


def test_missing_tables_are_made_with_the_columns_of_the_contract(database_url: str, warehouse: SqlWarehouse) -> None:
    run(database_url, "CREATE TABLE a_table_of_its_own (number INTEGER)")
    warehouse.ensure_tables()
    inspector = inspect(engine_for(database_url))
    made = {name: [column["name"] for column in inspector.get_columns(name)] for name in inspector.get_table_names()}
    assert made.pop("a_table_of_its_own") == ["number"]
    assert made == {name: columns.split() for name, columns in CONTRACT.items()}


def test_tables_that_are_there_keep_what_they_hold(database_url: str, warehouse: SqlWarehouse) -> None:
    warehouse.ensure_tables()
    WarehouseActor(database_url).add(wms_item, {"sku": "SKU-1", "is_active": True})
    warehouse.ensure_tables()
    assert list(warehouse.items()["sku"]) == ["SKU-1"]


def test_several_connections_can_make_the_tables_of_one_warehouse_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: SqlWarehouse(database_url, name=name).ensure_tables(), ("us", "ca", "mx", "br")))
    assert set(inspect(engine_for(database_url)).get_table_names()) == set(CONTRACT)


def test_every_missing_column_of_every_table_is_named_at_once(database_url: str, warehouse: SqlWarehouse) -> None:
    run(
        database_url,
        "CREATE TABLE wms_item (sku VARCHAR(40) PRIMARY KEY)",
        "CREATE TABLE wms_inventory (sku VARCHAR(40), location VARCHAR(10), allocated INTEGER)",
    )
    with pytest.raises(FatalError) as caught:
        warehouse.ensure_tables()
    for name in ("the warehouse of us", "wms_item.description", "wms_item.is_active", "wms_inventory.on_hand"):
        assert name in caught.value.message
    assert "wms_inventory.is_sellable" not in caught.value.message
    assert "docs/warehouse.md" in caught.value.remedy
    assert set(inspect(engine_for(database_url)).get_table_names()) == {"wms_inventory", "wms_item"}


def test_bracketed_columns_may_be_missing_from_a_table_of_the_warehouses_own(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    run(
        database_url,
        "CREATE TABLE wms_inventory (sku VARCHAR(40), location VARCHAR(10), on_hand INTEGER, allocated INTEGER)",
        "CREATE TABLE wms_shipment (shipment_id INTEGER PRIMARY KEY, order_number VARCHAR(40), carrier VARCHAR(40),"
        " service VARCHAR(40), tracking_number VARCHAR(40), shipped_at TIMESTAMP, is_amazon_label SMALLINT)",
    )
    warehouse.ensure_tables()


def test_an_order_table_without_a_key_is_refused_before_anything_is_written(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    listed = ", ".join(f"{name} VARCHAR" for name in CONTRACT["wms_order"].split())
    run(database_url, f"CREATE TABLE wms_order ({listed})")
    with pytest.raises(
        FatalError, match="wms_order has neither a primary key nor a unique constraint on exactly order_"
    ):
        warehouse.ensure_tables()


def test_an_order_number_that_is_unique_beside_a_key_of_the_warehouses_own_is_key_enough(
    database_url: str, warehouse: SqlWarehouse
) -> None:
    listed = ", ".join(f"{name} VARCHAR" for name in CONTRACT["wms_order"].split()[1:])
    run(
        database_url,
        f"CREATE TABLE wms_order (id INTEGER PRIMARY KEY, order_number VARCHAR(19) NOT NULL UNIQUE, {listed})",
    )
    warehouse.ensure_tables()


@pytest.mark.parametrize("condition", ["status <> 'cancelled'", "order_number IS NOT NULL"])
def test_an_order_number_that_is_unique_only_under_a_condition_is_no_key(
    database_url: str, warehouse: SqlWarehouse, condition: str
) -> None:
    listed = ", ".join(f"{name} VARCHAR" for name in CONTRACT["wms_order"].split())
    run(
        database_url,
        f"CREATE TABLE wms_order ({listed})",
        f"CREATE UNIQUE INDEX orders_once ON wms_order (order_number) WHERE {condition}",
    )
    with pytest.raises(FatalError, match="wms_order has neither a primary key nor a unique constraint"):
        warehouse.ensure_tables()


def behind_views(url: str, *, triggers: Sequence[str]) -> None:
    """Let `wms_order` and `wms_order_line` be views of tables with other names; on SQLite with triggers instead."""
    for table, key in (
        ("wms_order", "order_number"),
        ("wms_order_line", "order_number AND line_number = OLD.line_number"),
    ):
        names = CONTRACT[table].split()
        run(url, f"ALTER TABLE {table} RENAME TO own_{table}", f"CREATE VIEW {table} AS SELECT * FROM own_{table}")
        same = f"WHERE order_number = OLD.{key}"
        deeds = {
            "INSERT": f"INSERT INTO own_{table} ({', '.join(names)}) VALUES ({', '.join('NEW.' + n for n in names)})",
            "UPDATE": f"UPDATE own_{table} SET {', '.join(f'{n} = NEW.{n}' for n in names)} {same}",
            "DELETE": f"DELETE FROM own_{table} {same}",
        }
        for deed in triggers:
            run(url, f"CREATE TRIGGER {table}_{deed} INSTEAD OF {deed} ON {table} BEGIN {deeds[deed]}; END")


def test_orders_are_loaded_changed_and_cancelled_through_views_of_the_warehouses_own_tables(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.ensure_tables()
    is_sqlite = database_url.startswith("sqlite")
    behind_views(database_url, triggers=("INSERT", "UPDATE", "DELETE") if is_sqlite else ())
    warehouse.ensure_tables()
    warehouse.load([order_row("A-1"), order_row("A-2")], [line_row("A-1", 1), line_row("A-1", 2), line_row("A-2")])
    actor.pick("A-2")
    result = warehouse.load(
        [order_row(number, city="Elsewhere") for number in ("A-1", "A-2", "A-3")],
        [line_row("A-1", 2, quantity=5), line_row("A-1", 3), line_row("A-2", quantity=7), line_row("A-3")],
    )
    assert result == LoadResult(frozenset({"A-1", "A-3"}), {"A-2": "picking"})
    assert [(line["line_number"], line["quantity"]) for line in actor.lines("A-1")] == [(2, 5), (3, 1)]
    assert (actor.order("A-1")["city"], actor.lines("A-2")[0]["quantity"]) == ("Elsewhere", 1)
    assert warehouse.cancel(["A-1", "A-2"], "why", MOMENT).cancelled == {"A-1"}
    assert warehouse.scrub(["A-1"]) == {"A-1"}


def test_a_view_that_takes_no_orders_is_refused_by_what_it_lacks(database_url: str, warehouse: SqlWarehouse) -> None:
    warehouse.ensure_tables()
    if database_url.startswith("sqlite"):
        behind_views(database_url, triggers=("INSERT", "UPDATE"))
        with pytest.raises(FatalError, match="wms_order_line is a view that does not accept DELETE"):
            warehouse.ensure_tables()
    else:
        run(database_url, "ALTER TABLE wms_order RENAME TO own", "CREATE VIEW wms_order AS SELECT * FROM own LIMIT 9")
        with pytest.raises(FatalError, match="wms_order is a view that does not accept INSERT, UPDATE"):
            warehouse.ensure_tables()


def test_a_status_that_the_warehouse_writes_in_capitals_is_that_status(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.ensure_tables()
    warehouse.load([order_row("A-1"), order_row("A-2")], [line_row("A-1"), line_row("A-2")])
    run(database_url, "UPDATE wms_order SET status = 'NEW'")
    result = warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1", 2)])
    assert result.written == {"A-1"}
    assert actor.order("A-1")["city"] == "Elsewhere"
    assert [line["line_number"] for line in actor.lines("A-1")] == [2]
    run(database_url, "UPDATE wms_order SET status = 'PICKING' WHERE order_number = 'A-2'")
    assert warehouse.cancel(["A-1", "A-2"], "why", MOMENT) == CancelResult(
        frozenset({"A-1"}), {"A-2": "picking"}, frozenset()
    )
    run(database_url, "UPDATE wms_order SET status = 'CANCELLED', cancel_requested_at = NULL")
    assert warehouse.request_cancellation({"A-1": "why"}, MOMENT) == set()


def test_an_order_that_the_warehouse_keeps_in_another_table_of_a_family_is_not_doubled(postgres_url: str) -> None:
    warehouse = SqlWarehouse(postgres_url, name="us")
    warehouse.ensure_tables()
    run(
        postgres_url,
        "CREATE TABLE archive () INHERITS (wms_order)",
        "INSERT INTO archive (order_number, batch_id, status) VALUES ('A-1', 'b', 'shipped')",
    )
    result = warehouse.load([order_row("A-1"), order_row("A-2")], [line_row("A-1"), line_row("A-2")])
    assert result == LoadResult(frozenset({"A-2"}), {"A-1": "shipped"})
    assert sorted(row["status"] for row in WarehouseActor(postgres_url).rows(wms_order)) == ["new", "shipped"]


def test_tables_in_capitals_are_the_same_ones_to_sqlite(sqlite_url: str) -> None:
    keys = {"wms_order": "ORDER_NUMBER", "wms_order_line": "ORDER_NUMBER, LINE_NUMBER"}
    for table, names in CONTRACT.items():
        key = f", PRIMARY KEY ({keys[table]})" if table in keys else ""
        name = table.upper() if table in {"wms_order", "wms_shipment"} else table
        run(sqlite_url, f"CREATE TABLE {name} ({', '.join(names.upper().split())}{key})")
    warehouse = SqlWarehouse(sqlite_url, name="us")
    warehouse.ensure_tables()
    assert look_at(sqlite_url, what="the warehouse").missing == ()
    assert warehouse.load([order_row("A-1")], [line_row("A-1")]).written == {"A-1"}
    WarehouseActor(sqlite_url).ship("A-1", shipment_id="S-1")
    assert warehouse.shipments("us")["order_number"].tolist() == ["A-1"]


def test_a_column_that_is_missing_in_capitals_is_named(sqlite_url: str) -> None:
    run(sqlite_url, "CREATE TABLE WMS_ITEM (SKU TEXT PRIMARY KEY, DESCRIPTION TEXT)")
    with pytest.raises(FatalError, match=r"missing wms_item\.is_active\."):
        SqlWarehouse(sqlite_url, name="us").ensure_tables()


@pytest.mark.parametrize("flag", ["BOOLEAN", "SMALLINT", "CHAR(1)"])
@pytest.mark.parametrize("moment", ["TIMESTAMP", "VARCHAR(40)"])
def test_orders_load_into_tables_with_types_of_the_warehouses_own(
    database_url: str, warehouse: SqlWarehouse, flag: str, moment: str
) -> None:
    def kind(name: str) -> str:
        is_moment = name.endswith(("_at", "_by"))
        return moment if is_moment else flag if name.startswith(("is_", "requires_")) else "VARCHAR(60)"

    orders = ", ".join(f"{name} {kind(name)}" for name in CONTRACT["wms_order"].split())
    lines = ", ".join(f"{name} {kind(name)}" for name in CONTRACT["wms_order_line"].split())
    run(
        database_url,
        f"CREATE TABLE wms_order ({orders}, own_note VARCHAR(10) DEFAULT 'none', UNIQUE (order_number))",
        f"CREATE TABLE wms_order_line ({lines}, PRIMARY KEY (line_number, order_number))",
    )
    warehouse.ensure_tables()
    for _ in range(2):
        result = warehouse.load([order_row("A-1", is_sfp=1)], [line_row("A-1")])
        assert result.written == {"A-1"}
    assert warehouse.states(["A-1"]) == {"A-1": "new"}


def test_a_status_that_is_an_enumeration_of_postgresql_works_as_a_text_does(postgres_url: str) -> None:
    listed = ", ".join(
        f"{name} {'order_status' if name == 'status' else 'TEXT'}" for name in CONTRACT["wms_order"].split()
    )
    run(
        postgres_url,
        "CREATE TYPE order_status AS ENUM ('new', 'picking', 'shipped', 'cancelled')",
        f"CREATE TABLE wms_order ({listed}, PRIMARY KEY (order_number))",
    )
    warehouse = SqlWarehouse(postgres_url, name="us")
    warehouse.ensure_tables()
    assert warehouse.load([order_row("A-1")], [line_row("A-1")]).written == {"A-1"}
    run(postgres_url, "UPDATE wms_order SET status = 'picking'")
    assert warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1")]).refused == {"A-1": "picking"}


def test_an_order_number_of_a_longer_fixed_width_is_the_one_that_was_given(postgres_url: str) -> None:
    warehouse = SqlWarehouse(postgres_url, name="us")
    warehouse.ensure_tables()
    for table in ("wms_order", "wms_order_line"):
        run(postgres_url, f"ALTER TABLE {table} ALTER order_number TYPE char(30)")
    for city in ("Seattle", "Tacoma"):
        result = warehouse.load([order_row("A-1", city=city), order_row("A-2")], [line_row("A-1"), line_row("A-2")])
        assert result.written == {"A-1", "A-2"}
    assert warehouse.states(["A-1", "A-3"]) == {"A-1": "new"}
    assert warehouse.scrub(["A-2"]) == {"A-2"}
    assert warehouse.request_cancellation({"A-2": "changed my mind"}, MOMENT) == {"A-2"}
    cancelled = warehouse.cancel(["A-1", "A-3"], "cancelled at Amazon", MOMENT)
    assert cancelled == CancelResult(cancelled=frozenset({"A-1"}), begun={}, unknown=frozenset({"A-3"}))


def test_orders_load_into_a_table_that_shows_a_login_only_some_rows(postgres_url: str) -> None:
    SqlWarehouse(postgres_url, name="us").ensure_tables()
    with reading(engine_for(postgres_url), what="the test") as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar()
    run(
        postgres_url,
        "DROP ROLE IF EXISTS loader",
        "CREATE ROLE loader LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO loader",
        f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO loader",
        "ALTER TABLE wms_order ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY ours ON wms_order TO loader USING (connection = 'us')",
    )
    url = make_url(postgres_url).set(username="loader").render_as_string(hide_password=False)
    warehouse = SqlWarehouse(url, name="us")
    assert warehouse.load([order_row("A-1", connection="us")], [line_row("A-1")]).written == {"A-1"}
    engine_for(url).dispose()
    run(postgres_url, "DROP OWNED BY loader", "DROP ROLE loader")


@pytest.mark.parametrize(("encoding", "is_kept"), [("LATIN1", False), ("SQL_ASCII", True)])
def test_a_database_of_another_encoding_refuses_only_what_it_cannot_keep(
    postgres_server: str, encoding: str, *, is_kept: bool
) -> None:
    name = f"encoded_{encoding.lower()}"
    server = engine_for(postgres_server).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0"))
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    warehouse = SqlWarehouse(url, name="us")
    warehouse.ensure_tables()
    warehouse.load([order_row("A-1", city="München")], [line_row("A-1")])
    with nullcontext() if is_kept else pytest.raises(DataError, match=r"refused a row: .*no equivalent in encoding"):
        warehouse.load([order_row("A-2", city="Łódź")], [line_row("A-2")])
    with reading(engine_for(url), what="the test") as connection:
        cities = connection.execute(text("SELECT city FROM wms_order ORDER BY order_number")).scalars().all()
    assert cities == ["München", "Łódź"][: 1 + is_kept]
    in_utf8 = make_url(url).update_query_dict({"client_encoding": "utf8"}).render_as_string(hide_password=False)
    WarehouseActor(in_utf8).write_parcel("A-1", shipment_id="Île", lines=[("A-1-1", "SKU-1", 3)], carrier="Postë")
    if is_kept:  # it takes any bytes, also such as are no text
        run(url, "INSERT INTO wms_item (sku, description) VALUES ('SKU-1', 'caf' || chr(233)), ('SKU-2', 'tea')")
        assert warehouse.items()["description"].tolist() == ["caf�", "tea"]
    assert warehouse.shipments("us")["carrier"].tolist() == ["Postë"]
    assert warehouse.shipment_lines(["Île"])["quantity"].tolist() == [3]
    engine_for(url).dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))


def test_a_login_that_may_not_create_tables_is_reported_as_such(postgres_url: str) -> None:
    run(postgres_url, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
    with reading(engine_for(postgres_url), what="the test") as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar()
    run(postgres_url, f"GRANT USAGE ON SCHEMA {schema} TO reader")
    url = make_url(postgres_url).set(username="reader").render_as_string(hide_password=False)
    with pytest.raises(
        FatalError, match=r"has no wms_inventory, wms_item, .*cannot create them: .*permission denied"
    ) as it:
        SqlWarehouse(url, name="us").ensure_tables()
    assert "docs/warehouse.md" in it.value.remedy
    engine_for(url).dispose()
    run(postgres_url, f"REVOKE USAGE ON SCHEMA {schema} FROM reader", "DROP ROLE reader")


def test_a_warehouse_out_of_reach_can_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "warehouse.db").mkdir()
    with pytest.raises(RetriableError, match="the warehouse of us cannot be used: unable to open database file"):
        SqlWarehouse(f"sqlite:///{tmp_path / 'warehouse.db'}", name="us").ensure_tables()


def test_items_and_ship_methods_are_read_as_frames(database_url: str, warehouse: SqlWarehouse) -> None:
    warehouse.ensure_tables()
    actor = WarehouseActor(database_url)
    actor.add(
        wms_item,
        {"sku": "SKU-2", "description": None, "is_active": None},
        {"sku": "SKU-1", "description": "A thing", "is_active": True},
        {"sku": "SKU-3", "description": "Gone", "is_active": False},
    )
    actor.add(wms_ship_method, {"code": "GROUND", "carrier": "UPS", "service": "03", "is_active": True})
    items, methods = warehouse.items(), warehouse.ship_methods()
    assert items.to_dict("list") == {
        "sku": ["SKU-1", "SKU-2", "SKU-3"],
        "description": ["A thing", None, "Gone"],
        "is_active": [True, True, False],
    }
    assert items["is_active"].dtype == bool
    assert methods.to_dict("list") == {"code": ["GROUND"], "carrier": ["UPS"], "service": ["03"], "is_active": [True]}


@pytest.mark.parametrize(
    ("kind", "yes", "no"),
    [
        ("SMALLINT", ["1", "NULL"], ["0"]),
        ("VARCHAR(9)", ["'1'", "'Y'", "'true'", "''", "NULL"], ["'0'", "'N'", "'False'", "' no '", "'f'", "'OFF'"]),
        ("CHAR(5)", ["'y'"], ["'n'"]),
        ("NUMERIC(3, 1)", ["1"], ["0"]),
    ],
)
def test_is_active_may_be_a_number_or_a_text(
    database_url: str, warehouse: SqlWarehouse, kind: str, yes: list[str], no: list[str]
) -> None:
    rows = [f"('yes-{number}', NULL, {value})" for number, value in enumerate(yes)]
    rows += [f"('no-{number}', NULL, {value})" for number, value in enumerate(no)]
    run(
        database_url,
        f"CREATE TABLE wms_item (sku VARCHAR(20), description VARCHAR(20), is_active {kind})",
        f"INSERT INTO wms_item VALUES {', '.join(rows)}",
    )
    active = warehouse.items().set_index("sku")["is_active"]
    assert {sku: bool(value) for sku, value in active.items()} == {
        sku: str(sku).startswith("yes") for sku in active.index
    }


def test_connections_with_one_url_share_a_warehouse_whatever_the_password() -> None:
    def digest(url: str) -> str:
        return SqlWarehouse(url, name="us").digest

    one = digest("postgresql+psycopg://mfn:one@db.example.com/warehouse")
    assert one == digest("postgresql+psycopg://mfn:two@db.example.com/warehouse")
    assert one == digest("postgresql+psycopg://mfn@db.example.com/warehouse")
    assert one != digest("postgresql+psycopg://mfn:one@db.example.com/other")


def test_a_warehouse_is_where_its_urls_lead_whoever_logs_in(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    files = [f"sqlite:///{tmp_path}/{rest}" for rest in ("w.db", "w.db?timeout=20", "link/w.db", "./w.db")]
    assert len({whereabouts(url) for url in files}) == 1
    servers = [
        "postgresql+psycopg://us:one@localhost/stock?options=-csearch_path%3Dwms",
        "postgresql+psycopg://ca:two@127.0.0.1:5432/stock?options=-c%20search_path%3Dwms&sslmode=require",
        "postgresql+psycopg:///stock?options=-csearch_path%3Dwms&application_name=mfn",
    ]
    assert len({whereabouts(url) for url in servers}) == 1
    others = [
        f"sqlite:///{tmp_path}/other.db",
        "postgresql+psycopg://mfn@localhost/stock",
        "postgresql+psycopg://mfn@localhost:5433/stock",
        "postgresql+psycopg://mfn@localhost/other",
        "postgresql+psycopg://mfn@db.example.com/stock",
        "postgresql+psycopg://mfn@/stock?host=/run/other",
        "postgresql+psycopg://mfn@localhost/stock?options=-csearch_path%3Dother",
    ]
    assert len({whereabouts(url) for url in (*files, *servers, *others)}) == len(others) + 2


def test_the_tables_say_which_columns_may_be_missing() -> None:
    may = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns if column.info}
    assert may == {"wms_shipment.status", "wms_inventory.is_sellable", "wms_inventory.counted_at"}


DOCUMENT = (Path(__file__).parents[2] / "docs" / "warehouse.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_column_is_explained_in_the_document(table: Table) -> None:
    section = DOCUMENT.split(f"\n## `{table.name}`\n")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", section)) >= {column.name for column in table.columns}


def test_every_statement_of_the_document_does_what_it_says(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    number = "026-0000001-0000001"
    warehouse.ensure_tables()
    warehouse.load([order_row(number)], [line_row(number, 1), line_row(number, 2)])
    for block in re.findall(r"```sql\n(.*?)```", DOCUMENT, flags=re.DOTALL):
        run(database_url, *[statement for statement in block.split(";") if statement.strip()])
    assert actor.order(number)["status"] == "shipped"
    assert actor.order(number)["allocated_at"] is not None
    assert [row["status"] for row in actor.rows(wms_shipment)] == ["void"]
    assert len(actor.rows(wms_shipment_line)) == 2
    assert [(row["on_hand"], row["allocated"], row["is_sellable"]) for row in actor.rows(wms_inventory)] == [
        (40, 1, True)
    ]
    assert [len(actor.rows(table)) for table in (wms_item, wms_ship_method)] == [1, 1]

"""What is wrong with the warehouse, the mappings and the orders of a connection, each told by its step."""

from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update
from sqlalchemy.engine import make_url

from mfn.database.engines import engine_for
from mfn.ledger.passed_checks import has_passed
from mfn.warehouse.tables import wms_inventory, wms_item, wms_ship_method, wms_shipment
from tests.checking.conftest import Checked, prime_order, said, statuses
from tests.world import SHIPPING_METHODS, US, an_item, an_order

if TYPE_CHECKING:
    import pytest

    from tests.world import World


def write(checked: Checked, file: str, text: str) -> None:
    """Write a mapping file."""
    (checked.world.home / "mappings" / file).write_text(text, encoding="utf-8")


def test_a_missing_warehouse_file_is_not_created(checked: Checked) -> None:
    world = checked.world
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("warehouse.db", "elsewhere.db"), encoding="utf-8")
    steps = checked.run()
    assert steps["SKUs"].status == "failed"
    assert "elsewhere.db does not exist" in steps["SKUs"].detail
    assert "warehouse.url in connections.yaml" in steps["SKUs"].remedy
    for name in ("shipping methods", "order status and channel", "carriers", "Seller Fulfilled Prime", "inventory"):
        assert "not checked, see S" in steps[name].detail or "not checked, see shipping" in steps[name].detail, name
    assert "6 due" in steps["order status and channel"].detail
    assert not Path("elsewhere.db").exists()


def test_a_database_that_does_not_answer_is_reported_with_where_its_url_is_set(checked: Checked) -> None:
    world = checked.world
    path = world.home / "connections.yaml"
    with socket.socket() as probe:  # bound, and nobody listens
        probe.bind(("127.0.0.1", 0))
        dead = f"postgresql://wms@127.0.0.1:{probe.getsockname()[1]}/wms"
        path.write_text(path.read_text(encoding="utf-8").replace(world.warehouse_url, dead), encoding="utf-8")
        skus = checked.run()["SKUs"]
    assert skus.status == "failed"
    assert "warehouse.url in connections.yaml" in skus.remedy


def test_every_missing_table_is_reported_where_it_is_needed_and_none_is_created(checked: Checked) -> None:
    with checked.writing() as database:
        for table in ("wms_shipment", "wms_inventory", "wms_ship_method", "wms_order"):
            database.exec_driver_sql(f"DROP TABLE {table}")
    for _ in range(2):  # the first check has made nothing
        steps = checked.run()
        assert "has no wms_ship_method" in steps["shipping methods"].detail
        assert "has no wms_order" in steps["order status and channel"].detail
        assert "has no wms_shipment" in steps["carriers"].detail
        assert "has no wms_inventory" in steps["inventory"].detail
        assert "docs/warehouse.md" in steps["inventory"].remedy
        assert steps["SKUs"].status == "ok"


def test_columns_and_keys_that_tables_lack_are_reported(checked: Checked) -> None:
    with checked.writing() as database:
        database.exec_driver_sql("ALTER TABLE wms_order DROP COLUMN city")
        database.exec_driver_sql("ALTER TABLE wms_inventory DROP COLUMN allocated")
    steps = checked.run()
    assert "wms_order.city" in steps["SKUs"].detail
    assert "wms_inventory.allocated" in steps["SKUs"].detail
    assert steps["inventory"].status == "failed"


def test_an_empty_warehouse_fails_where_it_is_empty(checked: Checked) -> None:
    with checked.writing() as database:
        for table in (wms_item, wms_ship_method, wms_inventory):
            database.execute(delete(table))
    steps = checked.run()
    assert "wms_item is empty" in steps["SKUs"].detail
    assert "wms_ship_method is empty" in steps["shipping methods"].detail
    assert "wms_inventory and wms_item of the warehouse are empty" in steps["inventory"].detail
    assert "the warehouse has no carrier yet" in steps["carriers"].detail


def test_skus_without_an_item_come_with_rows_to_paste_and_fail_only_when_none_fits(checked: Checked) -> None:
    listings = checked.world.amazon.listings
    listings.add(US, "mug-red", now=datetime.now(UTC), asin="B0TEST0002", title="A mug")
    listings.add(US, "KETTLE", now=datetime.now(UTC), asin="B0TEST0003", title="A kettle")
    skus = checked.run()["SKUs"]
    assert skus.status == "warning"
    assert "2 seller SKUs missing in the warehouse: KETTLE, mug-red" in skus.detail
    for sku in ("MUG-BLUE", "MUG-RED", "00123", "PLATE", "BOWL"):
        listings.remove(US.marketplace_id, sku)
    skus = checked.run()["SKUs"]
    assert skus.status == "failed"
    assert "none of 2 seller SKUs matches any" in skus.detail
    assert "us,,mug-red,MUG-RED,1," in skus.remedy
    assert "mfn skus us" in skus.remedy


def test_errors_of_a_mapping_file_are_reported_by_its_step_and_the_others_still_run(checked: Checked) -> None:
    write(checked, "shipping_methods.csv", SHIPPING_METHODS + ",,NEXT_DAY,ZZ,GROUND,\n,,SAME_DAY,,NO-SUCH,\n")
    write(checked, "sku_aliases.csv", "connection,marketplace,seller_sku,warehouse_sku,units,note\n,,A,MUG-BLUE,x,\n")
    write(checked, "rules.yaml", "rules: 7\n")
    checked.world.write_carriers(",Bob,,Nobody,,,")
    steps = checked.run()
    assert "shipping_methods.csv:5: marketplace" in steps["shipping methods"].detail
    assert "the warehouse of us has no 'NO-SUCH'" in steps["shipping methods"].detail
    assert "sku_aliases.csv:2: units" in steps["SKUs"].detail
    assert "rules.yaml" in steps["order status and channel"].detail
    assert "carriers.csv:2: carrier_code" in steps["carriers"].detail
    assert "5 of 5 seller SKUs" in steps["SKUs"].detail
    assert "6 would be loaded" in steps["order status and channel"].detail
    assert steps["inventory"].status == "warning"


def test_a_missing_mappings_directory_is_reported(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_MAPPINGS", "nowhere")
    steps = checked.run()
    assert "nowhere" in steps["shipping methods"].detail
    assert steps["shipping methods"].status == "failed"


def test_an_unmapped_method_fails_if_a_due_order_uses_it_and_warns_otherwise(checked: Checked) -> None:
    checked.world.put(an_order(level="SAME_DAY", status="CANCELLED"))
    methods = checked.run()["shipping methods"]
    assert methods.status == "warning"
    assert "used by no due order: US SAME_DAY" in methods.detail
    assert has_passed(checked.world.ledger, "us")
    checked.world.put(an_order(level="SAME_DAY"))
    methods = checked.run()["shipping methods"]
    assert methods.status == "failed"
    assert "1 method unmapped, used by 1 due order: US SAME_DAY" in methods.detail
    assert ",,SAME_DAY,US," in methods.remedy
    assert "mfn shipping-methods us" in methods.remedy


def test_unmapped_prime_fails_and_prime_mapped_by_an_ordinary_row_is_a_warning(checked: Checked) -> None:
    write(checked, "shipping_methods.csv", SHIPPING_METHODS.replace(",PRIME,,,PRIME_DAY,\n", ""))
    prime = checked.run()["Seller Fulfilled Prime"]
    assert prime.status == "warning"
    assert "Prime orders ship as TWO_DAY" in prime.detail
    write(checked, "shipping_methods.csv", SHIPPING_METHODS.replace(",PRIME,,,PRIME_DAY,\n,,SECOND", ",,SECOND"))
    text = "".join(line for line in SHIPPING_METHODS.splitlines(keepends=True) if "DAY" not in line)
    write(checked, "shipping_methods.csv", text)
    prime = checked.run()["Seller Fulfilled Prime"]
    assert prime.status == "failed"
    assert "1 Prime order with an unmapped shipping method" in prime.detail
    assert "us,PRIME,SECOND_DAY,US," in prime.remedy


def test_prime_mapped_to_a_code_that_is_not_active_fails(checked: Checked) -> None:
    with checked.writing() as database:
        database.execute(update(wms_ship_method).where(wms_ship_method.c.code == "PRIME_DAY").values(is_active=False))
    prime = checked.run()["Seller Fulfilled Prime"]
    assert prime.status == "failed"
    assert "mapped to PRIME_DAY, which is not active in the warehouse" in prime.detail


def test_carriers_that_amazon_does_not_list_are_named_with_rows_to_paste(checked: Checked) -> None:
    rows = [("P1", "Bob's Vans", None, False), ("P2", "U.P.S.", "Ground", False), ("P3", "Nobody", None, True)]
    with checked.writing() as database:
        names = ("shipment_id", "carrier", "service", "is_amazon_label")
        database.execute(insert(wms_shipment), [dict(zip(names, row, strict=True)) for row in rows])
    carriers = checked.run()["carriers"]
    assert carriers.status == "warning"
    assert "1 carrier on 1 parcel would be sent as Other, without Amazon's tracking: \"Bob's Vans\"" in carriers.detail
    assert "'U.P.S.' / 'Ground' as UPS" in carriers.detail
    assert ",Bob's Vans,,Other,Bob's Vans,," in carriers.remedy
    assert "Nobody" not in said(carriers)


def test_stock_that_is_not_trusted_is_reported_row_by_row(checked: Checked) -> None:
    with checked.writing() as database:
        table, now = wms_inventory, datetime.now(UTC)
        database.execute(update(table).where(table.c.sku == "PLATE").values(on_hand=-3))
        database.execute(delete(table).where(table.c.sku == "BOWL"))
        database.execute(
            insert(table),
            [
                {
                    "sku": "GHOST",
                    "location": "SHELF",
                    "on_hand": 1,
                    "allocated": 0,
                    "counted_at": now - timedelta(days=2),
                }
            ],
        )
    stock = checked.run()["inventory"]
    assert stock.status == "warning"
    assert "stock_negative: 1 row whose SKUs are held: PLATE: on_hand is -3" in stock.detail
    assert "item_unknown: 1 row whose SKUs are held: GHOST" in stock.detail
    assert "1 active item without a row in wms_inventory: BOWL" in stock.detail
    assert "no level has been pushed yet" in stock.detail
    assert "mfn inventory us --dry-run" in stock.remedy


def test_stock_without_a_single_unit_fails(checked: Checked) -> None:
    with checked.writing() as database:
        database.execute(update(wms_inventory).values(on_hand=0))
    stock = checked.run()["inventory"]
    assert stock.status == "failed"
    assert "nothing is on hand anywhere" in stock.detail


def test_orders_that_would_be_held_are_counted_by_reason_and_fail_past_the_alarm(checked: Checked) -> None:
    world = checked.world
    world.put(an_order(an_item(sku="UNKNOWN")), an_order(recipient=None))
    orders = checked.run()["order status and channel"]
    assert orders.status == "warning"
    assert "6 would be loaded, 2 held: sku_unknown 1, address_missing 1" in orders.detail
    world.write_connections(hold_alarm_percent=10, not_before="2026-01-01T00:00:00Z")
    orders = checked.run()["order status and channel"]
    assert orders.status == "failed"
    assert "more than 10 percent of due orders" in orders.detail


def test_the_effect_of_not_before_is_shown_and_its_absence_is_a_warning(checked: Checked) -> None:
    world = checked.world
    moment = datetime.now(UTC) - timedelta(minutes=30)
    world.write_connections(not_before=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    orders = checked.run()["order status and channel"]
    assert orders.status == "ok"
    assert "7 orders placed earlier would be left to the previous system" in orders.detail
    world.write_connections()
    orders = checked.run()["order status and channel"]
    assert orders.status == "warning"
    assert "every order that is due is imported" in orders.detail


def test_an_unreadable_order_is_counted_without_showing_its_buyer(checked: Checked) -> None:
    world = checked.world
    world.answer_page(prime_order(), prime_order() | {"orderItems": "a text"})
    steps = checked.run()
    assert "1 that cannot be read" in steps["order status and channel"].detail
    assert "invalid_payload 1" in steps["order status and channel"].detail
    everything = " ".join(map(said, steps.values()))
    assert "Test Buyer" not in everything
    assert "Example Street" not in everything


def test_a_warehouse_on_postgresql_is_checked_the_same_way(world: World, postgres_url: str) -> None:
    world.warehouse_url = postgres_url
    shutil.rmtree(world.home / "mappings")
    world.set_up()
    checked = Checked(world)
    assert statuses(checked.run()) == {"roles": "warning", "inventory": "warning"}
    with checked.writing() as database:
        database.exec_driver_sql("DROP TABLE wms_shipment")
    assert "has no wms_shipment" in checked.run()["carriers"].detail


def test_rights_that_the_login_lacks_are_reported_before_an_order_needs_them(world: World, postgres_url: str) -> None:
    world.warehouse_url = postgres_url
    shutil.rmtree(world.home / "mappings")
    world.set_up()
    checked = Checked(world)
    with checked.writing() as database:
        schema = database.exec_driver_sql("SELECT current_schema()").scalar()
        database.exec_driver_sql("DROP ROLE IF EXISTS onlooker")
        database.exec_driver_sql("CREATE ROLE onlooker LOGIN")
        database.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO onlooker")
        database.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO onlooker")
    options = f"{make_url(postgres_url).query['options']} -c default_transaction_read_only=on"
    onlookers = make_url(postgres_url).set(username="onlooker").update_query_dict({"options": options})
    url = onlookers.render_as_string(hide_password=False)
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(postgres_url, url), encoding="utf-8")
    steps = checked.run()
    assert statuses(steps) == {"SKUs": "failed", "roles": "warning", "inventory": "warning"}
    assert "lacks rights: INSERT on wms_order, UPDATE on wms_order, INSERT on wms_order_line" in steps["SKUs"].detail
    assert "is read-only at present" in steps["SKUs"].detail
    assert "docs/warehouse.md" in steps["SKUs"].remedy
    engine_for(url).dispose()
    with checked.writing() as database:
        database.exec_driver_sql("DROP OWNED BY onlooker")
        database.exec_driver_sql("DROP ROLE onlooker")

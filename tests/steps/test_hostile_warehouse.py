"""Rows of a warehouse that no program of ours wrote: each parcel and item ends somewhere, and the good ones go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mfn.errors import RunFailedError
from mfn.warehouse.values import times, whole_numbers
from tests.steps.pushing import Pushing
from tests.steps.shipping import Shipping
from tests.stock_world import Stock
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.world import World

NO_UTF8 = "CAST(x'ff41' AS TEXT)"
LONG = "hex(zeroblob(200000))"
TERMINAL = "char(27)||'[2J'||char(10)||char(8238)"
PARCELS = (
    f"({NO_UTF8}, :order, 'UPS', '', '1Z', datetime('now'), 0)",
    f"('no-utf8', :order, {NO_UTF8}, {NO_UTF8}, {NO_UTF8}, {NO_UTF8}, 0)",
    "(x'ff42', :order, x'ff41', x'00', x'ff', x'ff', x'ff')",
    "('nul'||char(0)||'x', :order, 'U'||char(0)||'S', char(0), '1'||char(0), char(0), char(0))",
    f"({TERMINAL}, :order, {TERMINAL}, {TERMINAL}, {TERMINAL}, '2026', 0)",
    f"({LONG}, :order, {LONG}, {LONG}, {LONG}, {LONG}, 0)",
    "(9e999, :order, 1e999, -1e999, 9223372036854775807, 1e999, 1e999)",
    "('year 0', :order, 'UPS', '', '1Z', '0000-00-00 00:00:00', 0)",
    "('year 1', :order, 'UPS', '', '1Z', '0001-01-01T00:00:00+23:59', 0)",
    "('year 9999', :order, 'UPS', '', '1Z', '9999-12-31 23:59:59-23:59', 0)",
    "('year 99999', :order, 'UPS', '', '1Z', '99999-01-01', 0)",
    "('=1+1', :order, '=cmd', '<script>', '<img src=x>', datetime('now'), 0)",
    "('../../x', :order, '../..', '..', '..', datetime('now'), 0)",
    f"('long order', {LONG}, 'UPS', '', '1Z', datetime('now'), 0)",
    "('nul order', char(0)||'x', 'UPS', '', '1Z', datetime('now'), 0)",
    "('sql order', '%'';--', 'UPS', '', '1Z', datetime('now'), 0)",
)
QUANTITIES = (
    "1e30", "-1e30", "1e999", "'NaN'", "'inf'", "'1_000'", "'0x10'", "x'ff'", "9223372036854775807", "'²'", "'1,5'",
    LONG, "0.5",
)  # fmt: skip
STOCK = (
    f"INSERT INTO wms_item (sku, description, is_active) VALUES ({NO_UTF8}, {NO_UTF8}, 1)",
    "INSERT INTO wms_item (sku, description, is_active) VALUES ('Z'||char(0), char(0), 1)",
    f"INSERT INTO wms_item (sku, description, is_active) VALUES ({LONG}, {LONG}, 1)",
    f"INSERT INTO wms_item (sku, description, is_active) VALUES ({TERMINAL}, '=1+1', x'ff')",
    f"INSERT INTO wms_ship_method (code, is_active) VALUES ({NO_UTF8}, 1)",
    f"INSERT INTO wms_inventory (sku, location, on_hand, allocated) VALUES ({NO_UTF8}, {TERMINAL}, 1, 0)",
    "INSERT INTO wms_inventory (sku, location, on_hand, allocated) VALUES ('PLATE', 'far', 1e30, 0)",
    "INSERT INTO wms_inventory (sku, location, on_hand, allocated) VALUES ('VASE', 'far', 'NaN', -1e999)",
    "INSERT INTO wms_inventory (sku, location, on_hand, allocated) VALUES ('LAMP', 'far', -9223372036854775808, 'x')",
    "INSERT INTO wms_inventory (sku, location, on_hand, allocated) VALUES ('=1+1', '<script>', 1, 0)",
)


def _execute(world: World, statements: Iterable[str], **values: str) -> None:
    with closing(sqlite3.connect(world.warehouse_url.removeprefix("sqlite:///"))) as database, database:
        for statement in statements:
            database.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})


def test_every_parcel_has_an_outcome_and_the_good_one_is_confirmed(world: World) -> None:
    world.write_carriers()
    shipping = Shipping(world)
    good, other = shipping.loaded(an_order(), an_order(an_item(units=100)))
    parcel = shipping.ship(good, carrier="UPS", tracking_number="1Z999AA10123456784")
    columns = "shipment_id, order_number, carrier, service, tracking_number, shipped_at, is_amazon_label"
    _execute(world, (f"INSERT INTO wms_shipment ({columns}) VALUES {row}" for row in PARCELS), order=other)
    item = "(SELECT order_item_id FROM wms_order_line WHERE order_number = :order)"
    lines = "INSERT INTO wms_shipment_line (shipment_id, line_number, order_item_id, sku, quantity)"
    statements = [f"{lines} SELECT shipment_id, 1, {item}, 'MUG-BLUE', 1 FROM wms_shipment WHERE order_number = :order"]
    for number, units in enumerate(QUANTITIES):
        row = f"'line {number}', :order, 'UPS', '', '1Z', datetime('now'), 0"
        statements.append(f"INSERT INTO wms_shipment ({columns}) VALUES ({row})")
        statements.append(f"{lines} VALUES ('line {number}', {units}, {item}, 'MUG-BLUE', {units})")
    _execute(world, statements, order=other)

    try:
        summary = shipping.run()  # which holds the sum
    except RunFailedError as error:  # Amazon refuses some of them
        summary = dict(error.summary)

    statuses = shipping.statuses()
    assert statuses[parcel] == "sent"
    assert len(shipping.packages(good)) == 1
    assert summary["shipments"] == len(statuses) == len(PARCELS) + len(QUANTITIES) + 1
    assert {statuses[f"line {number}"] for number in range(len(QUANTITIES))} == {"held"}
    pages = "".join(page.read_text(encoding="utf-8") for page in (world.home / ".mfn" / "reports").rglob("*.html"))
    assert len(pages) < 2_000_000
    assert not {*"\x00\x1b\u202e"} & {*pages}


def test_items_and_stock_that_are_none_leave_the_others_alone(world: World) -> None:
    pushing = Pushing(Stock(world))
    pushing.set_up()
    _execute(world, STOCK)
    order = an_order(an_item(1, "BOWL"), minutes_ago=5)
    world.put(order)
    world.run()
    assert world.statuses()[order["orderId"]] == "loaded"
    summary = pushing.run()  # which holds the sum
    assert pushing.shown()["BOWL"] == 9
    assert pushing.shown()["PLATE"] == pushing.shown()["VASE"] == pushing.shown()["LAMP"] == 5
    assert summary["held"] >= 3


@pytest.mark.parametrize("text", ["0001-12-31", "9999-01-01", "99999-01-01", "1e9", "0000-00-00", "now", "2026"])
def test_a_time_that_no_calendar_has_is_none(text: str) -> None:
    assert times([text, "2026-11-29"]).isna().tolist() == [True, False]


def test_a_number_that_counts_nothing_is_none() -> None:
    assert whole_numbers(["1e30", "-1e30", "inf", "nan", "12.7", None], missing=7).tolist() == [7, 7, 7, 7, 12, 7]

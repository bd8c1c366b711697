"""The records that rules see, made of real orders and of a real warehouse's tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from mfn.amazon.orders import decode_order
from mfn.rules.fields import EVENTS
from mfn.rules.frames import address_frame, line_frame, order_frame
from mfn.rules.records import order_records, shipment_records, stock_records
from mfn.rules.skus import resolve_skus
from tests.world import address, an_item, an_order

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ALIASES = pd.DataFrame(
    [("", "", "SET", "MUG", 2), ("", "", "SET", "POT", 1)],
    columns=["connection", "marketplace", "seller_sku", "warehouse_sku", "units"],
)
NO_ITEMS = pd.DataFrame({"sku": [], "is_active": []})


def records_of(*orders: dict[str, Any]) -> pd.DataFrame:
    decoded = [decode_order(json.dumps(order).encode()) for order in orders]
    frame, lines = order_frame(decoded), line_frame(decoded)
    components = resolve_skus(lines, ALIASES, NO_ITEMS, connection="us", marketplaces={})
    labels = [f"row {number}" for number in range(len(frame))]
    return order_records(
        frame.assign(warehouse_code="GROUND").set_axis(labels),
        lines,
        address_frame(decoded).set_axis(labels),
        components,
        connection="us",
        now=NOW,
    )


def priced(amount: str | None, units: int) -> dict[str, Any]:
    price = {"price": {"unitPrice": {"amount": amount, "currencyCode": "USD"}}} if amount else {}
    return an_item(units=units, product={"asin": "B000000001", "title": "A", "sellerSku": "PLATE"} | price)


def test_an_order_s_record_has_every_field_and_sums_its_items() -> None:
    signed = {"shippingConstraints": {"signatureConfirmation": "MANDATORY"}}
    fulfillment = {"quantityFulfilled": 1, "quantityUnfulfilled": 1, "shipping": signed}
    order = an_order(
        priced("19.99", 3),
        an_item(sku="SET", units=2, fulfillment=fulfillment),
        programs=["AMAZON_BUSINESS", "PRIME"],
        recipient={"deliveryAddress": address(stateOrRegion="HI")},
    )
    records = records_of(order, an_order())
    assert list(records.columns) == list(EVENTS["order.import"])
    assert records.index.tolist() == ["row 0", "row 1"]
    record = records.iloc[0].to_dict()
    assert {str(name).removeprefix("order."): value for name, value in record.items()} == {
        "connection": "us",
        "now": NOW,
        "order_id": order["orderId"],
        "marketplace": "US",
        "service_level": "STANDARD",
        "programs": ("PRIME", "AMAZON_BUSINESS"),
        "is_sfp": True,
        "is_premium": False,
        "is_business": True,
        "created_at": pd.Timestamp(order["createdTime"]),
        "ship_by": pd.Timestamp(order["fulfillment"]["shipByWindow"]["latestDateTime"]),
        "ship_method_code": "GROUND",
        "country_code": "US",
        "state": "HI",
        "lines": 2,
        "units": 5,
        "skus": ("PLATE", "SET"),
        "warehouse_skus": ("PLATE", "MUG", "POT"),
        "is_replacement": False,
        "deliver_by": pd.Timestamp(order["fulfillment"]["deliverByWindow"]["latestDateTime"]),
        "requires_signature": True,
        "units_to_ship": 4,
        "value": Decimal("79.95"),
        "currency_code": "USD",
    }


def test_an_order_without_address_prices_or_skus_has_a_record_too() -> None:
    order = an_order(an_item(sku=None, product={}), priced("9.99", 1), priced(None, 1), recipient=None)
    marketplace = {"channelName": "AMAZON", "marketplaceId": "ANEWONE000000"}
    record = records_of(order | {"salesChannel": marketplace}).iloc[0]
    assert record["order.value"] is None
    assert record["order.country_code"] is None
    assert record["order.marketplace"] == "ANEWONE000000"
    assert record["order.skus"] == ("PLATE",)


@pytest.mark.parametrize("amounts", [("9.99", None), (None, "9.99"), (None, "9.99", None)])
def test_the_currency_of_an_order_is_that_of_its_prices_whichever_item_lacks_one(
    amounts: tuple[str | None, ...],
) -> None:
    order = an_order(*(priced(amount, 1) for amount in amounts))
    assert records_of(order).iloc[0]["order.currency_code"] == "USD"


def test_an_order_without_any_price_has_no_currency() -> None:
    assert records_of(an_order(priced(None, 1))).iloc[0]["order.currency_code"] is None


def test_no_orders_make_no_records() -> None:
    assert records_of().shape == (0, len(EVENTS["order.import"]))


def test_a_parcel_s_record_has_every_field_with_what_is_in_it_and_how_many_there_are() -> None:
    moment = pd.Timestamp("2026-11-26T10:00", tz="UTC")
    parcels = pd.DataFrame(
        {
            "shipment_id": ["P-1", "P-2", "P-3"],
            "order_number": ["A", "A", "B"],
            "carrier": ["UPS", "UPS", None],
            "service": ["Ground", None, None],
            "tracking_number": ["1Z1", "1Z2", None],
            "shipped_at": [moment, moment, pd.NaT],
            "is_amazon_label": [False, False, True],
            "marketplace_id": ["ATVPDKIKX0DER", "ATVPDKIKX0DER", None],
            "ordered_at": [moment] * 3,
            "ship_by": [moment] * 3,
            "is_sfp": [True, True, False],
            "is_premium": [False] * 3,
            "is_business": [False] * 3,
            "programs": ["PRIME,PREMIUM", "PRIME,PREMIUM", None],
            "ship_method_code": ["GROUND"] * 3,
            "country_code": ["US"] * 3,
            "state": ["WA"] * 3,
            "carrier_code": ["UPS", "UPS", None],
            "carrier_name": [None] * 3,
            "shipping_method": ["Ground", None, None],
        },
        index=[4, 7, 9],
        dtype="object",
    ).astype(dict.fromkeys(("shipped_at", "ordered_at", "ship_by"), "datetime64[us, UTC]"))
    items = pd.DataFrame({"shipment_id": ["P-1", "P-2"], "order_item_id": ["1", "2"], "quantity": [1, 3]})
    order_lines = pd.DataFrame(
        [("A", 1, "1", "MUG", "SET", 2, 2), ("A", 2, "1", "POT", "SET", 1, 1), ("A", 3, "2", "PLATE", "PLATE", 3, 1)],
        columns=["order_number", "line_number", "order_item_id", "sku", "seller_sku", "quantity", "units_per_kit"],
    )
    records = shipment_records(parcels, items, order_lines, {"A": "NEXT_DAY"}, connection="us", now=NOW)
    assert list(records.columns) == list(EVENTS["shipment.notification"])
    assert records.index.tolist() == [4, 7, 9]
    assert records["connection"].tolist() == ["us"] * 3
    assert records["now"].tolist() == [NOW] * 3
    assert records["shipment.units"].tolist() == [1, 3, 0]
    assert records["shipment.parcels_of_order"].tolist() == [2, 2, 1]
    assert records["order.lines"].tolist() == [2, 2, 0]
    assert records["order.units"].tolist() == [4, 4, 0]
    assert records["order.service_level"].tolist() == ["NEXT_DAY", "NEXT_DAY", None]
    assert records["order.programs"].tolist() == [("PRIME", "PREMIUM"), ("PRIME", "PREMIUM"), ()]
    assert records["order.warehouse_skus"].tolist() == [("MUG", "POT", "PLATE")] * 2 + [()]
    assert records["order.skus"].tolist() == [("SET", "PLATE")] * 2 + [()]
    assert records["order.marketplace"].tolist() == ["US", "US", None]


def test_an_offer_s_record_has_every_field_with_the_stock_it_is_sold_from() -> None:
    offers = pd.DataFrame(
        {"marketplace_id": ["A2EUQ1WTGCTBG2", "ANEWONE000000"], "seller_sku": ["SET", "MUG"], "asin": ["B01", None]},
        index=[3, 8],
    )
    levels = pd.DataFrame(
        {"sku": ["POT", "MUG"], "is_kit": [True, False], "on_hand": [9, 7], "allocated": [2, 0], "promised": [1, 9]}
        | {"available": [3, 0], "before_limits": [2, 0], "level": [2, 0], "is_inactive": [False, False]},
        index=[3, 8],
    )
    limits = pd.DataFrame(
        {"buffer_units": [1, 1], "buffer_percent": [12.5, 12.5], "minimum_units": [0, 0]}
        | {"maximum_units": [50.0, float("nan")]},
        index=[3, 8],
    )
    records = stock_records(offers, levels, limits, connection="us", now=NOW)
    assert list(records.columns) == list(EVENTS["inventory.push"])
    assert records.index.tolist() == [3, 8]
    assert {str(name).removeprefix("stock."): value for name, value in records.loc[3].items()} == {
        "connection": "us",
        "now": NOW,
        "marketplace": "CA",
        "sku": "POT",
        "seller_sku": "SET",
        "asin": "B01",
        "is_kit": True,
        "on_hand": 9,
        "allocated": 2,
        "promised": 1,
        "available": 3,
        "buffer_units": 1,
        "buffer_percent": 12.5,
        "minimum_units": 0,
        "maximum_units": 50,
    }
    absent = {name: field.read(records[name].iloc[1]) for name, field in EVENTS["inventory.push"].items()}
    assert (absent["stock.asin"], absent["stock.maximum_units"]) == ("", None)
    assert absent["stock.marketplace"] == "ANEWONE000000"

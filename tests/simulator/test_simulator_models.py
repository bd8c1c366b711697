"""Every answer of the local Amazon, held against Amazon's own models; MFN_SPAPI_MODELS says where they are."""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator, FormatChecker

from mfn.amazon.marketplaces import MARKETPLACES
from mfn.amazon.quantities import patch_of
from mfn.amazon.shipments import confirmation
from mfn.simulator.generator import generate_day
from mfn.simulator.server import DEMO_SELLER
from tests.simulator.conftest import EVERYTHING, NOON, SEARCH
from tests.simulator.test_simulator_shipments import confirm
from tests.simulator.test_simulator_stock import ITEMS, MERGE, SKU, US, available, feed, listings_feed
from tests.unit.test_amazon_shipments import a_package

if TYPE_CHECKING:
    import httpx

    from mfn.simulator.local_amazon import LocalAmazon

FOLDER = os.environ.get("MFN_SPAPI_MODELS", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="MFN_SPAPI_MODELS names no folder with Amazon's models")

ORDERS, ORDERS_V0, LISTINGS = "orders_2026-01-01", "ordersV0", "listingsItems_2021-08-01"
FEEDS, REPORTS, SELLERS = "feeds_2021-06-30", "reports_2021-06-30", "sellers"


@cache
def definitions_of(model: str) -> dict[str, Any]:
    document = json.loads((Path(FOLDER) / f"{model}.json").read_text(encoding="utf-8"))
    definitions: dict[str, Any] = document["definitions"]
    return definitions


def hold_against(model: str, definition: str, answer: object) -> None:
    definitions = definitions_of(model)
    schema = {"$ref": f"#/definitions/{definition}", "definitions": definitions}
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    assert [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(answer)] == []
    assert sorted(unknown_fields(definitions, definitions[definition], answer, "")) == []


def unknown_fields(definitions: dict[str, Any], schema: dict[str, Any], value: object, path: str) -> set[str]:
    """Fields that the model does not name, which JSON Schema would let pass."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return set().union(*(unknown_fields(definitions, schema.get("items", {}), entry, path) for entry in value))
    known = schema.get("properties")
    if not isinstance(value, dict) or known is None:
        return set()
    return {f"{path}.{name}" for name in value if name not in known}.union(
        *(
            unknown_fields(definitions, known[name], entry, f"{path}.{name}")
            for name, entry in value.items()
            if name in known
        )
    )


def test_pages_of_every_marketplace_match_the_model(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.open_day(generate_day(150, seed=2, start=NOON, marketplaces=MARKETPLACES))
    asked = {"lastUpdatedAfter": "2026-11-01T00:00:00Z", "includedData": EVERYTHING}
    seen = 0
    while True:
        page = caller.get(SEARCH, params=asked).raise_for_status().json()
        hold_against(ORDERS, "SearchOrdersResponse", page)
        seen += len(page["orders"])
        if "pagination" not in page:
            break
        asked["paginationToken"] = page["pagination"]["nextToken"]
    assert seen == len(amazon.orders)


def test_orders_without_data_sets_match_the_model(caller: httpx.Client, amazon: LocalAmazon) -> None:
    hold_against(ORDERS, "SearchOrdersResponse", caller.get(SEARCH, params={"createdAfter": "2026-11-01"}).json())
    hold_against(ORDERS, "GetOrderResponse", caller.get(f"{SEARCH}/{amazon.orders.ids()[0]}").json())


def test_an_order_with_confirmed_parcels_matches_the_model(
    caller: httpx.Client, amazon: LocalAmazon, due_order: dict[str, Any]
) -> None:
    assert confirm(caller, due_order, "1", 1, carrierCode="Other", carrierName="Test Carrier").status_code == 204
    amazon.clock.move(hours=1)
    answer = caller.get(f"{SEARCH}/{due_order['orderId']}", params={"includedData": EVERYTHING}).json()
    assert answer["order"]["packages"]
    hold_against(ORDERS, "GetOrderResponse", answer)


def test_a_confirmation_of_a_parcel_matches_the_model() -> None:
    hold_against(ORDERS_V0, "ConfirmShipmentRequest", confirmation(a_package(shipping_method="Ground")))
    other = a_package(carrier_code="Other", carrier_name="Test Carrier")
    hold_against(ORDERS_V0, "ConfirmShipmentRequest", confirmation(other))


def test_errors_match_the_models(caller: httpx.Client, due_order: dict[str, Any]) -> None:
    hold_against(ORDERS, "ErrorList", caller.get(SEARCH).json())
    hold_against(ORDERS, "ErrorList", caller.get(f"{SEARCH}/111-0000000-0000000").json())
    hold_against(ORDERS, "ErrorList", caller.get(SEARCH, headers={"x-amz-access-token": ""}).json())
    left = due_order["orderItems"][0]["quantityOrdered"]
    for reference, units, status in (("0", 1, 400), (1, 1, 400), ("1", left, 204), ("2", 1, 400)):
        answer = confirm(caller, due_order, reference, units)
        assert answer.status_code == status
        if status != 204:
            hold_against(ORDERS_V0, "ConfirmShipmentErrorResponse", answer.json())
    hold_against(LISTINGS, "ErrorList", caller.get(ITEMS).json())
    hold_against(FEEDS, "ErrorList", caller.get("/feeds/2021-06-30/feeds/1").json())


def test_listings_match_the_model(caller: httpx.Client, amazon: LocalAmazon) -> None:
    data = "summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,productTypes"
    query = {"marketplaceIds": US, "includedData": data}
    hold_against(LISTINGS, "Item", caller.get(f"{ITEMS}/{SKU}", params=query).json())
    hold_against(LISTINGS, "ItemSearchResults", caller.get(ITEMS, params=query).json())
    sku = next(listing.sku for listing in amazon.listings.within([US]) if listing.fn_sku)
    hold_against(LISTINGS, "Item", caller.get(f"{ITEMS}/{sku}", params=query).json())
    for quantity in (1, -1):
        body = {"productType": "PRODUCT", "patches": [MERGE | {"value": available(quantity)}]}
        hold_against(LISTINGS, "ListingsItemPatchRequest", body)
        answer = caller.patch(f"{ITEMS}/{SKU}", params={"marketplaceIds": US}, json=body).json()
        hold_against(LISTINGS, "ListingsItemSubmissionResponse", answer)


def test_feeds_and_their_reports_match_the_models(caller: httpx.Client, amazon: LocalAmazon) -> None:
    specification = {"contentType": "application/json; charset=UTF-8"}
    made = caller.post("/feeds/2021-06-30/documents", json=specification).json()
    hold_against(FEEDS, "CreateFeedDocumentResponse", made)
    handed_in = listings_feed({"sku": "NOWHERE", "patches": [MERGE | {"value": available(1)}]})
    feed_id = feed(caller, handed_in)
    for seconds in (0, 30, 60):
        amazon.clock.move(seconds=seconds)
        found = caller.get(f"/feeds/2021-06-30/feeds/{feed_id}").json()
        hold_against(FEEDS, "Feed", found)
    described = caller.get(f"/feeds/2021-06-30/documents/{found['resultFeedDocumentId']}").json()
    hold_against(FEEDS, "FeedDocument", described)
    report = json.loads(gzip.decompress(caller.get(described["url"]).content))
    schema = json.loads((Path(FOLDER) / "listings-feed-processing-report-schema-v2.json").read_text(encoding="utf-8"))
    assert [fault.message for fault in Draft7Validator(schema).iter_errors(report)] == []
    assert report["header"]["sellerId"] == DEMO_SELLER


def test_the_list_of_feeds_matches_the_model(caller: httpx.Client, amazon: LocalAmazon) -> None:
    for _ in range(2):
        amazon.feeds.submit("JSON_LISTINGS_FEED", [US], "none", amazon.clock.now())
    query = {"feedTypes": "JSON_LISTINGS_FEED", "pageSize": "1"}
    page = caller.get("/feeds/2021-06-30/feeds", params=query).json()
    assert page["nextToken"]
    hold_against(FEEDS, "GetFeedsResponse", page)


def test_reports_match_the_model(caller: httpx.Client, amazon: LocalAmazon) -> None:
    made = caller.post(
        "/reports/2021-06-30/reports", json={"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [US]}
    ).json()
    hold_against(REPORTS, "CreateReportResponse", made)
    for seconds in (0, 30, 60):
        amazon.clock.move(seconds=seconds)
        found = caller.get(f"/reports/2021-06-30/reports/{made['reportId']}").json()
        hold_against(REPORTS, "Report", found)
    described = caller.get(f"/reports/2021-06-30/documents/{found['reportDocumentId']}").json()
    hold_against(REPORTS, "ReportDocument", described)
    hold_against(REPORTS, "ErrorList", caller.get("/reports/2021-06-30/reports/1").json())
    listed = caller.get("/reports/2021-06-30/reports", params={"reportTypes": "GET_MERCHANT_LISTINGS_ALL_DATA"}).json()
    hold_against(REPORTS, "GetReportsResponse", listed)
    assert [report["reportId"] for report in listed["reports"]] == [made["reportId"]]


def test_a_patch_of_a_quantity_matches_the_model() -> None:
    hold_against(LISTINGS, "ListingsItemPatchRequest", patch_of(7))


def test_marketplaces_match_the_model(caller: httpx.Client) -> None:
    answer = caller.get("/sellers/v1/marketplaceParticipations").json()
    participating = [entry for entry in answer["payload"] if entry["participation"]["isParticipating"]]
    names = [entry["marketplace"]["name"] for entry in participating]
    assert names == ["Amazon.com", "Amazon.ca", "SI CA Prod Marketplace"]
    hold_against(SELLERS, "GetMarketplaceParticipationsResponse", answer)

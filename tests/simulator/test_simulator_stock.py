"""Listings, patches and feeds: what is changed, when, and what is not."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from mfn.amazon.marketplaces import BY_NAME
from mfn.simulator.server import DEMO_SELLER

if TYPE_CHECKING:
    import httpx

    from mfn.simulator.local_amazon import LocalAmazon

US = BY_NAME["US"].marketplace_id
SKU = "KIT-DESK"
ITEMS = f"/listings/2021-08-01/items/{DEMO_SELLER}"
MERGE = {"op": "merge", "path": "/attributes/fulfillment_availability"}


def available(quantity: object) -> list[dict[str, object]]:
    return [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]


def patch(caller: httpx.Client, *patches: dict[str, Any], sku: str = SKU, **query: str) -> dict[str, Any]:
    body = {"productType": "PRODUCT", "patches": patches}
    answer = caller.patch(f"{ITEMS}/{quote(sku, safe='')}", params={"marketplaceIds": US} | query, json=body)
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


def availability(caller: httpx.Client, sku: str = SKU) -> dict[str, Any]:
    query = {"marketplaceIds": US, "includedData": "attributes,fulfillmentAvailability"}
    item = caller.get(f"{ITEMS}/{sku}", params=query).raise_for_status().json()
    (entry,) = item["attributes"]["fulfillment_availability"]
    assert item["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": entry["quantity"]}]
    return dict(entry)


def feed(caller: httpx.Client, document: object, feed_type: str = "JSON_LISTINGS_FEED") -> str:
    made = caller.post("/feeds/2021-06-30/documents", json={"contentType": "application/json; charset=UTF-8"}).json()
    caller.put(made["url"], content=json.dumps(document).encode()).raise_for_status()
    asked = {"feedType": feed_type, "marketplaceIds": [US], "inputFeedDocumentId": made["feedDocumentId"]}
    answer = caller.post("/feeds/2021-06-30/feeds", json=asked)
    assert answer.status_code == 202
    return str(answer.json()["feedId"])


def listings_feed(*messages: dict[str, Any], seller: str = DEMO_SELLER) -> dict[str, Any]:
    numbered = [
        {"messageId": number, "operationType": "PATCH", "productType": "PRODUCT"} | message
        for number, message in enumerate(messages, start=1)
    ]
    return {"header": {"sellerId": seller, "version": "2.0"}, "messages": numbered}


def report(caller: httpx.Client, feed_id: str) -> dict[str, Any]:
    done = caller.get(f"/feeds/2021-06-30/feeds/{feed_id}").json()
    assert done["processingStatus"] == "DONE"
    found = caller.get(f"/feeds/2021-06-30/documents/{done['resultFeedDocumentId']}").json()
    assert found["compressionAlgorithm"] == "GZIP"
    document: dict[str, Any] = json.loads(gzip.decompress(caller.get(found["url"]).content))
    return document


def test_a_patch_is_accepted_at_once_and_applied_a_minute_later(caller: httpx.Client, amazon: LocalAmazon) -> None:
    before = availability(caller)
    assert patch(caller, MERGE | {"value": available(7)})["status"] == "ACCEPTED"
    assert availability(caller) == before
    amazon.clock.move(minutes=1)
    assert availability(caller)["quantity"] == 7


def test_merge_keeps_the_lead_time_and_replace_wipes_it(caller: httpx.Client, amazon: LocalAmazon) -> None:
    patch(caller, MERGE | {"value": available(7)})
    amazon.clock.move(minutes=1)
    assert availability(caller)["lead_time_to_ship_max_days"] == 2
    patch(caller, MERGE | {"op": "replace", "value": available(8)})
    amazon.clock.move(minutes=1)
    assert "lead_time_to_ship_max_days" not in availability(caller)


@pytest.mark.parametrize(
    "value",
    [
        [{"quantity": 1}],
        [{"fulfillment_channel_code": "", "quantity": 1}],
        available(-1),
        available("7"),
        [{"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 3}],
    ],
)
def test_a_bad_patch_is_answered_as_invalid_with_status_200_and_changes_nothing(
    caller: httpx.Client, amazon: LocalAmazon, value: list[dict[str, object]]
) -> None:
    before = availability(caller)
    answer = patch(caller, MERGE | {"value": value})
    assert (answer["status"], bool(answer["issues"])) == ("INVALID", True)
    amazon.clock.move(minutes=1)
    assert availability(caller) == before


def test_an_unlisted_sku_is_invalid_in_a_patch_and_not_found_in_a_read(caller: httpx.Client) -> None:
    assert patch(caller, MERGE | {"value": available(1)}, sku="SKU/1 a")["status"] == "INVALID"
    assert caller.get(f"{ITEMS}/NOWHERE", params={"marketplaceIds": US}).status_code == 404


def test_a_preview_says_valid_and_changes_nothing(caller: httpx.Client, amazon: LocalAmazon) -> None:
    before = availability(caller)
    assert patch(caller, MERGE | {"value": available(7)}, mode="VALIDATION_PREVIEW")["status"] == "VALID"
    amazon.clock.move(minutes=1)
    assert availability(caller) == before


def test_another_channel_adds_an_entry_as_it_does_at_amazon(caller: httpx.Client, amazon: LocalAmazon) -> None:
    patch(caller, MERGE | {"value": [{"fulfillment_channel_code": "AMAZON_NA", "quantity": 1}]})
    amazon.clock.move(minutes=1)
    listing = amazon.listings.find(US, SKU)
    assert listing is None or len(listing.attributes["fulfillment_availability"]) == 1  # due, but nobody has looked yet
    query = {"marketplaceIds": US, "includedData": "fulfillmentAvailability"}
    entries = caller.get(f"{ITEMS}/{SKU}", params=query).json()["fulfillmentAvailability"]
    assert [entry["fulfillmentChannelCode"] for entry in entries] == ["DEFAULT", "AMAZON_NA"]


def test_listings_are_found_by_sku_and_in_pages(caller: httpx.Client, amazon: LocalAmazon) -> None:
    query = {"marketplaceIds": US, "identifiersType": "SKU", "identifiers": f"{SKU},NOWHERE"}
    found = caller.get(ITEMS, params=query).json()
    assert (found["numberOfResults"], [item["sku"] for item in found["items"]]) == (1, [SKU])
    query = {"marketplaceIds": US, "pageSize": "20"}
    skus = []
    while True:
        page = caller.get(ITEMS, params=query).raise_for_status().json()
        skus += [item["sku"] for item in page["items"]]
        if len(skus) > 60 or "pagination" not in page:
            break
        query["pageToken"] = page["pagination"]["nextToken"]
    assert len(skus) == len(set(skus)) == 80
    amazon.clock.move(seconds=1)  # the bucket is empty
    for wrong in ({"pageSize": "21"}, {"identifiers": SKU}, {"marketplaceIds": ""}, {"includedData": "price"}):
        assert caller.get(ITEMS, params={"marketplaceIds": US} | wrong).status_code == 400


def test_a_feed_is_queued_then_processed_and_reports_on_every_message(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    document = listings_feed(
        {"sku": SKU, "patches": [MERGE | {"value": available(3)}]},
        {"sku": "NOWHERE", "patches": [MERGE | {"value": available(3)}]},
        {"sku": "KIT-NEW", "patches": [MERGE | {"value": available(-3)}]},
    )
    feed_id = feed(caller, document)
    stages = []
    for seconds in (0, 30, 60):
        amazon.clock.move(seconds=seconds)
        stages.append(caller.get(f"/feeds/2021-06-30/feeds/{feed_id}").json()["processingStatus"])
    assert stages == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    found = report(caller, feed_id)
    assert [(issue["messageId"], issue["sku"]) for issue in found["issues"]] == [(2, "NOWHERE"), (3, "KIT-NEW")]
    assert found["summary"] == {
        "errors": 2,
        "warnings": 0,
        "messagesProcessed": 3,
        "messagesAccepted": 1,
        "messagesInvalid": 2,
    }
    assert availability(caller)["quantity"] == 3


@pytest.mark.parametrize(
    ("document", "feed_type"),
    [
        ("no feed at all", "JSON_LISTINGS_FEED"),
        (listings_feed(seller="A2SOMEBODYELSE"), "JSON_LISTINGS_FEED"),
        (listings_feed({"messageId": 7}, {"messageId": 7}), "JSON_LISTINGS_FEED"),
        (listings_feed(), "POST_INVENTORY_AVAILABILITY_DATA"),
    ],
)
def test_an_unreadable_feed_is_fatal(
    caller: httpx.Client, amazon: LocalAmazon, document: object, feed_type: str
) -> None:
    feed_id = feed(caller, document, feed_type)
    amazon.clock.move(minutes=2)
    found = caller.get(f"/feeds/2021-06-30/feeds/{feed_id}").json()
    assert found["processingStatus"] == "FATAL"
    assert "resultFeedDocumentId" not in found


def test_a_document_must_be_uploaded_and_its_address_lasts_five_minutes(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    made = caller.post("/feeds/2021-06-30/documents", json={"contentType": "application/json"}).json()
    asked = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [US], "inputFeedDocumentId": made["feedDocumentId"]}
    assert caller.post("/feeds/2021-06-30/feeds", json=asked).status_code == 400
    amazon.clock.move(minutes=5, seconds=1)
    assert caller.put(made["url"], content=b"{}").status_code == 403


def test_the_address_of_a_document_is_right_whatever_the_host_header_says(caller: httpx.Client) -> None:
    asked = {"contentType": "application/json"}
    made = caller.post("/feeds/2021-06-30/documents", json=asked, headers={"host": "27.0.0.1:1"}).json()
    assert caller.put(made["url"], content=b"{}").status_code == 200

"""Reports, the list of feeds, and accounts of every size: what Amazon shows of many listings, and how it can fail."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

import httpx
import pytest

from mfn.amazon.marketplaces import BY_NAME, Marketplace
from mfn.simulator.clock import Clock, amazon_time
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.server import DEMO_SELLER, SimulatorServer
from tests.simulator.conftest import NOON
from tests.simulator.test_simulator_stock import ITEMS, MERGE, SKU, US, available, feed, listings_feed, patch, report

REPORTS = "/reports/2021-06-30"
FEEDS = "/feeds/2021-06-30/feeds"
PLACE = BY_NAME["US"]
ALL_LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"


def ordered(caller: httpx.Client, **changed: Any) -> str:
    answer = caller.post(f"{REPORTS}/reports", json={"reportType": ALL_LISTINGS, "marketplaceIds": [US]} | changed)
    assert answer.status_code == 202
    return str(answer.json()["reportId"])


def found(caller: httpx.Client, report_id: str) -> dict[str, Any]:
    document: dict[str, Any] = caller.get(f"{REPORTS}/reports/{report_id}").raise_for_status().json()
    return document


def lines(caller: httpx.Client, report_id: str, charset: str = "cp1252") -> list[list[str]]:
    document_id = found(caller, report_id)["reportDocumentId"]
    described = caller.get(f"{REPORTS}/documents/{document_id}").raise_for_status().json()
    fetched = caller.get(described["url"]).raise_for_status()
    assert described["compressionAlgorithm"] == "GZIP"
    text = gzip.decompress(fetched.content).decode(charset)
    assert text.endswith("\r\n")
    return [line.split("\t") for line in text.removesuffix("\r\n").split("\r\n")]


def test_a_report_is_queued_then_done_and_lists_every_listing_whoever_fulfils_it(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    amazon.listings.add(PLACE, "TÊTE-日本", now=NOON, quantity=0)
    report_id = ordered(caller)
    stages = []
    for seconds in (0, 30, 60):
        amazon.clock.move(seconds=seconds)
        stages.append(found(caller, report_id)["processingStatus"])
    assert stages == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    header, *rows = lines(caller, report_id)
    by_sku = {row[header.index("seller-sku")]: row for row in rows}
    assert len(by_sku) == len(rows) == len(amazon.listings.within([US]))
    assert all(len(row) == len(header) for row in rows)

    def cells(sku: str) -> tuple[str, ...]:
        return tuple(by_sku[sku][header.index(name)] for name in ("quantity", "fulfillment-channel", "status"))

    assert cells(SKU) == ("20", "DEFAULT", "Active")
    assert cells("TÊTE-??") == ("0", "DEFAULT", "Inactive")
    assert [cells(sku) for sku in by_sku if sku.endswith("-FBA")] == [("", "AMAZON_NA", "Active")] * 6


@pytest.mark.parametrize(
    ("place", "options", "charset", "names"),
    [
        (BY_NAME["DE"], {}, "cp1252", {"seller-sku", "fulfilment-channel"}),
        (BY_NAME["JP"], {}, "cp932", {"出品者SKU", "フルフィルメント・チャンネル"}),
        (BY_NAME["JP"], {"preferredReportDocumentLocale": "en_US"}, "cp932", {"seller-sku", "fulfillment-channel"}),
    ],
)
def test_a_report_is_in_the_language_and_encoding_of_its_marketplace(
    place: Marketplace, options: dict[str, str], charset: str, names: set[str]
) -> None:
    amazon = LocalAmazon(seller_id=DEMO_SELLER, marketplaces=[place], clock=Clock(NOON))
    made = amazon.reports.order(ALL_LISTINGS, [place.marketplace_id], options, NOON)
    amazon.clock.move(minutes=2)
    amazon.agenda.catch_up()
    document = amazon.documents.find(made.document_id or "")
    assert document is not None
    assert document.content is not None
    header = gzip.decompress(document.content).decode(charset).partition("\r\n")[0]
    assert names <= set(header.split("\t"))


def test_a_report_without_data_is_cancelled_and_an_unknown_one_is_fatal(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    for listing in amazon.listings.within([US]):
        amazon.listings.remove(US, listing.sku)
    reports = [ordered(caller), ordered(caller, reportType="GET_SOMETHING_ELSE")]
    amazon.clock.move(minutes=2)
    assert [found(caller, report_id)["processingStatus"] for report_id in reports] == ["CANCELLED", "FATAL"]
    assert caller.post(f"{REPORTS}/reports", json={"marketplaceIds": [US]}).status_code == 400
    elsewhere = {"reportType": ALL_LISTINGS, "marketplaceIds": ["A1PA6795UKMFR9"]}
    assert caller.post(f"{REPORTS}/reports", json=elsewhere).status_code == 400
    assert caller.get(f"{REPORTS}/reports/1").status_code == 404
    assert caller.get(f"{REPORTS}/documents/1").status_code == 404


@pytest.mark.parametrize("ending", ["FATAL", "CANCELLED", "IN_PROGRESS"])
def test_feeds_and_reports_end_as_a_test_wants(caller: httpx.Client, amazon: LocalAmazon, ending: str) -> None:
    amazon.faults.feed_endings.append(ending)
    amazon.faults.report_endings.append(ending)
    feed_id = feed(caller, listings_feed({"sku": SKU, "patches": [MERGE | {"value": available(3)}]}))
    report_id = ordered(caller)
    amazon.clock.move(hours=30)
    assert caller.get(f"{FEEDS}/{feed_id}").json()["processingStatus"] == ending
    assert found(caller, report_id)["processingStatus"] == ending
    listing = amazon.listings.find(US, SKU)
    assert listing is not None
    assert listing.quantity == 20


def test_a_refused_sku_is_refused_alone_and_in_a_feed(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.refused_skus[SKU] = "Not today."
    assert patch(caller, MERGE | {"value": available(3)})["issues"][0]["message"] == "Not today."
    feed_id = feed(caller, listings_feed({"sku": SKU, "patches": [MERGE | {"value": available(3)}]}))
    amazon.clock.move(minutes=2)
    assert [issue["message"] for issue in report(caller, feed_id)["issues"]] == ["Not today."]


def test_an_unlisted_sku_can_be_accepted_silently(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.takes_unlisted = True
    assert patch(caller, MERGE | {"value": available(3)}, sku="NOWHERE")["status"] == "ACCEPTED"
    amazon.clock.move(minutes=1)
    assert caller.get(f"{ITEMS}/NOWHERE", params={"marketplaceIds": US}).status_code == 404


def test_feeds_are_listed_by_type_and_time_in_pages(caller: httpx.Client, amazon: LocalAmazon) -> None:
    old = amazon.feeds.submit("JSON_LISTINGS_FEED", [US], "none", NOON - timedelta(hours=1))
    new = [amazon.feeds.submit("JSON_LISTINGS_FEED", [US], "none", NOON) for _ in range(3)]
    amazon.feeds.submit("POST_ORDER_FULFILLMENT_DATA", [US], "none", NOON)
    query: dict[str, Any] = {"feedTypes": "JSON_LISTINGS_FEED", "createdSince": amazon_time(NOON), "pageSize": 2}
    first = caller.get(FEEDS, params=query).raise_for_status().json()
    second = caller.get(FEEDS, params={"nextToken": first["nextToken"]}).raise_for_status().json()
    assert [entry["feedId"] for entry in first["feeds"] + second["feeds"]] == [made.feed_id for made in new[::-1]]
    assert "nextToken" not in second
    del query["createdSince"]
    everything = caller.get(FEEDS, params=query | {"pageSize": 4}).json()["feeds"]
    assert everything[-1]["feedId"] == old.feed_id
    for wrong in ({}, query | {"pageSize": 101}, query | {"nextToken": first["nextToken"]}, {"nextToken": "x"}):
        assert caller.get(FEEDS, params=wrong).status_code == 400
    assert caller.get(FEEDS, params=query | {"createdSince": "yesterday"}).status_code == 400


def test_a_search_counts_every_listing_and_pages_through_the_first_thousand() -> None:
    amazon = LocalAmazon(seller_id=DEMO_SELLER, marketplaces=[PLACE], clock=Clock(NOON), speed=1e6)
    for number in range(1_000):
        amazon.listings.add(PLACE, f"SKU-{number:04d}", now=NOON)
    with SimulatorServer(amazon) as server, httpx.Client(base_url=server.endpoint, verify=False) as caller:
        caller.headers["x-amz-access-token"] = amazon.access.issue()
        query = {"marketplaceIds": US, "pageSize": "20", "sortBy": "sku", "sortOrder": "ASC"}
        skus: list[str] = []
        while True:
            page = caller.get(ITEMS, params=query).raise_for_status().json()
            assert page["numberOfResults"] == len(amazon.listings.within([US]))
            skus += [item["sku"] for item in page["items"]]
            if "pagination" not in page:
                break
            query["pageToken"] = page["pagination"]["nextToken"]
    assert len(set(skus)) == len(skus) == 1_000
    assert skus == sorted(skus)


def test_a_search_is_sorted_by_the_last_change_unless_it_says_otherwise(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    amazon.clock.move(minutes=1)
    amazon.listings.add(PLACE, "ZZZ", now=amazon.clock.now())
    first = caller.get(ITEMS, params={"marketplaceIds": US}).json()["items"][0]
    assert first["sku"] == "ZZZ"
    query = {"marketplaceIds": US, "sortBy": "sku", "sortOrder": "ASC"}
    assert caller.get(ITEMS, params=query).json()["items"][0]["sku"] != "ZZZ"
    assert caller.get(ITEMS, params=query | {"sortBy": "price"}).status_code == 400


def test_listings_fulfilled_by_amazon_have_its_channel_and_a_quantity_adds_a_second_one(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    sku = next(listing.sku for listing in amazon.listings.within([US]) if listing.fn_sku)
    query = {"marketplaceIds": US, "includedData": "summaries,fulfillmentAvailability"}
    item = caller.get(f"{ITEMS}/{sku}", params=query).json()
    assert item["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_NA"}]
    assert item["summaries"][0]["fnSku"]
    patch(caller, MERGE | {"value": available(3)}, sku=sku)
    amazon.clock.move(minutes=1)
    entries = caller.get(f"{ITEMS}/{sku}", params=query).json()["fulfillmentAvailability"]
    assert [entry["fulfillmentChannelCode"] for entry in entries] == ["AMAZON_NA", "DEFAULT"]

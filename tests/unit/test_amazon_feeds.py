"""Feeds of quantities: what Amazon is handed, how far they are, and which of its words belong to which SKU."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from mfn.amazon.answers import Words
from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.feed_reports import report_of
from mfn.amazon.feeds import AmazonFeeds
from mfn.amazon.marketplaces import BY_NAME
from mfn.amazon.quantities import MOST_MESSAGES, feed_of, patch_of
from mfn.moments import LONG_AGO
from mfn.simulator.clock import Clock as AmazonClock
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.server import SimulatorServer
from tests.faults.adapter import Clock, adapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.amazon.client import AmazonOrders

FOLDER = os.environ.get("MFN_SPAPI_MODELS", "")
US = BY_NAME["US"].marketplace_id
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LEVELS = [("KIT-DESK", 3), ("NOWHERE", 4), ("A/B Ærø, 日本", 5), ("KIT-NEW", 0)]


@pytest.fixture
def amazon() -> LocalAmazon:
    """A seller at a noon at which the clock stands."""
    amazon = LocalAmazon(seller_id="A2TESTSELLER", marketplaces=[BY_NAME["US"]], clock=AmazonClock(NOON))
    amazon.listings.add(BY_NAME["US"], "A/B Ærø, 日本", now=NOON)
    return amazon


@pytest.fixture
def orders(amazon: LocalAmazon, tmp_path: Path) -> Iterator[AmazonOrders]:
    with SimulatorServer(amazon) as server, adapter(server.endpoint, tmp_path, Clock()) as made:
        yield made


@pytest.fixture
def feeds(orders: AmazonOrders) -> AmazonFeeds:
    return AmazonFeeds(orders._session)


def quantity(amazon: LocalAmazon, sku: str) -> int:
    listing = amazon.listings.find(US, sku)
    assert listing is not None
    return listing.quantity


def test_a_feed_is_handed_in_followed_and_read_back(
    feeds: AmazonFeeds, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    feed_id = feeds.create_feed(US, feeds.upload(LEVELS))
    stages = []
    for seconds in (0, 30, 60):
        amazon.clock.move(seconds=seconds)
        stages.append(feeds.feed(feed_id))
    assert [(stage.status, stage.is_under_way) for stage in stages] == [
        ("IN_QUEUE", True),
        ("IN_PROGRESS", True),
        ("DONE", False),
    ]
    done = stages[-1]
    assert (done.feed_id, done.created_at, done.marketplace_ids) == (feed_id, NOON, (US,))
    assert done.document_id is not None
    report = feeds.report(done.document_id)
    assert report.refused == {2: (Words("4000001", "There is no listing for SKU NOWHERE."),)}
    assert (report.general, report.accepted, report.invalid) == ((), 3, 1)
    assert [quantity(amazon, sku) for sku in ("KIT-DESK", "A/B Ærø, 日本", "KIT-NEW")] == [3, 5, 0]
    assert orders.calls == {
        "createFeedDocument": 1,
        "createFeed": 1,
        "getFeed": 3,
        "getFeedDocument": 1,
    }


@pytest.mark.parametrize("ending", ["FATAL", "CANCELLED"])
def test_a_feed_that_fails_has_no_report_and_changes_nothing(
    feeds: AmazonFeeds, amazon: LocalAmazon, ending: str
) -> None:
    amazon.faults.feed_endings.append(ending)
    feed_id = feeds.create_feed(US, feeds.upload([("KIT-DESK", 3)]))
    amazon.clock.move(minutes=2)
    state = feeds.feed(feed_id)
    assert (state.status, state.is_under_way, state.document_id) == (ending, False, None)
    assert quantity(amazon, "KIT-DESK") == 20


def test_an_upload_address_that_closed_in_between_is_replaced(feeds: AmazonFeeds, amazon: LocalAmazon) -> None:
    amazon.faults.answer("uploadDocument", 403, "<Error><Code>AccessDenied</Code></Error>")
    feed_id = feeds.create_feed(US, feeds.upload([("KIT-DESK", 3)]))
    amazon.clock.move(minutes=2)
    assert feeds.feed(feed_id).status == "DONE"
    assert quantity(amazon, "KIT-DESK") == 3


def test_a_feed_whose_answer_was_lost_is_found_again(feeds: AmazonFeeds, amazon: LocalAmazon) -> None:
    earlier = [amazon.feeds.submit("JSON_LISTINGS_FEED", [US], "none", NOON - timedelta(days=1)) for _ in range(3)]
    amazon.feeds.submit("POST_ORDER_FULFILLMENT_DATA", [US], "none", NOON)
    document_id = feeds.upload([("KIT-DESK", 3)])
    amazon.faults.drop("createFeed", after_deed=True)
    with pytest.raises(AmazonUnavailableError, match=r"createFeed of .* no complete answer"):
        feeds.create_feed(US, document_id)
    (found,) = feeds.feeds_since(NOON)
    assert (found.status, found.created_at) == ("IN_QUEUE", NOON)
    assert found.feed_id not in {feed.feed_id for feed in earlier}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2026-11-01T12:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)), ("noon", LONG_AGO), (5, LONG_AGO)],
)
def test_a_feed_is_followed_whatever_time_amazon_says_of_it(
    feeds: AmazonFeeds, amazon: LocalAmazon, moment: object, expected: datetime
) -> None:
    amazon.faults.answer("getFeed", 200, {"feedId": "1", "processingStatus": "DONE", "createdTime": moment})
    state = feeds.feed("1")
    assert (state.status, state.created_at) == ("DONE", expected)


def test_many_feeds_are_listed_page_by_page(feeds: AmazonFeeds, amazon: LocalAmazon, orders: AmazonOrders) -> None:
    for _ in range(230):
        amazon.feeds.submit("JSON_LISTINGS_FEED", [US], "none", NOON)
    assert {feed.feed_id for feed in feeds.feeds_since(NOON - timedelta(hours=1))} == set(amazon.feeds.feeds)
    assert orders.calls == {"getFeeds": 3}


def test_an_error_that_belongs_to_no_message_is_kept_apart_and_a_warning_is_not_an_error() -> None:
    issues = [
        {"severity": "ERROR", "code": "4002005", "message": "The feed is wrong."},
        {"severity": "WARNING", "messageId": 1, "message": "Think of it."},
        {"severity": "ERROR", "messageId": 2, "message": "No."},
        {"severity": "ERROR", "messageId": 2, "code": "7", "message": "Never."},
    ]
    summary = {"errors": 3, "warnings": 1, "messagesProcessed": 2, "messagesAccepted": 1, "messagesInvalid": 1}
    report = report_of(json.dumps({"header": {}, "issues": issues, "summary": summary}).encode())
    assert report.general == (Words("4002005", "The feed is wrong."),)
    assert report.refused == {2: (Words(None, "No."), Words("7", "Never."))}


def test_an_entry_of_a_report_that_is_odd_hides_no_other() -> None:
    issues = [
        {"severity": "ERROR", "messageId": "3", "code": 90, "message": "No."},
        {"severity": "ERROR", "messageId": 4},
        {"severity": "ERROR", "messageId": "every one", "message": "Look at it."},
        {"messageId": 5, "message": "of no severity"},
        "no entry",
        {"severity": "ERROR", "messageId": 6, "message": "Never."},
    ]
    summary = {"messagesAccepted": 3, "messagesInvalid": 3}
    report = report_of(json.dumps({"issues": issues, "summary": summary}).encode())
    assert report.refused == {
        3: (Words("90", "No."),),
        4: (Words(None, "no reason given"),),
        6: (Words(None, "Never."),),
    }
    first, *unreadable = map(str, report.general)
    assert first == "Look at it."
    assert [text.startswith("an entry of the report cannot be read: ") for text in unreadable] == [True, True]


@pytest.mark.parametrize("words", [rb"The title \ud83d is cut.", b"The title \x0b is cut."])
def test_a_report_whose_words_quote_a_broken_title_says_of_every_message_what_became_of_it(words: bytes) -> None:
    issues = rb'{"severity": "ERROR", "messageId": 2, "message": "WORDS"}, {"severity": "ERROR", "messageId": 3}'
    summary = b'{"messagesAccepted": 1, "messagesInvalid": 2}'
    whole = b'\xef\xbb\xbf{"issues": [' + issues.replace(b"WORDS", words) + b'], "summary": ' + summary + b"}"
    report = report_of(whole)
    assert (sorted(report.refused), report.general, report.accepted) == ([2, 3], (), 1)
    assert str(report.refused[2][0]).startswith("The title ")


def test_message_ids_count_the_levels_from_one() -> None:
    feed = json.loads(feed_of("A2TESTSELLER", LEVELS))
    assert feed["header"] == {"sellerId": "A2TESTSELLER", "version": "2.0"}
    assert [(message["messageId"], message["sku"]) for message in feed["messages"]] == [
        (number, sku) for number, (sku, _) in enumerate(LEVELS, start=1)
    ]
    assert feed["messages"][3] == {"messageId": 4, "sku": "KIT-NEW", "operationType": "PATCH", **patch_of(0)}


@pytest.mark.skipif(not FOLDER, reason="MFN_SPAPI_MODELS names no folder with Amazon's models")
def test_a_feed_is_as_amazons_schemas_say() -> None:
    feed = json.loads(feed_of("A2TESTSELLER", LEVELS))
    schema = json.loads((Path(FOLDER) / "listings-feed-schema-v2.json").read_text(encoding="utf-8"))
    assert [fault.message for fault in Draft7Validator(schema).iter_errors(feed)] == []
    assert schema["properties"]["messages"]["maxItems"] == MOST_MESSAGES
    message = json.loads((Path(FOLDER) / "listings-feed-message-schema-v2.json").read_text(encoding="utf-8"))
    for sent in feed["messages"]:
        assert [fault.message for fault in Draft7Validator(message).iter_errors(sent)] == []

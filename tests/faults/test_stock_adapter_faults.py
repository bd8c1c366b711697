"""Whatever Amazon does to listings, feeds, reports and documents is one of our errors, and never read as "nothing"."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.calling import ATTEMPTS
from mfn.amazon.documents import ADDRESSES
from mfn.amazon.failures import AmazonUnavailableError, PageTokenRefusedError, ThrottledError
from mfn.amazon.feeds import AmazonFeeds
from mfn.amazon.listings import AmazonListings
from mfn.amazon.listings_report import read_listings_report
from mfn.errors import FatalError, RetriableError
from tests.faults.adapter import Clock, adapter
from tests.faults.scripted_amazon import DROPPED, SILENT, Answer, ScriptedAmazon, answer, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mfn.amazon.session import Session

US = "ATVPDKIKX0DER"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
HTML = "<html><body>503 Service Temporarily Unavailable</body></html>"
FEED = {"feedId": "1", "feedType": "JSON_LISTINGS_FEED", "createdTime": "2026-11-01T00:00:00Z"}
FEED |= {"processingStatus": "DONE", "resultFeedDocumentId": "report-1"}
REPORT = {"issues": [], "summary": {"messagesProcessed": 1, "messagesAccepted": 1, "messagesInvalid": 0}}
ORDERED = answer(202, {"reportId": "1"})
DONE = answer(200, {"processingStatus": "DONE", "reportDocumentId": "document-1"})


@dataclass(frozen=True)
class Operation:
    """An operation: what was answered before it, what it answers when all is well, and who calls it."""

    call: Callable[[Session], Any]
    good: bytes
    before: tuple[bytes, ...] = ()


def _listing_of(session: Session, sku: str) -> None:
    for error in AmazonListings(session).listings_of(US, [sku]).unanswered.values():
        raise error


OPERATIONS = {
    "searchListingsItems": Operation(
        lambda session: AmazonListings(session).listings(US), answer(200, {"numberOfResults": 0, "items": []})
    ),
    "getListingsItem": Operation(lambda session: _listing_of(session, "A,B"), answer(200, {"sku": "A,B"})),
    "patchListingsItem": Operation(
        lambda session: AmazonListings(session).patch_quantity(US, "A", 1), answer(200, {"status": "ACCEPTED"})
    ),
    "createFeedDocument": Operation(
        lambda session: AmazonFeeds(session).upload([("A", 1)]),
        answer(201, {"feedDocumentId": "1", "url": "http://nowhere.invalid/"}),
    ),
    "getFeed": Operation(lambda session: AmazonFeeds(session).feed("1"), answer(200, FEED)),
    "getFeeds": Operation(lambda session: AmazonFeeds(session).feeds_since(SINCE), answer(200, {"feeds": []})),
    "getFeedDocument": Operation(
        lambda session: AmazonFeeds(session).report("1"), answer(200, {"url": "http://nowhere.invalid/"})
    ),
    "createReport": Operation(lambda session: read_listings_report(session, US), ORDERED),
    "getReport": Operation(lambda session: read_listings_report(session, US), DONE, (ORDERED,)),
    "getReportDocument": Operation(
        lambda session: read_listings_report(session, US),
        answer(200, {"url": "http://nowhere.invalid/"}),
        (ORDERED, DONE),
    ),
}
CREATE_FEED = Operation(
    lambda session: AmazonFeeds(session).create_feed(US, "document-1"), answer(202, {"feedId": "1"})
)


def passing_faults(good: bytes) -> dict[str, Answer]:
    """Faults that may pass by themselves."""
    status = int(good.split()[1])
    return {
        "an empty 503": answer(503),
        "a 503 with an HTML page": answer(503, HTML),
        "a 500 that Amazon explains": errors(500, "InternalFailure", "We encountered an internal error."),
        "a 500 of another form": answer(500, {"message": "Test Buyer"}),
        "a 502": answer(502, HTML),
        "a 504": answer(504),
        "a 408": answer(408),
        "a dropped connection": DROPPED,
        "a truncated body": good[:-5],
        "a damaged compression": answer(status, b"no gzip", content_encoding="gzip"),
        "an HTML page with the right status": answer(status, HTML),
        "an empty body with the right status": answer(status),
        "JSON that is cut short": answer(status, good.partition(b"\r\n\r\n")[2][:-5]),
        "an empty object": answer(status, {}),
        "a list": answer(status, b"[]"),
    }


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


@pytest.fixture
def session(amazon: ScriptedAmazon, tmp_path: Path) -> Iterator[Session]:
    with adapter(amazon.endpoint, tmp_path, Clock()) as made:
        yield made._session


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_persistent_fault_is_retriable_after_a_few_attempts_and_never_read_as_empty(
    amazon: ScriptedAmazon, session: Session, name: str
) -> None:
    operation = OPERATIONS[name]
    faults = passing_faults(operation.good) | {"a 429": answer(429)}
    for kind, fault in faults.items():
        amazon.api = [*operation.before, fault]
        session.caller.calls.clear()
        with pytest.raises(AmazonUnavailableError, match=rf"^{name}\b.*for the connection us") as caught:
            operation.call(session)
        assert session.caller.calls[name] == ATTEMPTS, kind
        assert "Test Buyer" not in f"{caught.value.message} {caught.value.remedy}", kind


def test_a_feed_is_never_submitted_twice_but_waits_for_the_rate_limit(amazon: ScriptedAmazon, session: Session) -> None:
    for kind, fault in passing_faults(CREATE_FEED.good).items():
        amazon.api = [fault]
        session.caller.calls.clear()
        with pytest.raises(AmazonUnavailableError, match="createFeed of document-1 "):
            CREATE_FEED.call(session)
        assert session.caller.calls == {"createFeed": 1}, kind
    amazon.api = [errors(429, "QuotaExceeded", "You exceeded your quota."), CREATE_FEED.good]
    assert CREATE_FEED.call(session) == "1"
    amazon.api = [answer(429)]
    with pytest.raises(ThrottledError):
        CREATE_FEED.call(session)


@pytest.mark.parametrize("name", [*OPERATIONS, "createFeed"])
def test_a_refused_call_is_fatal_and_a_missing_role_is_named(
    amazon: ScriptedAmazon, session: Session, name: str
) -> None:
    operation = OPERATIONS.get(name, CREATE_FEED)
    amazon.api = [*operation.before, errors(403, "Unauthorized", "Access to requested resource is denied.")]
    with pytest.raises(FatalError) as caught:
        operation.call(session)
    assert f"{name} needs the role Product Listing" in caught.value.remedy
    if name != "patchListingsItem":
        amazon.api = [*operation.before, errors(400, "InvalidInput", "No such marketplace.")]
        with pytest.raises(FatalError, match="InvalidInput: No such marketplace"):
            operation.call(session)
        amazon.api = [*operation.before, answer(404, HTML)]
        with pytest.raises(FatalError, match="HTTP 404, a body that is not Amazon's"):
            operation.call(session)


@pytest.mark.parametrize("name", ["searchListingsItems", "patchListingsItem", "getFeed"])
def test_an_answer_that_never_comes_is_given_up(amazon: ScriptedAmazon, tmp_path: Path, name: str) -> None:
    amazon.api = [SILENT]
    with (
        adapter(amazon.endpoint, tmp_path, Clock(), timeout_seconds=0.05) as orders,
        pytest.raises(AmazonUnavailableError, match=f"^{name} .*ReadTimeout"),
    ):
        OPERATIONS[name].call(orders._session)


def test_pages_that_repeat_are_an_error(amazon: ScriptedAmazon, session: Session) -> None:
    page = {"numberOfResults": 3, "items": [{"sku": "A"}], "pagination": {"nextToken": "again"}}
    amazon.api = [answer(200, page)]
    with pytest.raises(AmazonUnavailableError, match="repeat after 1 listings"):
        AmazonListings(session).listings(US)
    amazon.api = [answer(200, {"feeds": [FEED], "nextToken": "again"})]
    with pytest.raises(AmazonUnavailableError, match="repeat after 2"):
        AmazonFeeds(session).feeds_since(SINCE)


def test_a_refused_page_token_restarts_the_reading(amazon: ScriptedAmazon, session: Session) -> None:
    page = {"numberOfResults": 2, "items": [{"sku": "A"}], "pagination": {"nextToken": "old"}}
    amazon.api = [answer(200, page), errors(400, "InvalidInput", "pageToken is not valid.")]
    with pytest.raises(PageTokenRefusedError):
        AmazonListings(session).listings(US)


def test_an_empty_second_page_with_503_does_not_end_the_reading(amazon: ScriptedAmazon, session: Session) -> None:
    page = {"numberOfResults": 2, "items": [{"sku": "A"}], "pagination": {"nextToken": "2"}}
    amazon.api = [answer(200, page), answer(503), answer(200, {"numberOfResults": 2, "items": [{"sku": "B"}]})]
    assert list(AmazonListings(session).listings(US).frame["seller_sku"]) == ["A", "B"]


DOCUMENT_FAULTS: dict[str, Answer] = {
    "an empty 503": answer(503),
    "a 500 of the store": answer(500, "<Error><Code>InternalError</Code></Error>"),
    "a 408": answer(408),
    "a 429": answer(429),
    "a redirect": answer(302, HTML, location="https://login.example.com/"),
    "a dropped connection": DROPPED,
}


def test_an_upload_is_retried_and_a_persistent_fault_is_retriable(amazon: ScriptedAmazon, session: Session) -> None:
    amazon.api = [answer(201, {"feedDocumentId": "1", "url": f"{amazon.endpoint}/documents/1?Signature=secret"})]
    for kind, fault in DOCUMENT_FAULTS.items():
        amazon.documents, amazon.requests = [fault], []
        with pytest.raises(AmazonUnavailableError, match=r"^the upload of 1 quantities ") as caught:
            AmazonFeeds(session).upload([("A", 1)])
        assert len(amazon.arrived("/documents/1")) == ATTEMPTS, kind
        assert "secret" not in f"{caught.value.message} {caught.value.remedy}", kind
        amazon.documents = [fault, answer(200)]
        assert AmazonFeeds(session).upload([("A", 1)]) == "1", kind
    (upload, *_) = amazon.arrived("/documents/1")
    assert "x-amz-access-token" not in upload.headers
    assert upload.headers["content-type"] == "application/json; charset=UTF-8"


def test_an_expired_address_is_requested_again_a_few_times(amazon: ScriptedAmazon, session: Session) -> None:
    amazon.api = [
        answer(201, {"feedDocumentId": "old", "url": f"{amazon.endpoint}/documents/old"}),
        answer(201, {"feedDocumentId": "new", "url": f"{amazon.endpoint}/documents/new"}),
    ]
    amazon.documents = [answer(403, "<Error><Code>AccessDenied</Code></Error>"), answer(200)]
    assert AmazonFeeds(session).upload([("A", 1)]) == "new"
    amazon.documents, amazon.requests = [answer(403)], []
    with pytest.raises(RetriableError, match="HTTP 403 from the document's address"):
        AmazonFeeds(session).upload([("A", 1)])
    assert len(amazon.arrived("/documents/new")) == ADDRESSES
    amazon.documents = [answer(400, "<Error/>")]
    with pytest.raises(FatalError, match="HTTP 400 from the document's address"):
        AmazonFeeds(session).upload([("A", 1)])


def test_a_report_is_downloaded_whole_or_not_at_all(amazon: ScriptedAmazon, session: Session) -> None:
    described = {"url": f"{amazon.endpoint}/documents/1", "compressionAlgorithm": "GZIP"}
    packed = gzip.compress(json.dumps(REPORT).encode())
    broken: dict[str, Answer] = {
        "cut short on the way": answer(200, packed)[:-5],
        "cut short at the store": answer(200, packed[:-5]),
        "not compressed": answer(200, json.dumps(REPORT)),
        "empty": answer(200),
        "no report": answer(200, gzip.compress(b"{}")),
        "a page": answer(200, gzip.compress(HTML.encode())),
    }
    for kind, fault in (DOCUMENT_FAULTS | broken).items():
        amazon.api, amazon.documents = [answer(200, described)], [fault]
        with pytest.raises(AmazonUnavailableError, match=r"^getFeedDocument 1 for the connection us"):
            AmazonFeeds(session).report("1")
        if kind not in {"no report", "a page"}:
            amazon.documents = [fault, answer(200, packed)]
            assert AmazonFeeds(session).report("1").accepted == 1, kind
    amazon.api = [answer(200, described | {"compressionAlgorithm": "ZSTD"})]
    with pytest.raises(AmazonUnavailableError, match="compressed it with ZSTD"):
        AmazonFeeds(session).report("1")


@pytest.mark.parametrize("status", ["CANCELLED", "FATAL", "SOMETHING_NEW"])
def test_a_report_that_ends_badly_is_retriable(amazon: ScriptedAmazon, session: Session, status: str) -> None:
    amazon.api = [ORDERED, answer(200, {"processingStatus": "IN_QUEUE"}), answer(200, {"processingStatus": status})]
    with pytest.raises(RetriableError, match=f"the report GET_MERCHANT_LISTINGS_ALL_DATA .* ended as {status}"):
        read_listings_report(session, US)


def test_a_report_that_is_never_done_is_given_up_after_twenty_minutes(amazon: ScriptedAmazon, tmp_path: Path) -> None:
    amazon.api = [ORDERED, answer(200, {"processingStatus": "IN_PROGRESS"})]
    clock = Clock()
    with adapter(amazon.endpoint, tmp_path, clock) as orders, pytest.raises(RetriableError, match="still IN_PROGRESS"):
        read_listings_report(orders._session, US)
    assert 19 * 60 <= sum(clock.waits) <= 21 * 60
    assert max(clock.waits) == 30

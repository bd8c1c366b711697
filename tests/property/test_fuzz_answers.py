"""Whatever Amazon answers: it is read, or refused with an error of ours; never another exception."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.amazon import feeds, listings, reports, sellers, transport
from mfn.amazon.answers import UNREADABLE, summary_of
from mfn.amazon.bounded import unpacked
from mfn.amazon.documents import Created, Described, Document
from mfn.amazon.failures import checked, decoded
from mfn.amazon.feed_reports import report_of
from mfn.amazon.listing_items import Item, ItemPage, frame_of
from mfn.amazon.listings_report import listings_in
from mfn.amazon.order_pages import SearchPage
from mfn.amazon.orders import decode_order
from mfn.amazon.packages import read_packages
from mfn.amazon.repaired_json import MOST_DEPTH, repaired
from mfn.errors import DataError, MfnError
from mfn.ledger.arrivals import read_arrival
from mfn.rules.addresses import check_addresses
from mfn.rules.frames import address_frame, line_frame, order_frame
from mfn.rules.settling import settle
from tests.property.fuzzing import many, mutated, mutated_bytes, outcome, texts
from tests.unit.answered import answer
from tests.world import an_item, an_order, cancellation

if TYPE_CHECKING:
    import pandas as pd

US = "ATVPDKIKX0DER"
TIME = "2026-11-29T10:00:00Z"
PACKAGE = {
    "packageReferenceId": "1",
    "createdTime": TIME,
    "packageStatus": {"status": "SHIPPED"},
    "carrier": "UPS",
    "shipTime": TIME,
    "shippingService": "Ground",
    "trackingNumber": "1Z999AA10123456784",
    "packageItems": [{"orderItemId": "1", "quantity": 1}],
}
ORDER = an_order(an_item(cancellation=cancellation()), an_item(2), packages=[PACKAGE], programs=["PRIME"])
PAGE = {"orders": [ORDER, an_order()], "pagination": {"nextToken": "x"}, "lastUpdatedBefore": TIME}
LISTING = {
    "sku": "MUG",
    "summaries": [{"asin": "B0", "itemName": "Mug", "fnSku": "X"}],
    "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 5}],
}
FEED = {
    "feedId": "1", "processingStatus": "DONE", "createdTime": TIME, "marketplaceIds": [US],
    "resultFeedDocumentId": "2", "feedType": "JSON_LISTINGS_FEED",
}  # fmt: skip
FEED_REPORT = {
    "issues": [{"severity": "ERROR", "message": "no", "messageId": 1, "code": "8541"}],
    "summary": {"messagesProcessed": 1, "messagesAccepted": 0, "messagesInvalid": 1},
}
ANSWERS: dict[str, tuple[Any, Any]] = {
    "searchOrders": (SearchPage, PAGE),
    "searchListingsItems": (ItemPage, {"numberOfResults": 1, "items": [LISTING], "pagination": {"nextToken": "x"}}),
    "getListingsItem": (Item, LISTING),
    "patchListingsItem": (listings._Submission, {"status": "ACCEPTED", "issues": [{"code": "1", "message": "x"}]}),
    "createFeed": (feeds._Feed, FEED),
    "getFeeds": (feeds._Feeds, {"feeds": [FEED], "nextToken": "x"}),
    "createFeedDocument": (Created, {"feedDocumentId": "1", "url": "https://example.com/"}),
    "getReportDocument": (Described, {"url": "https://example.com/", "compressionAlgorithm": "GZIP"}),
    "getReport": (reports._Report, {"processingStatus": "DONE", "reportDocumentId": "1"}),
    "getMarketplaceParticipations": (
        sellers._Participations,
        {
            "payload": [
                {
                    "marketplace": {"id": US, "name": "Amazon.com"},
                    "participation": {"isParticipating": True, "hasSuspendedListings": False},
                }
            ]
        },
    ),
    "login": (transport._Grant, {"access_token": "Atza|x", "expires_in": 3600}),
}
REPORT = (
    "seller-sku\tasin1\titem-name\tquantity\tfulfillment-channel\n"
    "MUG\tB0\tMug\t5\tDEFAULT\nPLATE\tB1\tPlate\t\tAMAZON_NA"
)


def _frames(raw: bytes) -> pd.DataFrame:
    """What a run makes of an order before it is checked."""
    orders = [decode_order(raw)]
    frame, addresses = order_frame(orders), address_frame(orders)
    line_frame(orders)
    check_addresses(addresses)
    settle(frame, marketplace_ids=[US], not_before=None, in_warehouse=frozenset(), dismissed=[])
    return frame


@many(80)
@given(raw=mutated_bytes(ORDER))
def test_an_order_is_read_or_held(raw: bytes) -> None:
    arrival = read_arrival(raw)
    assert 0 < len(arrival.order_id) <= 64
    assert arrival.order_id.isprintable()
    frame, refusal = outcome(lambda: _frames(raw), DataError)
    assert len(refusal) < 400
    assert frame is None or frame["order_id"].tolist() == [arrival.order_id]
    with suppress(DataError):
        read_packages(raw)


@many(25)
@given(data=st.data())
def test_a_broken_order_does_not_affect_others_on_its_page(data: st.DataObject) -> None:
    strange = json.dumps(data.draw(mutated(ORDER))).encode()  # JSON, whatever is in it
    if b"NaN" in strange or b"Infinity" in strange:
        return
    whole = json.dumps(an_order()).encode()
    page = b'{"orders": [' + b", ".join((whole, strange, whole)) + b"]}"
    orders = [bytes(raw) for raw in decoded("searchOrders", answer(page), SearchPage).orders]
    assert (orders[0], orders[2], len(orders)) == (whole, whole, 3)


@pytest.mark.parametrize("operation", ANSWERS)
@many(40)
@given(data=st.data())
def test_an_answer_is_read_or_refused_in_our_words(operation: str, data: st.DataObject) -> None:
    kind, whole = ANSWERS[operation]
    content = data.draw(mutated_bytes(whole))
    found, refusal = outcome(lambda: decoded(operation, answer(content), kind))
    assert refusal.isprintable()
    assert len(refusal) < 600
    if isinstance(found, ItemPage):
        frame_of(found.items)


@many(40)
@given(content=mutated_bytes(FEED_REPORT))
def test_a_feed_report_is_read_or_refused(content: bytes) -> None:
    with suppress(*UNREADABLE):
        report_of(content)


@many(25)
@given(
    content=mutated_bytes({"errors": [{"code": "x", "message": "y", "details": "z"}]}) | st.binary(max_size=50),
    status=st.sampled_from((400, 401, 403, 404, 413, 429, 500, 503)),
    kind=texts.filter(lambda text: text.isascii() and text.isprintable()),
)
def test_a_refusal_is_reported_on_one_line(content: bytes, status: int, kind: str) -> None:
    response = answer(content, status, **{"content-type": kind, "x-amzn-RequestId": kind})
    assert summary_of(response).isprintable()
    with pytest.raises(MfnError) as caught:
        checked("searchOrders", "searchOrders", response)
    assert caught.value.message.isprintable()


@many(40)
@given(data=st.data(), charset=st.sampled_from(("", "utf-8", "cp1252", "no-such", "utf-7", "idna", "rot13", "base64")))
def test_a_listings_report_is_read_or_refused(data: st.DataObject, charset: str) -> None:
    text = REPORT
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = (
            text[:start]
            + data.draw(texts | st.sampled_from(("1e30", "-5", "1.5", "inf", "9" * 400, "\t" * 50)))
            + text[end:]
        )
    content = text.encode(errors="surrogatepass")
    with suppress(MfnError):
        frame = listings_in(Document(content, charset), US)
        assert frame["seller_sku"].is_unique


@many(40)
@given(content=st.binary(max_size=300), cut=st.integers(0, 40), flip=st.integers(0, 400), chunk=st.integers(1, 100))
def test_compressed_content_is_unpacked_or_refused(content: bytes, cut: int, flip: int, chunk: int) -> None:
    packed = bytearray(gzip.compress(content))
    if flip < len(packed):
        packed[flip] ^= 0x55
    broken = bytes(packed[: len(packed) - cut])
    with suppress(zlib.error, EOFError):
        out = b"".join(unpacked(broken[start : start + chunk] for start in range(0, len(broken), chunk)))
        assert out == content or flip < len(packed) or cut


@many(25)
@given(raw=mutated_bytes(PAGE))
def test_repairing_changes_nothing_that_could_be_read(raw: bytes) -> None:
    try:
        before = json.loads(raw)
        json.dumps(before, ensure_ascii=False).encode()  # fails where half a pair stands in it
        deepest = _depth(before)
    except (ValueError, RecursionError):
        repaired(raw)
        return
    if deepest <= MOST_DEPTH:
        assert json.loads(repaired(raw)) == json.loads(raw, parse_constant=lambda _name: None)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0

"""The seller's listings: read whole or by SKU, to the letter, and their quantities changed without harm to the rest."""

from __future__ import annotations

import json
import pickle
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError
from mfn.amazon.listings import AmazonListings
from mfn.amazon.marketplaces import BY_NAME
from mfn.amazon.refusals import ListingMissingError, ListingRefusedError
from mfn.errors import FatalError, RetriableError
from mfn.simulator.clock import Clock as AmazonClock
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.server import SimulatorServer
from tests.faults.adapter import Clock, adapter
from tests.faults.scripted_amazon import DROPPED, ScriptedAmazon, answer, errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.client import AmazonOrders

PLACE = BY_NAME["US"]
US = PLACE.marketplace_id
ITEMS = "/listings/2021-08-01/items/A2TESTSELLER"
ACCEPTED = answer(200, {"sku": "A", "status": "ACCEPTED", "submissionId": "1"})
ODD_SKUS = (
    "00123",
    "A/B",
    "A B",
    "A+B",
    "A%2FB",
    "A?B#C",
    "A&B=C",
    "A,B",
    "MUG-Ærø-日本",
    "Ends/",
    "100%",
    '"Q"',
    "a;b",
    "X" * 40,
)


@pytest.fixture
def amazon() -> LocalAmazon:
    """A seller in the United States whose patches are applied at once."""
    return LocalAmazon(seller_id="A2TESTSELLER", marketplaces=[PLACE], clock=AmazonClock(), speed=1e6)


@pytest.fixture
def orders(amazon: LocalAmazon, tmp_path: Path) -> Iterator[AmazonOrders]:
    with SimulatorServer(amazon) as server, adapter(server.endpoint, tmp_path, Clock()) as made:
        yield made


@pytest.fixture
def listings(orders: AmazonOrders) -> AmazonListings:
    return AmazonListings(orders._session)


@pytest.fixture
def scripted() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


@pytest.fixture
def listings_api(scripted: ScriptedAmazon, tmp_path: Path) -> Iterator[AmazonListings]:
    with adapter(scripted.endpoint, tmp_path, Clock()) as made:
        yield AmazonListings(made._session)


def add(amazon: LocalAmazon, *skus: str, **facts: Any) -> None:
    for sku in skus:
        amazon.listings.add(PLACE, sku, now=amazon.clock.now(), **facts)


def shown(listings: AmazonListings, *skus: str) -> dict[str, int]:
    frame = listings.listings_of(US, skus).frame
    return dict(zip(frame["seller_sku"], frame["quantity"], strict=True))


def page(*items: dict[str, Any]) -> bytes:
    return answer(200, {"numberOfResults": len(items), "items": list(items)})


def test_all_listings_are_read_page_by_page_whoever_fulfils_them(
    listings: AmazonListings, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    read = listings.listings(US)
    there = amazon.listings.within([US])
    assert set(read.frame["seller_sku"]) == {listing.sku for listing in there}
    assert len(read.frame) == len(there)
    assert orders.calls == {"searchListingsItems": -(-len(there) // 20)}
    assert read.asked_at < read.read_at
    row = read.frame.set_index("seller_sku").loc["KIT-DESK"]
    assert (row["asin"], row["title"], row["channel"], row["quantity"]) == (
        "B100000015",
        "Desk set: lamp and three notebooks",
        "DEFAULT",
        20,
    )
    assert dict(read.frame["channel"].value_counts()) == {"DEFAULT": len(there) - 6, "AMAZON_NA": 6}


def test_a_listing_that_changes_in_the_meantime_leaves_no_other_out(
    listings: AmazonListings, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    skus = [f"SKU-{number:03d}" for number in range(60)]
    add(amazon, *skus)
    turn = iter([sku for pair in zip(skus, skus[::-1], strict=True) for sku in pair])

    def change(operation: str, query: str, status: int) -> None:
        amazon.clock.move(seconds=1)
        listing = amazon.listings.find(US, next(turn))
        assert listing is not None
        listing.updated = amazon.clock.now()

    amazon.note = change  # type: ignore[method-assign] # a change between any two pages
    assert set(skus) <= set(listings.listings(US).frame["seller_sku"])
    assert set(orders.calls) == {"searchListingsItems"}


def test_more_listings_than_a_search_pages_through_come_from_a_report(
    listings: AmazonListings, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    add(amazon, *(f"SKU-{number:04d}" for number in range(1_000)), quantity=7)
    add(amazon, "NEVER-STOCKED", channel="")
    read = listings.listings(US)
    frame = read.frame.set_index("seller_sku")
    assert set(frame.index) == {listing.sku for listing in amazon.listings.within([US])}
    assert (frame.loc["SKU-0999", "quantity"], frame.loc["SKU-0999", "channel"]) == (7, "DEFAULT")
    assert set(frame["channel"]) == {"DEFAULT", "AMAZON_NA", "UNKNOWN"}
    assert frame.loc[frame["channel"] != "DEFAULT", "quantity"].isna().all()
    called = {"searchListingsItems": 1, "createReport": 1, "getReport": 1, "getReportDocument": 1}
    assert orders.calls == called


def test_a_search_that_ends_too_early_is_made_up_for_by_a_report(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    tsv = "seller-sku\tquantity\tfulfillment-channel\r\nA\t1\tDEFAULT\r\nB\t2\tDEFAULT\r\n"
    scripted.api = [
        answer(200, {"numberOfResults": 2, "items": [{"sku": "A"}]}),
        answer(202, {"reportId": "1"}),
        answer(200, {"processingStatus": "DONE", "reportDocumentId": "1"}),
        answer(200, {"url": f"{scripted.endpoint}/documents/1"}),
    ]
    scripted.documents = [answer(200, tsv)]
    assert list(listings_api.listings(US).frame["seller_sku"]) == ["A", "B"]
    ordered = json.loads(scripted.requests[2].body)
    assert ordered == {
        "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
        "marketplaceIds": [US],
        "reportOptions": {"preferredReportDocumentLocale": "en_US"},
    }


def test_an_empty_report_of_many_listings_is_not_trusted(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [
        answer(200, {"numberOfResults": 1_001, "items": [{"sku": f"SKU-{number}"} for number in range(1_001)]}),
        answer(202, {"reportId": "1"}),
        answer(200, {"processingStatus": "DONE", "reportDocumentId": "1"}),
        answer(200, {"url": f"{scripted.endpoint}/documents/1"}),
    ]
    scripted.documents = [answer(200, "seller-sku\tquantity\tfulfillment-channel\r\n")]
    with pytest.raises(RetriableError, match="is empty, but a search counts 1001"):
        listings_api.listings(US)


def test_as_many_listings_as_a_search_pages_through_are_searched(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [page(*({"sku": f"SKU-{number}"} for number in range(1_000)))]
    assert len(listings_api.listings(US).frame) == 1_000


def test_pages_of_some_skus_are_of_these_and_bring_no_other(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    first = {"numberOfResults": 2, "items": [{"sku": "A"}, {"sku": "a"}], "pagination": {"nextToken": "2"}}
    scripted.api = [answer(200, first), page({"sku": "B"}, {"sku": "C"})]
    assert list(listings_api.listings_of(US, ["A", "B"]).frame["seller_sku"]) == ["A", "B"]
    assert [request.query["identifiers"] for request in scripted.arrived(ITEMS)] == ["A,B", "A,B"]


def test_a_seller_without_listings_has_none(listings_api: AmazonListings, scripted: ScriptedAmazon) -> None:
    scripted.api = [page()]
    frame = listings_api.listings(US).frame
    assert frame.empty
    assert list(frame.columns) == ["seller_sku", "asin", "title", "channel", "quantity"]
    assert str(frame["quantity"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("item", "channel", "quantity"),
    [
        ({"fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]}, "DEFAULT", 3),
        ({"fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT"}]}, "DEFAULT", None),
        ({"fulfillmentAvailability": [{"fulfillmentChannelCode": "AMAZON_EU", "quantity": 9}]}, "AMAZON_EU", None),
        (
            {
                "fulfillmentAvailability": [
                    {"fulfillmentChannelCode": "DEFAULT", "quantity": 3},
                    {"fulfillmentChannelCode": "AMAZON_NA"},
                ]
            },
            "AMAZON_NA,DEFAULT",
            3,
        ),
        (
            {
                "fulfillmentAvailability": [
                    {"quantity": 8},
                    {"fulfillmentChannelCode": "DEFAULT", "quantity": 2**31 - 1},
                ]
            },
            "DEFAULT",
            2**31 - 1,
        ),
        ({"fulfillmentAvailability": [], "summaries": []}, "DEFAULT", None),
        ({"fulfillmentAvailability": [], "summaries": [{"fnSku": "X000000001"}]}, "UNKNOWN", None),
        ({"summaries": [{"asin": "B000000001"}]}, "UNKNOWN", None),
    ],
)
def test_listings_are_distinguished_by_who_fulfils_them(
    listings_api: AmazonListings, scripted: ScriptedAmazon, item: dict[str, Any], channel: str, quantity: int | None
) -> None:
    scripted.api = [page({"sku": "A"} | item)]
    (row,) = listings_api.listings_of(US, ["A"]).frame.itertuples()
    assert row.channel == channel
    assert (
        row.quantity == quantity
        if quantity is not None
        else row.quantity is not row.quantity or str(row.quantity) == "<NA>"
    )


@pytest.mark.parametrize("units", [10**30, 2**31, -1, 2.5, "7", [], True, None])
def test_an_odd_quantity_is_none_and_costs_no_other_listing(
    listings_api: AmazonListings, scripted: ScriptedAmazon, units: object
) -> None:
    odd = {"sku": "A", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": units}]}
    nameless = {"sku": "B", "fulfillmentAvailability": [{"fulfillmentChannelCode": None, "quantity": 1}]}
    good = {"sku": "C", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]}
    scripted.api = [page(odd, nameless, good)]
    found = listings_api.listings_of(US, ["A", "B", "C"]).frame
    assert found["quantity"].isna().tolist() == [True, True, False]
    assert found["channel"].tolist() == ["DEFAULT", "UNKNOWN", "DEFAULT"]


@pytest.mark.parametrize(
    "odd", [{}, "x", 5, [None], ["x"], [{}], [{"fulfillmentChannelCode": 5, "quantity": 1}]], ids=repr
)
def test_a_listing_of_which_amazon_says_something_odd_is_nobodys_to_push_and_costs_no_other(
    listings_api: AmazonListings, scripted: ScriptedAmazon, odd: object
) -> None:
    good = {"sku": "B", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 3}]}
    scripted.api = [page({"sku": "A", "fulfillmentAvailability": odd, "summaries": odd}, good | {"summaries": odd})]
    found = listings_api.listings_of(US, ["A", "B"]).frame
    assert found["channel"].tolist() == ["UNKNOWN", "DEFAULT"]
    assert found["quantity"].tolist()[1] == 3


@pytest.mark.parametrize(
    "issues", [{}, "x", [None], [{"code": 5, "message": None}], [{"severity": "WARNING"}]], ids=repr
)
def test_a_level_that_amazon_took_is_taken_whatever_it_says_besides(
    listings_api: AmazonListings, scripted: ScriptedAmazon, issues: object
) -> None:
    scripted.api = [answer(200, {"sku": "A", "status": status, "issues": issues}) for status in ("ACCEPTED", "INVALID")]
    listings_api.patch_quantity(US, "A", 3)
    with pytest.raises(ListingRefusedError, match="INVALID"):
        listings_api.patch_quantity(US, "A", 3)


def test_listings_of_some_skus_are_asked_for_by_twenty(
    listings: AmazonListings, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    skus = [f"SKU-{number:03d}" for number in range(45)]
    add(amazon, *skus)
    assert set(shown(listings, *skus, "NOT-LISTED", skus[0])) == set(skus)
    assert orders.calls == {"searchListingsItems": 3}


def test_every_sku_is_found_to_the_letter(listings: AmazonListings, amazon: LocalAmazon) -> None:
    add(amazon, *ODD_SKUS)
    add(amazon, "A", "B", "123", quantity=99)
    assert shown(listings, *ODD_SKUS) == dict.fromkeys(ODD_SKUS, 20)
    assert shown(listings, "A-B", "a b", "0123") == {}


def test_what_cannot_be_a_sku_at_amazon_costs_no_call(listings: AmazonListings, orders: AmazonOrders) -> None:
    assert shown(listings, "", "   ", "X" * 41, "A\nB") == {}
    assert not orders.calls


@pytest.mark.parametrize("sku", ["", "..", "X" * 41, "A\nB"])
def test_no_quantity_is_sent_for_what_cannot_be_a_sku_at_amazon(
    listings_api: AmazonListings, scripted: ScriptedAmazon, sku: str
) -> None:
    with pytest.raises(ListingMissingError, match="Amazon cannot list such a SKU"):
        listings_api.patch_quantity(US, sku, 1)
    assert not scripted.requests


def test_a_sku_that_amazon_answers_with_another_one_is_not_listed(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [answer(200, {"sku": "A"}), answer(200, {"sku": "C,D"})]
    read = listings_api.listings_of(US, ["A,B", "C,D"])
    assert (list(read.frame["seller_sku"]), read.unanswered) == (["C,D"], {})


def test_a_sku_that_amazon_has_listed_is_asked_for_alone_before_it_counts_as_gone(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    for are_known in (False, True):
        scripted.api = [page({"sku": "A"}), answer(200, {"sku": "B"})]
        assert len(listings_api.listings_of(US, ["A", "B"], are_known=are_known).frame) == 1 + are_known
    assert [len(scripted.arrived(f"{ITEMS}/{sku}")) for sku in ("A", "B")] == [0, 1]


def test_a_sku_that_is_asked_for_alone_is_not_listed_only_where_amazon_says_so(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [errors(404, "NOT_FOUND", "SKU 'A,B' not found in marketplace.")]
    assert listings_api.listings_of(US, ["A,B"]).frame.empty
    scripted.api = [answer(404)]
    read = listings_api.listings_of(US, ["A,B"])
    assert read.frame.empty
    assert "HTTP 404" in str(read.unanswered["A,B"])
    scripted.api = [answer(404)] * 3
    with pytest.raises(FatalError, match="HTTP 404"):
        listings_api.listings_of(US, ["A,B", "C,D", "E,F", "G,H"])


def test_exactly_a_merged_quantity_of_our_own_channel_is_sent(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [ACCEPTED]
    listings_api.patch_quantity(US, "A", 7)
    (request,) = scripted.arrived(f"{ITEMS}/A")
    assert json.loads(request.body) == {
        "productType": "PRODUCT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}],
            }
        ],
    }
    assert request.query == {"marketplaceIds": US}


@pytest.mark.parametrize("sku", ODD_SKUS)
def test_every_sku_is_one_part_of_the_path(listings_api: AmazonListings, scripted: ScriptedAmazon, sku: str) -> None:
    scripted.api = [ACCEPTED]
    listings_api.patch_quantity(US, sku, 1)
    path = scripted.requests[-1].path
    assert path.count("/") == ITEMS.count("/") + 1
    assert unquote(path.rpartition("/")[2]) == sku


def test_a_quantity_is_changed_and_the_handling_time_stays(listings: AmazonListings, amazon: LocalAmazon) -> None:
    add(amazon, *ODD_SKUS)
    levels = [(sku, number) for number, sku in enumerate(ODD_SKUS)]
    assert list(listings.patch_quantities(US, levels)) == [None] * len(levels)
    assert shown(listings, *ODD_SKUS) == dict(levels)
    listing = amazon.listings.find(US, "A/B")
    assert listing is not None
    assert listing.attributes["fulfillment_availability"][0]["lead_time_to_ship_max_days"] == 2


def test_a_refused_quantity_keeps_amazons_words_and_stops_no_other(
    listings: AmazonListings, amazon: LocalAmazon, orders: AmazonOrders
) -> None:
    amazon.faults.refused_skus["KIT-DESK"] = "The value is not allowed for this brand."
    answers = list(listings.patch_quantities(US, [("KIT-NEW", 1), ("KIT-DESK", 2), ("KIT-TEATIME", 3)]))
    assert [type(refusal) for refusal in answers] == [type(None), ListingRefusedError, type(None)]
    refusal = answers[1]
    assert isinstance(refusal, ListingRefusedError)
    assert [str(words) for words in refusal.words] == ["4000001: The value is not allowed for this brand."]
    assert "patchListingsItem KIT-DESK" in refusal.message
    assert "INVALID, 4000001: The value is not allowed for this brand." in refusal.message
    assert orders.calls["patchListingsItem"] == 3


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (errors(400, "InvalidInput", "The SKU is wrong."), ListingRefusedError, "InvalidInput: The SKU is wrong"),
        (errors(413, "TooLarge", "Too large."), ListingRefusedError, "HTTP 413"),
        (errors(404, "NOT_FOUND", "SKU 'A' not found."), ListingMissingError, "NOT_FOUND"),
        (answer(200, {"status": "INVALID"}), ListingRefusedError, "INVALID, no reason given"),
        (answer(200, {"status": "VALID", "issues": []}), ListingRefusedError, "INVALID"),
        (DROPPED, AmazonUnavailableError, "no complete answer"),
        (answer(200, {"status": "PERHAPS"}), AmazonUnavailableError, "cannot be read"),
    ],
)
def test_what_one_sku_meets_is_its_own_answer(
    listings_api: AmazonListings, scripted: ScriptedAmazon, reply: bytes, kind: type[Exception], said: str
) -> None:
    scripted.api = [reply]
    (refusal,) = listings_api.patch_quantities(US, [("A", 1)])
    assert type(refusal) is kind
    assert said in str(refusal)


def test_an_accepted_quantity_with_a_warning_is_accepted(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    issue = {"code": "1", "message": "Think of it.", "severity": "WARNING", "categories": []}
    scripted.api = [answer(200, {"sku": "A", "status": "ACCEPTED", "submissionId": "1", "issues": [issue]})]
    assert list(listings_api.patch_quantities(US, [("A", 1)])) == [None]


def test_a_denied_access_is_the_skus_own_fault_only_where_the_sku_has_odd_signs(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [errors(403, "Unauthorized", "Access to requested resource is denied.")]
    (refusal,) = listings_api.patch_quantities(US, [("A/B", 1)])
    assert isinstance(refusal, ListingRefusedError)
    assert "Product Listing" in refusal.remedy
    (denied,) = listings_api.patch_quantities(US, [("A", 1)])
    assert isinstance(denied, CallRefusedError)
    with pytest.raises(CallRefusedError, match="A role is missing"):
        list(listings_api.patch_quantities(US, [(sku, 1) for sku in "ABC"]))
    scripted.api = [answer(403)]
    (denied,) = listings_api.patch_quantities(US, [("A/B", 1)])
    assert isinstance(denied, CallRefusedError)


@pytest.mark.parametrize("status", [408, 429, 500])
def test_a_sku_with_odd_signs_is_not_refused_by_an_amazon_that_has_no_time_for_it(
    listings_api: AmazonListings, scripted: ScriptedAmazon, status: int
) -> None:
    scripted.api = [errors(status, "Later", "Try again later.")]
    with pytest.raises(AmazonUnavailableError, match=f"HTTP {status}, Later"):
        listings_api.patch_quantity(US, "A/B", 1)


def test_an_amazon_that_is_down_is_not_asked_for_every_sku(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [answer(503)]
    with (
        pytest.raises(AmazonUnavailableError, match="HTTP 503"),
        closing(listings_api.patch_quantities(US, [(f"SKU-{number}", 1) for number in range(40)])) as answers,
    ):
        list(answers)
    assert len({request.path for request in scripted.requests}) <= 1 + 3 + 4


def test_who_stops_reading_sends_no_more(listings_api: AmazonListings, scripted: ScriptedAmazon) -> None:
    scripted.api = [ACCEPTED]
    with closing(listings_api.patch_quantities(US, [(f"SKU-{number}", 1) for number in range(40)])) as answers:
        assert next(answers) is None
    assert len(scripted.requests) <= 1 + 5


def test_a_refusal_survives_the_way_through_a_task_runner(
    listings_api: AmazonListings, scripted: ScriptedAmazon
) -> None:
    scripted.api = [errors(404, "NOT_FOUND", "SKU 'A' not found.")]
    (refusal,) = listings_api.patch_quantities(US, [("A", 1)])
    restored = pickle.loads(pickle.dumps(refusal))
    assert isinstance(refusal, ListingMissingError)
    assert (type(restored), restored.status, restored.words) == (ListingMissingError, 404, refusal.words)

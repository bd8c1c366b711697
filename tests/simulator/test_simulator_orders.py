"""Searching and reading orders by Amazon's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.marketplaces import BY_NAME
from tests.simulator.conftest import EVERYTHING, NOON, SEARCH

if TYPE_CHECKING:
    import httpx

    from mfn.simulator.local_amazon import LocalAmazon

SINCE = "2026-11-01T00:00:00Z"


def pages(caller: httpx.Client, **parameters: str) -> list[dict[str, Any]]:
    found = [caller.get(SEARCH, params=parameters).raise_for_status().json()]
    while "pagination" in found[-1]:
        token = found[-1]["pagination"]["nextToken"]
        found.append(caller.get(SEARCH, params=parameters | {"paginationToken": token}).raise_for_status().json())
    return found


def test_pages_contain_every_order_once_and_only_the_last_has_no_token(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    found = pages(caller, lastUpdatedAfter=SINCE)
    ids = [order["orderId"] for page in found for order in page["orders"]]
    assert [len(page["orders"]) for page in found] == [100, 100, 100]
    assert sorted(ids) == sorted(amazon.orders.ids())


def test_without_an_end_bound_the_bound_in_force_is_echoed_on_every_page(caller: httpx.Client) -> None:
    found = pages(caller, lastUpdatedAfter=SINCE)
    assert {page["lastUpdatedBefore"] for page in found} == {"2026-11-02T11:58:00Z"}
    assert {page["createdBefore"] for page in pages(caller, createdAfter=SINCE)} == {"2026-11-02T11:58:00Z"}


def test_a_given_end_bound_is_echoed_and_kept(caller: httpx.Client) -> None:
    (page, *rest) = pages(caller, lastUpdatedAfter=SINCE, lastUpdatedBefore="2026-11-02T01:00:00Z")
    assert page["lastUpdatedBefore"] == "2026-11-02T01:00:00Z"
    orders = [order for part in (page, *rest) for order in part["orders"]]
    assert 0 < len(orders) < 300
    assert max(order["lastUpdatedTime"] for order in orders) <= "2026-11-02T01:00:00Z"


def test_bounds_are_inclusive(caller: httpx.Client, amazon: LocalAmazon) -> None:
    order = amazon.orders.get(amazon.orders.ids()[0])
    at = order["lastUpdatedTime"]
    (page,) = pages(caller, lastUpdatedAfter=at, lastUpdatedBefore=at)
    assert order["orderId"] in [found["orderId"] for found in page["orders"]]


def test_an_order_that_changes_between_two_pages_pushes_no_other_off_them(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    first = caller.get(SEARCH, params={"lastUpdatedAfter": SINCE}).json()
    moved = amazon.orders.get(first["orders"][0]["orderId"])
    amazon.orders.put(moved | {"lastUpdatedTime": "2026-11-02T11:59:59Z"})
    token = first["pagination"]["nextToken"]
    second = caller.get(SEARCH, params={"lastUpdatedAfter": SINCE, "paginationToken": token}).json()
    third = caller.get(
        SEARCH, params={"lastUpdatedAfter": SINCE, "paginationToken": second["pagination"]["nextToken"]}
    ).json()
    ids = {order["orderId"] for page in (first, second, third) for order in page["orders"]}
    assert ids == set(amazon.orders.ids())


def test_filters_are_applied_together(caller: httpx.Client) -> None:
    found = pages(
        caller,
        lastUpdatedAfter=SINCE,
        fulfillmentStatuses="UNSHIPPED,PARTIALLY_SHIPPED",
        fulfilledBy="MERCHANT",
        marketplaceIds=BY_NAME["CA"].marketplace_id,
        includedData="FULFILLMENT",
    )
    orders = [order for page in found for order in page["orders"]]
    assert orders
    assert {order["fulfillment"]["fulfilledBy"] for order in orders} == {"MERCHANT"}
    assert {order["fulfillment"]["fulfillmentStatus"] for order in orders} == {"UNSHIPPED", "PARTIALLY_SHIPPED"}
    assert {order["salesChannel"]["marketplaceId"] for order in orders} == {BY_NAME["CA"].marketplace_id}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"createdAfter": SINCE, "lastUpdatedAfter": SINCE},
        {"createdAfter": SINCE, "lastUpdatedBefore": SINCE},
        {"lastUpdatedAfter": SINCE, "createdBefore": SINCE},
        {"lastUpdatedAfter": "yesterday"},
        {"lastUpdatedAfter": SINCE, "lastUpdatedBefore": "2026-10-31T00:00:00Z"},
        {"lastUpdatedAfter": SINCE, "lastUpdatedBefore": "2026-11-02T11:58:01Z"},
        {"lastUpdatedAfter": SINCE, "fulfillmentStatuses": "UNSHIPPED,Shipped"},
        {"lastUpdatedAfter": SINCE, "fulfilledBy": "MFN"},
        {"lastUpdatedAfter": SINCE, "includedData": "ITEMS"},
        {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "0"},
        {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "101"},
        {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "many"},
        {"lastUpdatedAfter": SINCE, "marketplaceIds": ",".join(["ATVPDKIKX0DER"] * 51)},
        {"lastUpdatedAfter": SINCE, "paginationToken": "no-token-at-all"},
    ],
)
def test_a_search_that_breaks_a_rule_is_refused(caller: httpx.Client, parameters: dict[str, str]) -> None:
    answer = caller.get(SEARCH, params=parameters)
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["InvalidInput"]


def test_an_end_bound_of_exactly_two_minutes_ago_is_accepted(caller: httpx.Client) -> None:
    answer = caller.get(SEARCH, params={"lastUpdatedAfter": SINCE, "lastUpdatedBefore": "2026-11-02T11:58:00Z"})
    assert answer.status_code == 200


def test_a_page_token_binds_all_parameters_but_page_size_and_data_sets(caller: httpx.Client) -> None:
    asked = {"lastUpdatedAfter": SINCE, "fulfilledBy": "MERCHANT", "maxResultsPerPage": "10"}
    token = caller.get(SEARCH, params=asked).json()["pagination"]["nextToken"]
    free = asked | {"paginationToken": token, "maxResultsPerPage": "20", "includedData": "BUYER"}
    assert len(caller.get(SEARCH, params=free).json()["orders"]) == 20
    for changed in ({"lastUpdatedAfter": "2026-11-01T00:00:01Z"}, {"fulfilledBy": "AMAZON"}, {"marketplaceIds": "X"}):
        assert caller.get(SEARCH, params=free | changed).status_code == 400


def test_a_page_token_lives_a_day(caller: httpx.Client, amazon: LocalAmazon) -> None:
    asked = {"lastUpdatedAfter": SINCE}
    token = caller.get(SEARCH, params=asked).json()["pagination"]["nextToken"]
    amazon.clock.move(hours=24)
    assert caller.get(SEARCH, params=asked | {"paginationToken": token}).status_code == 200
    amazon.clock.move(seconds=1)
    assert caller.get(SEARCH, params=asked | {"paginationToken": token}).status_code == 400


def test_a_data_set_is_returned_only_if_it_is_requested(caller: httpx.Client) -> None:
    kept = {"orderId", "createdTime", "lastUpdatedTime", "programs", "salesChannel", "orderItems", "associatedOrders"}
    orders = [order for page in pages(caller, lastUpdatedAfter=SINCE) for order in page["orders"]]
    assert set().union(*orders) <= kept
    assert {name for order in orders for item in order["orderItems"] for name in item} <= {
        "orderItemId",
        "quantityOrdered",
        "product",
        "programs",
    }
    for data, fields in {
        "BUYER": {"buyer"},
        "RECIPIENT": {"recipient"},
        "PACKAGES": {"packages"},
        "PROCEEDS": {"proceeds"},
        "FULFILLMENT": {"fulfillment"},
    }.items():
        found = pages(caller, lastUpdatedAfter=SINCE, includedData=data)
        assert set().union(*(order for page in found for order in page["orders"])) - kept == fields


def test_one_order_can_be_read_and_an_unknown_one_is_not_found(caller: httpx.Client, amazon: LocalAmazon) -> None:
    order_id = amazon.orders.ids()[5]
    answer = caller.get(f"{SEARCH}/{order_id}", params={"includedData": EVERYTHING})
    assert answer.json() == {"order": amazon.orders.get(order_id)}
    assert "buyer" not in caller.get(f"{SEARCH}/{order_id}").json()["order"]
    assert caller.get(f"{SEARCH}/111-0000000-0000000").status_code == 404


def test_an_order_left_out_of_a_search_is_found_by_id_and_a_removed_one_is_not(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    left_out, removed, *_ = amazon.orders.ids()
    amazon.orders.left_out["lastUpdated"].add(left_out)
    amazon.orders.remove(removed)
    by_change, by_creation = (
        {order["orderId"] for page in pages(caller, **{family: SINCE}) for order in page["orders"]}
        for family in ("lastUpdatedAfter", "createdAfter")
    )
    assert (left_out in by_change, left_out in by_creation) == (False, True)
    assert removed not in by_change | by_creation
    assert len(by_change) == len(by_creation) - 1 == 298
    assert [caller.get(f"{SEARCH}/{order_id}").status_code for order_id in (left_out, removed)] == [200, 404]


def test_without_the_role_no_order_has_a_recipient(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.without_recipients = True
    found = pages(caller, lastUpdatedAfter=SINCE, includedData="RECIPIENT,BUYER")
    assert not any("recipient" in order for page in found for order in page["orders"])


def test_an_order_is_pending_until_it_is_paid(caller: httpx.Client, amazon: LocalAmazon) -> None:
    asked = {"includedData": "FULFILLMENT,RECIPIENT"}
    pending = pages(caller, lastUpdatedAfter=SINCE, fulfillmentStatuses="PENDING", **asked)[0]["orders"]
    assert len(pending) == 9
    assert not any("recipient" in order for order in pending)
    amazon.clock.move(minutes=31)
    paid = caller.get(f"{SEARCH}/{pending[0]['orderId']}", params=asked).json()["order"]
    assert paid["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert paid["lastUpdatedTime"] == "2026-11-02T12:30:00Z"
    assert "recipient" in paid
    assert not pages(caller, lastUpdatedAfter=SINCE, fulfillmentStatuses="PENDING")[0]["orders"]


def test_a_checkout_lowers_the_quantity_at_once_and_its_order_is_pending(
    caller: httpx.Client, amazon: LocalAmazon
) -> None:
    place = BY_NAME["US"]
    listing = amazon.listings.find(place.marketplace_id, "KIT-DESK")
    assert listing is not None
    before = listing.quantity
    order_id = amazon.check_out(place, "KIT-DESK", units=2)
    assert listing.quantity == before - 2
    order = caller.get(f"{SEARCH}/{order_id}", params={"includedData": EVERYTHING}).json()["order"]
    assert order["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert order["createdTime"] == f"{NOON:%Y-%m-%dT%H:%M:%SZ}"
    amazon.clock.move(minutes=30)
    order = caller.get(f"{SEARCH}/{order_id}", params={"includedData": EVERYTHING}).json()["order"]
    assert order["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"

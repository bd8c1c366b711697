"""A connection that is set up, and what is wrong with its account, against a local Amazon."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from mfn.amazon.calling import ATTEMPTS
from mfn.amazon.marketplaces import BY_NAME
from mfn.ledger.passed_checks import has_passed
from mfn.ledger.schema import Base
from mfn.steps.checking.findings import STEPS
from tests.checking.conftest import said, statuses
from tests.world import SKUS, US, an_order

if TYPE_CHECKING:
    from tests.checking.conftest import Checked

US_PLACE, CA, MX = BY_NAME["US"], BY_NAME["CA"], BY_NAME["MX"]
WARNED = {"roles": "warning", "inventory": "warning"}
"""What a new connection is told whatever it does: no parcel was confirmed yet, and no level pushed."""

AMAZONS = ("shipping methods", "SKUs", "roles", "credentials and marketplaces", "order status and channel")


def test_a_connection_that_is_set_up_passes_and_the_pass_is_recorded(checked: Checked) -> None:
    assert not has_passed(checked.world.ledger, "us")
    steps = checked.run()
    assert tuple(steps) == STEPS
    assert statuses(steps) == WARNED
    assert all(step.remedy == "" for step in steps.values() if step.status == "ok")
    assert all(step.remedy for step in steps.values() if step.status != "ok")
    assert has_passed(checked.world.ledger, "us")
    assert "6 would be loaded, 0 held" in steps["order status and channel"].detail
    assert "5 of 5 seller SKUs" in steps["SKUs"].detail


def test_a_check_changes_nothing_but_the_rate_budget_and_its_two_records(checked: Checked) -> None:
    world = checked.world
    shown = [world.amazon.listings.find(US.marketplace_id, sku) for sku in SKUS]
    before = [listing.quantity for listing in shown if listing]
    tables = world.rows()
    checked.run()
    world.amazon.agenda.catch_up()
    assert [listing.quantity for listing in shown if listing] == before
    assert world.rows() == tables == []
    with world.ledger.reading() as database:
        filled = {
            name: count
            for name, table in Base.metadata.tables.items()
            if (count := database.execute(select(func.count()).select_from(table)).scalar_one())
        }
    assert set(filled) == {"encryption_key", "rate_budget", "passed_check", "seen_secret"}
    assert {call.operation for call in world.amazon.calls} == {
        "loginWithAmazon",
        "getMarketplaceParticipations",
        "searchOrders",
        "searchListingsItems",
        "getOrder",
        "getFeeds",
        "getReports",
        "patchListingsItem",
    }
    (patch,) = [call for call in world.amazon.calls if call.operation == "patchListingsItem"]
    assert "VALIDATION_PREVIEW" in patch.query
    assert [call.operation for call in world.amazon.calls].count("searchOrders") == 1


def test_a_check_after_work_counts_what_was_done(checked: Checked) -> None:
    checked.world.run()
    steps = checked.run()
    assert "6 already in the warehouse" in steps["order status and channel"].detail
    assert "2 of 2 methods on 7 orders are mapped" in steps["shipping methods"].detail


def test_every_missing_secret_is_named_and_the_steps_that_need_it_say_so(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SP_API_REFRESH_TOKEN", "LWA_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    steps = checked.run()
    account = steps["credentials and marketplaces"]
    assert account.status == "failed"
    assert "SP_API_REFRESH_TOKEN" in account.detail
    assert "LWA_CLIENT_SECRET" in account.detail
    assert "LWA_APP_ID" not in account.detail
    assert "\n" not in account.detail
    for name in ("SKUs", "roles", "order status and channel", "shipping methods", "Seller Fulfilled Prime"):
        assert "not checked, see credentials and marketplaces" in steps[name].detail, name
    assert steps["API access"].status == "ok"
    assert steps["carriers"].status == "ok"
    assert "5 SKUs" in steps["inventory"].detail
    assert not has_passed(checked.world.ledger, "us")


@pytest.mark.parametrize(
    ("error", "secret"),
    [
        ("invalid_grant", "SP_API_REFRESH_TOKEN"),
        ("invalid_client", "LWA_CLIENT_SECRET"),
        ("unauthorized_client", "LWA_APP_ID"),
    ],
)
def test_a_wrong_secret_is_reported_by_name(checked: Checked, error: str, secret: str) -> None:
    checked.world.amazon.faults.refuse_login(error, times=9)
    steps = checked.run()
    account = steps["credentials and marketplaces"]
    assert account.status == "failed"
    assert f"Replace {secret} of the connection us" in account.remedy
    assert "not checked, see credentials and marketplaces" in steps["roles"].detail


def test_a_marketplace_in_which_the_account_does_not_sell_fails(checked: Checked) -> None:
    checked.world.amazon.sells_in = (CA,)
    account = checked.run()["credentials and marketplaces"]
    assert account.status == "failed"
    assert "does not sell in US; it sells in CA" in account.detail
    assert "SI CA" not in account.detail


def test_an_unconfigured_marketplace_and_suspended_listings_are_warnings(checked: Checked) -> None:
    amazon = checked.world.amazon
    amazon.sells_in, amazon.suspended = (US_PLACE, CA, MX), {US.marketplace_id}
    steps = checked.run()
    account = steps["credentials and marketplaces"]
    assert account.status == "warning"
    assert "also sells in CA, MX" in account.detail
    assert "suspended in US" in account.detail
    assert has_passed(checked.world.ledger, "us")


def test_malformed_marketplaces_of_the_account_do_not_hide_the_configured_ones(checked: Checked) -> None:
    odd = [
        None,
        "CA",
        {},
        {"marketplace": {"id": 5}},
        {"marketplace": {"id": US.marketplace_id}, "participation": None},
    ]
    checked.world.amazon.faults.answer("getMarketplaceParticipations", 200, {"payload": odd})
    account = checked.run()["credentials and marketplaces"]
    assert account.status == "ok"
    assert "the account sells in US, as configured" in account.detail


def test_all_missing_roles_are_reported_together_with_what_they_are_for(checked: Checked) -> None:
    faults = checked.world.amazon.faults
    faults.without_recipients = True
    faults.denied = {"searchListingsItems", "getFeeds", "getReports", "patchListingsItem"}
    steps = checked.run()
    roles = steps["roles"]
    assert roles.status == "failed"
    assert "Direct-to-Consumer Delivery (Restricted), needed to see delivery addresses" in roles.detail
    assert "none of 6 due orders has a recipient" in roles.detail
    assert "Product Listing, needed to read listings and to push stock levels" in roles.detail
    assert "Amazon denies searchListingsItems, getFeeds, getReports" in roles.detail
    assert "orders can be read" in roles.detail
    assert "confirmShipment was not tried" in roles.detail
    assert "not checked, see roles" in steps["SKUs"].detail


def test_without_any_role_for_orders_both_are_missing(checked: Checked) -> None:
    checked.world.amazon.faults.denied = {"searchOrders", "getOrder"}
    steps = checked.run()
    assert "Inventory and Order Tracking, needed" in steps["roles"].detail
    assert "Direct-to-Consumer Delivery (Restricted), needed" in steps["roles"].detail
    assert "A role is missing" not in steps["roles"].detail  # the answer names another one for the first
    assert "not checked, see roles" in steps["order status and channel"].detail


def test_the_restricted_role_is_named_if_only_the_search_is_denied(checked: Checked) -> None:
    checked.world.amazon.faults.denied = {"searchOrders"}
    roles = checked.run()["roles"]
    assert roles.status == "failed"
    assert "Inventory and Order Tracking: orders can be read" in roles.detail
    assert "Direct-to-Consumer Delivery (Restricted), needed" in roles.detail
    assert "Tax Remittance (Restricted)" in roles.remedy


def test_a_denied_change_of_a_listing_is_found_without_changing_one(checked: Checked) -> None:
    checked.world.amazon.faults.denied = {"patchListingsItem"}
    steps = checked.run()
    assert "Amazon denies patchListingsItem" in steps["roles"].detail
    assert steps["SKUs"].status == "ok"


def test_one_due_order_without_a_recipient_does_not_prove_a_missing_role(checked: Checked) -> None:
    world = checked.world
    world.amazon.faults.without_recipients = True
    world.answer_page(world.amazon.orders.get(world.put(an_order())[0]) | {"recipient": None})
    roles = checked.run()["roles"]
    assert roles.status == "warning"
    assert "none of 1 due order has a recipient, which may be chance" in roles.detail


def test_an_account_whose_marketplaces_may_not_be_read_still_passes(checked: Checked) -> None:
    checked.world.amazon.faults.denied = {"getMarketplaceParticipations"}
    steps = checked.run()
    assert steps["credentials and marketplaces"].status == "warning"
    assert "Selling Partner Insights" in said(steps["credentials and marketplaces"])
    assert has_passed(checked.world.ledger, "us")


def test_a_dead_server_is_reported_once_and_the_other_steps_refer_to_it(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LWA_APP_ID")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{probe.getsockname()[1]}"
    world = checked.world
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(world.endpoint, dead), encoding="utf-8")
    steps = checked.run()
    assert dead in steps["API access"].detail
    assert "DNS, firewall, proxy" in steps["API access"].remedy
    for name in AMAZONS:
        assert "not checked, see API access" in steps[name].detail, name
    assert "(or LWA_APP_ID): is missing" in steps["credentials and marketplaces"].detail
    assert steps["carriers"].status == "ok"
    assert not world.amazon.calls


def test_both_hosts_are_named_if_neither_answers(checked: Checked) -> None:
    path, endpoint = checked.world.home / "connections.yaml", checked.world.endpoint
    with socket.socket() as one, socket.socket() as other:  # bound, and nobody listens
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        api, login = (f"http://127.0.0.1:{probe.getsockname()[1]}" for probe in (one, other))
        text = path.read_text(encoding="utf-8").replace(f"lwa_endpoint: {endpoint}", f"lwa_endpoint: {login}")
        path.write_text(text.replace(f"endpoint: {endpoint}", f"endpoint: {api}"), encoding="utf-8")
        access = checked.run()["API access"]
    assert [finding.status for finding in access.findings] == ["failed", "failed"]
    assert api in access.detail
    assert login in access.detail


def test_a_firewall_page_is_not_mistaken_for_a_missing_role(checked: Checked) -> None:
    faults = checked.world.amazon.faults
    for operation in ("searchOrders", "getOrder", "searchListingsItems", "getFeeds", "getReports"):
        faults.answer(operation, 403, "<html>Blocked</html>", media_type="text/html", times=9)
    steps = checked.run()
    assert "This is not an answer from Amazon's API" in steps["order status and channel"].detail
    assert "DNS, firewall, proxy" in steps["order status and channel"].remedy
    assert "authorize the application again" not in said(steps["roles"])


def test_skus_that_amazon_could_not_be_asked_about_are_not_called_unlisted(checked: Checked) -> None:
    checked.world.amazon.faults.answer("searchListingsItems", 503, times=ATTEMPTS)
    steps = checked.run()
    assert steps["SKUs"].status == "failed"
    assert "listing_missing" not in steps["inventory"].detail
    assert "listing_missing" in checked.run()["inventory"].detail


def test_orders_are_not_examined_if_no_searches_are_left(checked: Checked) -> None:
    amazon = checked.world.amazon
    amazon.faults.answer("searchOrders", 429, times=9)
    amazon.speed = 0.001
    steps = checked.run()
    assert steps["order status and channel"].status == "failed"
    assert "rate limit" in steps["order status and channel"].detail
    assert "run mfn check again" in steps["order status and channel"].remedy
    assert "0 of 20 searches for orders are left" in steps["API access"].detail


@pytest.mark.parametrize("has_run", [False, True])
def test_nothing_is_said_of_recipients_if_no_search_is_answered(checked: Checked, *, has_run: bool) -> None:
    if has_run:
        checked.world.run()
    checked.world.amazon.faults.answer("searchOrders", 500, times=99)
    roles = checked.run()["roles"]
    assert roles.status == "failed"
    assert "(Restricted): not checked, see order status and channel" in roles.detail
    assert "no order is due" not in said(roles)


def test_an_unanswered_operation_does_not_hide_the_others(checked: Checked) -> None:
    faults = checked.world.amazon.faults
    faults.answer("getReports", 500, times=9)
    faults.denied = {"getFeeds"}
    roles = checked.run()["roles"]
    assert roles.status == "failed"
    assert "getReports for the connection us: HTTP 500" in roles.detail
    assert "Amazon denies getFeeds" in roles.detail
    assert "6 of 6 due orders came with a recipient" in roles.detail
    assert "mfn rerun" not in roles.remedy


def test_a_seller_id_of_another_account_is_reported_as_such(checked: Checked) -> None:
    path = checked.world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("A2TESTSELLER001", "A2ANOTHER0001"), encoding="utf-8")
    skus = checked.run()["SKUs"]
    assert skus.status == "failed"
    assert "seller_id A2ANOTHER0001 is the account's merchant token" in skus.remedy

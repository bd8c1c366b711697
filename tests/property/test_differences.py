"""Differences between Amazon, the ledger and the warehouse: each has a remedy, and where all agree there is none."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.amazon.shown_orders import ShownOrder
from mfn.models import OrderStatus, ParcelStatus, Reason
from mfn.steps.reconciling.differences import difference, is_comparable
from mfn.steps.reconciling.facts import Facts, Known, Left, Terms, Written
from mfn.steps.reconciling.kinds import Kind
from tests.test_docs import parses

NOW = datetime(2026, 11, 29, 4, 20, tzinfo=UTC)
ID = "111-0000001-0000001"
TERMS = Terms("us", NOW, NOW - timedelta(minutes=20))
STATUSES = (
    "PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE",
    "SOMETHING_NEW", None,
)  # fmt: skip

moments = st.floats(0, 100).map(lambda hours: NOW - timedelta(hours=hours))
units = st.dictionaries(st.sampled_from(["1", "2"]), st.integers(0, 3), max_size=2)
shown_orders = st.builds(
    ShownOrder,
    st.just(ID),
    status=st.sampled_from(STATUSES),
    placed_at=st.none() | moments,
    changed_at=st.none() | moments,
    fulfilled_by=st.sampled_from(["MERCHANT", "AMAZON", None]),
    units=st.none() | units,
)
known_orders = st.builds(Known, st.sampled_from(OrderStatus), moments, shipped_before=units, promised=units)
written_orders = st.builds(
    Written, st.sampled_from(["new", "picking", "shipped", "cancelled", "", "packed"]), st.booleans(), units
)
parcels = st.builds(
    Left,
    st.just("P1"),
    st.none() | moments,
    st.none() | st.sampled_from(ParcelStatus),
    st.none() | moments,
    st.none() | moments,
    is_amazon_label=st.booleans(),
    is_given_up=st.booleans(),
    reasons=st.sampled_from([(), (Reason("tracking_missing", "it has none", "Correct it:\nmfn orders show X"),)]),
)
facts = st.builds(
    Facts,
    st.just(ID),
    st.just(NOW - timedelta(minutes=1)),
    st.none() | shown_orders,
    st.none() | known_orders,
    st.none() | written_orders,
    st.lists(parcels, max_size=2).map(tuple),
)


@given(facts)
def test_every_difference_has_a_remedy_whose_commands_can_be_typed(order: Facts) -> None:
    found = difference(order, TERMS)
    if found is None:
        return
    assert found.kind in Kind
    assert found.detail
    said, _, command = found.remedy.partition(":\n")
    assert said
    for part in filter(None, command.split(" && ")):
        words = shlex.split(part)
        assert words[0] == "mfn"
        assert parses(words[1:])


@given(facts, st.sampled_from([OrderStatus.DISMISSED, OrderStatus.IGNORED]))
def test_dismissed_and_ignored_orders_differ_only_if_the_warehouse_ships_them(
    order: Facts, status: OrderStatus
) -> None:
    stays = replace(order, known=Known(status, NOW - timedelta(hours=9)))
    is_at_work = order.written is not None and order.written.is_at_work and not order.parcels
    is_ours = order.shown is not None and order.shown.fulfilled_by != "AMAZON"
    assert (difference(stays, TERMS) is not None) == (is_at_work and is_ours)


@given(facts)
def test_only_orders_that_imports_have_seen_and_that_did_not_change_since_are_compared(order: Facts) -> None:
    comparable = is_comparable(order, TERMS)
    late = order.shown is not None and order.shown.changed_at is not None and order.shown.changed_at > NOW - BEFORE
    moved = order.known is not None and order.known.moved_at > order.asked_at
    sent_since = any(parcel.sent_at is not None and parcel.sent_at > order.asked_at for parcel in order.parcels)
    assert comparable == (not late and not moved and not sent_since)
    assert not is_comparable(order, Terms("us", NOW, None))


BEFORE = timedelta(minutes=20)


def test_an_id_is_quoted_and_never_runs_as_a_command() -> None:
    found = difference(Facts("1$(reboot)", NOW, ShownOrder("1$(reboot)", "UNSHIPPED")), TERMS)
    assert found is not None
    assert found.remedy.endswith("mfn import us --order '1$(reboot)'")


def shown(status: str) -> ShownOrder:
    return ShownOrder(ID, status, NOW - timedelta(days=1), NOW - timedelta(hours=9), "MERCHANT", units={"1": 2})


def stands(status: OrderStatus, **more: Any) -> Known:
    return Known(status, NOW - timedelta(hours=8), **more)


HAS = Written("new", units={"1": 2}, connection="us")
CONFIRMED = Left("P1", NOW - timedelta(hours=9), ParcelStatus.VERIFIED, sent_at=NOW - timedelta(hours=9))
LABEL = Left("P1", NOW - timedelta(hours=9), ParcelStatus.SKIPPED, is_amazon_label=True)


@pytest.mark.parametrize(
    ("at_amazon", "here", "written", "left"),
    [
        ("PENDING", OrderStatus.PENDING, None, ()),
        ("PENDING_AVAILABILITY", OrderStatus.PENDING, None, ()),
        ("UNSHIPPED", OrderStatus.HELD, None, ()),
        ("UNSHIPPED", OrderStatus.READY, None, ()),
        ("UNSHIPPED", OrderStatus.READY, HAS, ()),
        ("UNSHIPPED", OrderStatus.LOADED, HAS, ()),
        ("UNSHIPPED", OrderStatus.LOADED, Written("picking", units={"1": 2}, connection="us"), ()),
        ("PARTIALLY_SHIPPED", OrderStatus.PARTIALLY_SHIPPED, Written("picking", units={"1": 2}), (CONFIRMED,)),
        ("SHIPPED", OrderStatus.SHIPPED, Written("shipped", units={"1": 2}), (CONFIRMED,)),
        ("SHIPPED", OrderStatus.CONFIRMED, Written("shipped", units={"1": 2}), (CONFIRMED,)),
        ("SHIPPED", OrderStatus.SHIPPED, None, ()),
        ("SHIPPED", OrderStatus.SHIPPED, Written("shipped", units={"1": 2}), (LABEL,)),
        ("CANCELLED", OrderStatus.CANCELLED, None, ()),
        ("CANCELLED", OrderStatus.CANCELLED, Written("cancelled", units={"1": 2}), ()),
        ("CANCELLED", OrderStatus.CANCELLED, Written("picking", is_cancel_requested=True), ()),
        ("UNFULFILLABLE", OrderStatus.IGNORED, None, ()),
    ],
)
def test_there_is_no_difference_if_all_three_agree(
    at_amazon: str, here: OrderStatus, written: Written | None, left: tuple[Left, ...]
) -> None:
    order = Facts(ID, NOW - timedelta(minutes=1), shown(at_amazon), stands(here), written, left)
    assert is_comparable(order, TERMS)
    assert difference(order, TERMS) is None


WAITS_BY_INTENTION = {OrderStatus.HELD, OrderStatus.READY, OrderStatus.DISMISSED, OrderStatus.IGNORED}


@pytest.mark.parametrize("written", [None, "shipped", "cancelled"])
@pytest.mark.parametrize("here", [status for status in OrderStatus if status not in WAITS_BY_INTENTION])
def test_an_order_that_amazon_expects_and_nobody_will_ship_always_differs(
    here: OrderStatus, written: str | None
) -> None:
    there = Written(written, units={"1": 2}) if written and here != OrderStatus.CANCELLED else None
    order = Facts(ID, NOW - timedelta(minutes=1), shown("UNSHIPPED"), stands(here), there)
    assert difference(order, TERMS) is not None


LEFT_AT = NOW - timedelta(hours=9)
UNCONFIRMED = Left("P1", LEFT_AT, ParcelStatus.PENDING, LEFT_AT)
FRESH = replace(UNCONFIRMED, shipped_at=NOW - timedelta(minutes=10))
SENT = Left("P1", LEFT_AT, ParcelStatus.SENT, sent_at=LEFT_AT)
GIVEN_UP = replace(SENT, is_given_up=True)
UNDATED = replace(UNCONFIRMED, shipped_at=None)
SEEN_LATELY = replace(UNCONFIRMED, seen_at=NOW - timedelta(minutes=10))
HELD = replace(SEEN_LATELY, status=ParcelStatus.HELD, reasons=(Reason("tracking_missing", "it has none", "Add it."),))
PICKING = replace(HAS, status="picking")
STOPPED = replace(HAS, status="cancelled")
GONE = replace(HAS, status="shipped")

IMPORT, CONFIRM = f"mfn import us --order {ID}", "mfn confirm us"
DIFFERENCES: list[tuple[str | None, OrderStatus, Written | None, tuple[Left, ...], Kind, str]] = [
    # What a person has stopped in the warehouse an import would only stop once more.
    ("UNSHIPPED", OrderStatus.CANCELLED, STOPPED, (), Kind.STATUS_DIFFERS, "Cancel it in Seller Central, or reopen"),
    ("UNSHIPPED", OrderStatus.CANCELLED, None, (), Kind.STATUS_DIFFERS, IMPORT),
    ("UNSHIPPED", OrderStatus.CONFIRMED, GONE, (UNCONFIRMED,), Kind.SHIPMENT_NOT_CONFIRMED, CONFIRM),
    ("UNSHIPPED", OrderStatus.SHIPPED, GONE, (SENT,), Kind.STATUS_DIFFERS, CONFIRM),
    # Nobody sends again what was given up.
    ("UNSHIPPED", OrderStatus.SHIPPED, GONE, (GIVEN_UP,), Kind.STATUS_DIFFERS, "confirm there what Amazon does not"),
    ("UNSHIPPED", OrderStatus.PARTIALLY_SHIPPED, PICKING, (SENT,), Kind.STATUS_DIFFERS, CONFIRM),
    ("UNSHIPPED", OrderStatus.LOADED, GONE, (UNDATED,), Kind.SHIPMENT_NOT_CONFIRMED, CONFIRM),
    ("UNSHIPPED", OrderStatus.LOADED, GONE, (HELD,), Kind.SHIPMENT_NOT_CONFIRMED, "Add it."),
    ("UNSHIPPED", OrderStatus.LOADED, replace(HAS, units={"1": 2, "9": 1}), (), Kind.UNITS_DIFFER, IMPORT),
    (
        "PARTIALLY_SHIPPED",
        OrderStatus.PARTIALLY_SHIPPED,
        GONE,
        (CONFIRMED, SENT),
        Kind.STATUS_DIFFERS,
        "another parcel",
    ),
    ("UNSHIPPED", OrderStatus.PARTIALLY_SHIPPED, GONE, (LABEL,), Kind.STATUS_DIFFERS, "another parcel"),
    # Loaded again it would leave a second time.
    ("PARTIALLY_SHIPPED", OrderStatus.PARTIALLY_SHIPPED, None, (), Kind.MISSING_IN_WAREHOUSE, "confirm the rest of it"),
    ("SHIPPED", OrderStatus.CANCELLED, None, (), Kind.STATUS_DIFFERS, IMPORT),
    ("SHIPPED", OrderStatus.LOADED, None, (UNCONFIRMED,), Kind.SHIPPED_ON_AMAZON, "restore the row of wms_order"),
    ("SHIPPED", OrderStatus.LOADED, HAS, (), Kind.SHIPPED_ON_AMAZON, "before it ships a second time"),
    ("SHIPPED", OrderStatus.CONFIRMED, PICKING, (), Kind.SHIPPED_ON_AMAZON, "before it ships a second time"),
    ("SHIPPED", OrderStatus.PARTIALLY_SHIPPED, GONE, (CONFIRMED, LABEL), Kind.STATUS_DIFFERS, IMPORT),
    ("CANCELLED", OrderStatus.CONFIRMED, GONE, (CONFIRMED,), Kind.CANCELLED_ON_AMAZON, IMPORT),
    ("UNFULFILLABLE", OrderStatus.HELD, None, (), Kind.STATUS_DIFFERS, IMPORT),
    ("UNFULFILLABLE", OrderStatus.LOADED, PICKING, (), Kind.STATUS_DIFFERS, "cancel it in the warehouse"),
    (None, OrderStatus.HELD, None, (), Kind.MISSING_ON_AMAZON, "mfn orders dismiss"),
    (None, OrderStatus.LOADED, None, (), Kind.MISSING_ON_AMAZON, "mfn orders release"),
    (None, OrderStatus.LOADED, PICKING, (), Kind.MISSING_ON_AMAZON, "cancel it in the warehouse"),
    (None, OrderStatus.PARTIALLY_SHIPPED, None, (), Kind.MISSING_ON_AMAZON, "cancel it in the warehouse"),
]


@pytest.mark.parametrize("case", DIFFERENCES)
def test_each_difference_is_reported_by_its_kind_with_what_fixes_it(case: tuple[Any, ...]) -> None:
    at_amazon, here, written, left, kind, remedy = case
    found = difference(
        Facts(ID, NOW, None if at_amazon is None else shown(at_amazon), stands(here), written, left), TERMS
    )
    assert found is not None
    assert (found.kind, remedy in found.remedy) == (kind, True), found


@pytest.mark.parametrize(
    ("at_amazon", "here", "written", "left"),
    [
        ("UNSHIPPED", OrderStatus.LOADED, GONE, (SEEN_LATELY,)),
        ("UNSHIPPED", OrderStatus.LOADED, replace(GONE, units={"1": 1}), (replace(LABEL, status=None),)),
        ("UNSHIPPED", OrderStatus.LOADED, replace(HAS, skus={"MUG": 2}), ()),  # what is promised is not known
        ("PARTIALLY_SHIPPED", OrderStatus.LOADED, PICKING, ()),
        ("PARTIALLY_SHIPPED", OrderStatus.PARTIALLY_SHIPPED, HAS, (CONFIRMED,)),
        ("PARTIALLY_SHIPPED", OrderStatus.PARTIALLY_SHIPPED, GONE, (CONFIRMED, FRESH)),  # the rest is about to be told
        ("SHIPPED", OrderStatus.PARTIALLY_SHIPPED, GONE, ()),
        ("SHIPPED", OrderStatus.PARTIALLY_SHIPPED, PICKING, (CONFIRMED,)),
        ("SHIPPED", OrderStatus.LOADED, STOPPED, ()),
        ("SHIPPED", OrderStatus.LOADED, PICKING, ()),  # a label bought from Amazon: within the day
        ("SHIPPED", OrderStatus.LOADED, HAS, (FRESH,)),  # the next confirm run settles it
        ("SHIPPED", OrderStatus.LOADED, None, (CONFIRMED,)),
        ("SHIPPED", OrderStatus.PARTIALLY_SHIPPED, GONE, (CONFIRMED, SENT)),  # the next confirm runs ask for it
        ("SHIPPED", OrderStatus.CONFIRMED, PICKING, (CONFIRMED,)),
        ("SHIPPED", OrderStatus.CONFIRMED, replace(PICKING, is_cancel_requested=True), ()),
        ("CANCELLED", OrderStatus.CANCELLED, PICKING, (CONFIRMED,)),
        ("UNFULFILLABLE", OrderStatus.LOADED, STOPPED, ()),
        ("UNFULFILLABLE", OrderStatus.LOADED, GONE, ()),
        (None, OrderStatus.LOADED, STOPPED, ()),
        (None, OrderStatus.LOADED, GONE, ()),
        (None, OrderStatus.CONFIRMED, None, ()),
    ],
)
def test_whatever_resolves_itself_or_is_settled_is_not_a_difference(
    at_amazon: str | None, here: OrderStatus, written: Written | None, left: tuple[Left, ...]
) -> None:
    order = Facts(ID, NOW, None if at_amazon is None else shown(at_amazon), stands(here), written, left)
    assert difference(order, TERMS) is None


def test_what_is_about_to_be_shown_or_shipped_differs_only_once_it_is_late() -> None:
    lately = Facts(ID, NOW, shown("UNSHIPPED"), Known(OrderStatus.SHIPPED, NOW - timedelta(hours=1)), GONE, (SENT,))
    assert difference(lately, TERMS) is None
    assert difference(replace(lately, known=stands(OrderStatus.SHIPPED)), TERMS) is not None
    in_part = replace(lately, known=stands(OrderStatus.PARTIALLY_SHIPPED), written=PICKING)
    assert difference(replace(in_part, parcels=(replace(SENT, sent_at=NOW - timedelta(hours=1)),)), TERMS) is None
    short = replace(in_part, shown=shown("PARTIALLY_SHIPPED"), written=GONE)
    assert difference(short, TERMS) is not None
    sent_lately = Known(OrderStatus.PARTIALLY_SHIPPED, NOW - timedelta(hours=1))
    assert difference(replace(short, known=sent_lately), TERMS) is None
    tomorrow = Terms("us", NOW + timedelta(days=1), NOW)
    for written in (PICKING, GONE):
        labelled = Facts(ID, NOW, shown("SHIPPED"), stands(OrderStatus.LOADED), written)
        assert (difference(labelled, TERMS), difference(labelled, tomorrow) is not None) == (None, True)


def test_an_order_of_a_marketplace_differs_only_once_the_connection_has_that_marketplace() -> None:
    there = msgspec.structs.replace(shown("UNSHIPPED"), marketplace_id="M")
    order = Facts(ID, NOW, there, stands(OrderStatus.IGNORED, ignored_for="other_marketplace"))
    assert difference(order, TERMS) is None
    assert difference(order, replace(TERMS, marketplace_ids=frozenset({"M"}))) is not None

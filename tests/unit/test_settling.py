"""Which orders are due, and what becomes of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from mfn.models import OrderStatus, Outcome
from mfn.rules.settling import SETTLEMENTS, settle, settlement_reason

START = datetime(2026, 11, 2, tzinfo=UTC)
US, UK = "ATVPDKIKX0DER", "A1F83G8C2ARO7P"
EARLY = {"created_at": START - timedelta(seconds=1)}
ELSEWHERE = {"marketplace_id": UK}
AMAZON = {"fulfilled_by": "AMAZON"}
NOBODY = {"fulfilled_by": None}
CANCELLED = {"fulfillment_status": "CANCELLED"}
PENDING = {"fulfillment_status": "PENDING"}


def settled(*changes: dict[str, Any], start: datetime | None = START, **known: str) -> list[str]:
    """Why orders with these facts are not due; they are named A, B and so on.

    Args:
        changes: What each has another way than an order that is due.
        start: `orders.not_before`.
        known: `in_warehouse`, `dismissed`: letters.
    """
    due = {"created_at": START, "marketplace_id": US, "fulfilled_by": "MERCHANT", "fulfillment_status": "UNSHIPPED"}
    orders = pd.DataFrame([due | change for change in changes]).assign(order_id=list("ABCDEFG"[: len(changes)]))
    orders = orders.astype({"marketplace_id": "object", "fulfilled_by": "object"})
    found = settle(
        orders,
        marketplace_ids=[US],
        not_before=start,
        in_warehouse=known.get("in_warehouse", ""),
        dismissed=list(known.get("dismissed", "")),
    )
    return found.tolist()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({}, ""),
        ({"fulfillment_status": "PARTIALLY_SHIPPED"}, ""),
        ({"marketplace_id": None}, ""),
        (NOBODY, "channel_unknown"),
        ({"fulfilled_by": "SOMEBODY_ELSE"}, "channel_unknown"),
        (AMAZON, "not_merchant_fulfilled"),
        (ELSEWHERE, "other_marketplace"),
        (EARLY, "placed_before_start"),
        (CANCELLED, "cancelled"),
        (PENDING, "payment_pending"),
        ({"fulfillment_status": "PENDING_AVAILABILITY"}, "payment_pending"),
        ({"fulfillment_status": "SHIPPED"}, "already_shipped"),
        ({"fulfillment_status": "UNFULFILLABLE"}, "unfulfillable"),
        ({"fulfillment_status": "LOST_AT_SEA"}, "status_unknown"),
        ({"fulfillment_status": None}, "status_unknown"),
        (AMAZON | ELSEWHERE | EARLY | CANCELLED, "not_merchant_fulfilled"),
        (NOBODY | ELSEWHERE | EARLY | CANCELLED, "other_marketplace"),
        (NOBODY | CANCELLED, "cancelled"),
        (NOBODY | {"fulfillment_status": "LOST_AT_SEA"}, "channel_unknown"),
        (ELSEWHERE | EARLY | CANCELLED, "other_marketplace"),
        (EARLY | CANCELLED, "placed_before_start"),
    ],
)
def test_what_amazon_says_of_an_order_makes_it_due_or_says_why_not(order: dict[str, Any], code: str) -> None:
    assert settled({}, order, {}) == ["", code, ""]


def test_without_a_start_no_order_is_too_early() -> None:
    assert settled(EARLY, {}, start=None) == ["", ""]


def test_what_the_warehouse_has_is_settled_by_its_status_alone_wherever_and_whenever_it_was_placed() -> None:
    orders = (ELSEWHERE, EARLY, ELSEWHERE | EARLY | CANCELLED, EARLY)
    assert settled(*orders, in_warehouse="ABC") == ["", "", "cancelled", "placed_before_start"]


def test_what_a_person_dismissed_is_that_whatever_else_it_is() -> None:
    assert settled({}, NOBODY | CANCELLED, {}, dismissed="AB", in_warehouse="A") == ["dismissed", "dismissed", ""]


def test_only_orders_waiting_for_payment_stay_pending_and_undecidable_ones_are_held() -> None:
    by_status: dict[tuple[str, str], list[str]] = {}
    for code, settlement in SETTLEMENTS.items():
        by_status.setdefault((settlement.outcome, settlement.status), []).append(code)
    assert by_status[Outcome.IGNORED, OrderStatus.PENDING] == ["payment_pending"]
    assert by_status[Outcome.HELD, OrderStatus.HELD] == ["channel_unknown", "status_unknown"]
    assert by_status[Outcome.CANCELLED, OrderStatus.CANCELLED] == ["cancelled"]
    assert {code: settlement_reason(code).code for code in SETTLEMENTS} == {
        code: "invalid_payload" if code == "channel_unknown" else code for code in SETTLEMENTS
    }

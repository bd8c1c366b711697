"""What is said of orders whose text is gone, and which ignored ones keep their units."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfn.ledger.orders import reasons_text
from mfn.models import OrderStatus, Outcome
from mfn.rules.settling import settlement_reason
from mfn.steps.importing.judging import is_payment_pending, judge_without_text

IN_WAREHOUSE = (OrderStatus.LOADED, OrderStatus.PARTIALLY_SHIPPED, OrderStatus.SHIPPED, OrderStatus.CONFIRMED)


@pytest.mark.parametrize(
    ("status", "outcome", "moved"),
    [
        *((status, Outcome.UNCHANGED, None) for status in IN_WAREHOUSE),
        (OrderStatus.CANCELLED, Outcome.CANCELLED, None),
        (OrderStatus.DISMISSED, Outcome.IGNORED, None),
        (OrderStatus.IGNORED, Outcome.IGNORED, None),
        (OrderStatus.PENDING, Outcome.IGNORED, OrderStatus.IGNORED),
        (OrderStatus.HELD, Outcome.IGNORED, OrderStatus.IGNORED),
        (OrderStatus.READY, Outcome.IGNORED, OrderStatus.IGNORED),
        (None, Outcome.IGNORED, OrderStatus.IGNORED),
    ],
)
def test_an_order_without_text_keeps_its_status_unless_it_waits_for_something(
    status: OrderStatus | None, outcome: Outcome, moved: OrderStatus | None
) -> None:
    tracked: dict[str, Any] = {"A": SimpleNamespace(status=status)} if status else {}
    (judged,) = judge_without_text(["A"], tracked)
    reasons = (settlement_reason("data_removed"),) if outcome == Outcome.IGNORED else ()
    assert (judged.order_id, judged.outcome, judged.status, judged.reasons) == ("A", outcome, moved, reasons)
    assert not judged.is_due


def test_only_an_order_that_waits_for_its_payment_keeps_its_units_among_the_ignored() -> None:
    assert is_payment_pending(reasons_text([settlement_reason("dismissed"), settlement_reason("payment_pending")]))
    assert not is_payment_pending(reasons_text([settlement_reason("dismissed")]))
    assert not is_payment_pending(None)

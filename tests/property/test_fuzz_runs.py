"""Whole imports of orders that were tampered with: each ends in an outcome, and those beside them are loaded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from mfn.plain_text import shown_lines
from mfn.simulator.clock import amazon_time
from tests.property.fuzzing import many, mutated
from tests.world import an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.world import World

GOOD = 3


@st.composite
def pages(draw: st.DrawFn) -> list[Any]:
    """Orders of every kind that a run treats in a way of its own, tampered with."""
    kinds = (
        an_order(),
        an_order(an_item(1, "BREAKFAST"), an_item(2), programs=["PRIME"]),
        an_order(an_item(cancellation=cancellation())),
        an_order(status="CANCELLED"),
        an_order(status="PENDING"),
        an_order(an_item(units=3, shipped=1), status="PARTIALLY_SHIPPED"),
    )
    return [draw(mutated(order)) for order in kinds for _ in range(2)]


@many(3)
@given(strange=pages())
def test_good_orders_are_loaded_whatever_comes_with_them(world: World, strange: list[Any]) -> None:
    world.start_over() if (world.home / ".mfn").exists() else None
    good = [an_order() for _ in range(GOOD)]
    texts = [json.dumps(order) for order in (good[0], *strange, *good[1:])]
    texts = [text for text in texts if "NaN" not in text and "Infinity" not in text]  # which is no JSON
    end = amazon_time(datetime.now(UTC) - timedelta(minutes=3))
    body = f'{{"orders": [{", ".join(texts)}], "lastUpdatedBefore": "{end}"}}'
    world.amazon.faults.answer("searchOrders", 200, body)

    summary = world.run()  # which holds the sum to what was fetched

    statuses = world.statuses()
    assert summary["fetched"] == len(statuses)
    assert {statuses[order["orderId"]] for order in good} == {"loaded"}
    loaded = {order_id for order_id, status in statuses.items() if status == "loaded"}
    assert {row["order_number"] for row in world.rows()} == loaded
    for order_id in statuses:
        for detail in world.details(order_id):
            assert shown_lines(detail) == detail

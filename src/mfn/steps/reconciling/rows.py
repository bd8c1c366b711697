"""What is wrong with the warehouse's row of an order; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.ledger.orders import GIVEN
from mfn.models import OrderStatus
from mfn.steps.reconciling.kinds import Difference, Kind
from mfn.steps.reconciling.remedies import write_again
from mfn.warehouse.order_states import NEW, SHIPPED, STATES

if TYPE_CHECKING:
    from mfn.steps.reconciling.facts import Facts, Terms

SHOWN_ITEMS = 5

NOT_GIVEN = frozenset({OrderStatus.PENDING, OrderStatus.HELD, OrderStatus.DISMISSED, OrderStatus.IGNORED})
"""Statuses of orders that the warehouse must not ship; a `ready` one it may have from a run that died."""


def misplaced(order: Facts, terms: Terms) -> Difference | None:
    """The warehouse will ship what it should not, or has the order where nobody finds it."""
    known, written = order.status, order.written
    if written is None or not written.is_at_work or order.parcels:
        return None
    if known in NOT_GIVEN:
        by_hand = "Cancel it in the warehouse, which is about to ship it."
        return Difference(Kind.STATUS_DIFFERS, f"{known} here{order.in_warehouse}", by_hand)
    if known not in GIVEN:
        return None
    if written.status not in STATES:
        by_hand = f"Correct wms_order.status: {', '.join(STATES)}."
        return Difference(Kind.STATUS_DIFFERS, f"{known} here{order.in_warehouse}", by_hand)
    if written.connection != terms.connection:
        what = f"{known} here, but under connection {written.connection or '(none)'} in the warehouse"
        return Difference(Kind.STATUS_DIFFERS, what, write_again(order, terms, "Correct wms_order.connection."))
    return None


def other_units(order: Facts, terms: Terms) -> Difference | None:
    """The warehouse would ship a number of units that Amazon does not have, or SKUs that it was not given."""
    shown, known, written = order.shown, order.known, order.written
    if shown is None or known is None or written is None or shown.units is None or written.status == SHIPPED:
        return None
    wanted = {item: max(units - known.shipped_before.get(item, 0), 0) for item, units in shown.units.items()}
    items = sorted({*wanted, *written.units})
    wrong = [item for item in items if wanted.get(item, 0) != written.units.get(item, 0)]
    differing = [
        f"{wanted.get(item, 0)} of item {item} at Amazon, {written.units.get(item, 0)} in the warehouse"
        for item in wrong[:SHOWN_ITEMS]
    ]
    if not wrong and written.status == NEW and known.promised and known.promised != written.skus:
        skus = sorted({*known.promised, *written.skus})
        other = [sku for sku in skus if known.promised.get(sku, 0) != written.skus.get(sku, 0)]
        differing = [
            f"{known.promised.get(sku, 0)} of SKU {sku[:64]} loaded, {written.skus.get(sku, 0)} in the warehouse"
            for sku in other[:SHOWN_ITEMS]
        ]
    if not differing:
        return None
    by_hand = "Correct wms_order_line in the warehouse, or the order in Seller Central."
    return Difference(
        Kind.UNITS_DIFFER, f"{', '.join(differing)} ({written.status})", write_again(order, terms, by_hand)
    )

"""Which orders are due, and the outcome of the others; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mfn.amazon.orders import AMAZON, DUE, MERCHANT, PENDING
from mfn.models import OrderStatus, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from mfn.amazon.orders import Order

CANCELLED_BY = {"BUYER": " by the buyer", "MERCHANT": " by the seller", "AMAZON": " by Amazon itself"}
"""Who cancels an order (cancelledBy of orders_2026-01-01.json, 2026-07-29), in words."""

REASON_CODE = re.compile(r"[A-Z][A-Z_]{0,60}")
"""The form of Amazon's codes, of which the model has no list."""


@dataclass(frozen=True)
class Settlement:
    """The outcome of an order that is not due.

    Attributes:
        outcome: How the run counts it.
        status: The order's new status.
        detail: The reason, for people.
        remedy: What to do, or nothing.
    """

    outcome: Outcome
    status: OrderStatus
    detail: str
    remedy: str = ""


SETTLEMENTS: dict[str, Settlement] = {
    "cancelled": Settlement(Outcome.CANCELLED, OrderStatus.CANCELLED, "cancelled at Amazon"),
    "payment_pending": Settlement(
        Outcome.IGNORED, OrderStatus.PENDING, "Amazon has not cleared the payment yet; only its units are reserved"
    ),
    "already_shipped": Settlement(Outcome.IGNORED, OrderStatus.SHIPPED, "Amazon shows it as shipped"),
    "unfulfillable": Settlement(Outcome.IGNORED, OrderStatus.IGNORED, "Amazon shows it as unfulfillable"),
    "not_merchant_fulfilled": Settlement(Outcome.IGNORED, OrderStatus.IGNORED, "Amazon fulfils it"),
    "other_marketplace": Settlement(
        Outcome.IGNORED,
        OrderStatus.IGNORED,
        "its marketplace is not configured for this connection",
        "To ship its orders, add the marketplace to the connection in connections.yaml, then fetch the orders that"
        " Amazon already has: mfn import CONNECTION --since DATE.",
    ),
    "placed_before_start": Settlement(
        Outcome.IGNORED, OrderStatus.IGNORED, "placed before orders.not_before: the previous system ships it"
    ),
    "dismissed": Settlement(
        Outcome.IGNORED,
        OrderStatus.DISMISSED,
        "dismissed by hand",
        "To undo this: mfn orders release ORDER --why TEXT.",
    ),
    "data_removed": Settlement(
        Outcome.IGNORED,
        OrderStatus.IGNORED,
        "its buyer's data was removed, together with the order as Amazon sent it",
        "If you need it again, fetch it: mfn import CONNECTION --order ORDER. The next purge removes it again.",
    ),
    "channel_unknown": Settlement(
        Outcome.HELD,
        OrderStatus.HELD,
        f"$.fulfillment.fulfilledBy is neither {MERCHANT} nor {AMAZON}: it is unclear whether the seller ships it",
        "The order is read again from Amazon on every run; check it in Seller Central if it stays like this.",
    ),
    "status_unknown": Settlement(
        Outcome.HELD,
        OrderStatus.HELD,
        "this version of mfn does not know its fulfillmentStatus",
        "Check the order in Seller Central; a newer version of mfn may know the status.",
    ),
}
"""Every reason why an order is not due, by its code; `data_removed` is for one whose text is gone."""


def settle(
    orders: pd.DataFrame,
    *,
    marketplace_ids: Collection[str],
    not_before: datetime | None,
    in_warehouse: Collection[str],
    dismissed: Collection[str],
) -> pd.Series[str]:
    """Why each order is not due, as a key of `SETTLEMENTS`; an empty text for one that is.

    Args:
        orders: The order frame.
        marketplace_ids: The connection's marketplaces; an order without one passes.
        not_before: Orders placed earlier are left to the system before this one, unless they are in the warehouse
            already.
        in_warehouse: Order ids that the warehouse was given.
        dismissed: Order ids that a person dismissed.
    """
    status, loaded = orders["fulfillment_status"], orders["order_id"].isin(list(in_warehouse))
    early = orders["created_at"] < not_before if not_before else pd.Series(data=False, index=orders.index)
    elsewhere = orders["marketplace_id"].notna() & ~orders["marketplace_id"].isin(list(marketplace_ids))
    cases = {
        "dismissed": orders["order_id"].isin(list(dismissed)),
        "not_merchant_fulfilled": orders["fulfilled_by"] == AMAZON,
        "other_marketplace": elsewhere & ~loaded,
        "placed_before_start": early & ~loaded,
        "cancelled": status == "CANCELLED",
        "payment_pending": status.isin(PENDING),
        "already_shipped": status == "SHIPPED",
        "unfulfillable": status == "UNFULFILLABLE",
        "channel_unknown": orders["fulfilled_by"] != MERCHANT,
        "status_unknown": ~status.isin(DUE),
    }
    chosen = np.select([case.to_numpy(dtype=bool) for case in cases.values()], list(cases), default="")
    return pd.Series(chosen, index=orders.index, dtype="object")


def settlement_reason(code: str) -> Reason:
    """A settlement as the reason that the order shows."""
    settlement = SETTLEMENTS[code]
    shown = "invalid_payload" if code == "channel_unknown" else code
    return Reason(shown, settlement.detail, settlement.remedy)


def cancelled_reason(order: Order) -> Reason:
    """Who has cancelled an order, and the code that Amazon states for it; never words of the buyer's own."""
    found = [item.cancellation and item.cancellation.cancellation_execution for item in order.order_items]
    stated = next((one for one in found if isinstance(one, dict)), {})
    by = CANCELLED_BY.get(str(stated.get("cancelledBy")), "")
    code = str(stated.get("cancelReason"))
    why = f" ({code})" if REASON_CODE.fullmatch(code) else ""
    reason = settlement_reason("cancelled")
    return Reason(reason.code, f"{reason.detail}{by}{why}", reason.remedy)

"""Differences of orders that are due at Amazon: nobody ships them, or what shipped was not confirmed; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mfn.ledger.orders import GIVEN, IN_WAREHOUSE, LEFT
from mfn.ledger.parcels import SETTLED
from mfn.models import OrderStatus
from mfn.steps.reconciling.kinds import Difference, Kind
from mfn.steps.reconciling.remedies import (
    SHIPPED_ELSEWHERE,
    SHIPPED_SHORT,
    fixes,
    import_again,
    put_back,
    stands,
    take_back,
)
from mfn.steps.reconciling.rows import other_units
from mfn.warehouse.order_states import CANCELLED, NEW, SHIPPED

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.steps.reconciling.facts import Facts, Left, Terms

CONFIRMED_WITHIN = timedelta(hours=1)
"""A parcel that shipped longer ago should have been confirmed: confirm runs come every few minutes."""

SHOWN_WITHIN = timedelta(hours=3)
"""What Amazon accepted longer ago it should show: after an hour a confirm run checks, sends again, checks again."""


def awaited(order: Facts, terms: Terms) -> Difference | None:
    """The difference of an order that is due at Amazon and known to the ledger, or None."""
    known, status = order.status, None if order.shown is None else order.shown.status
    detail = f"{status} at Amazon, {known} here{order.in_warehouse}"
    if known in {OrderStatus.PENDING, OrderStatus.CANCELLED}:
        is_stopped = order.written is not None and order.written.status == CANCELLED
        by_hand = "Cancel it in Seller Central, or reopen it in the warehouse and import it again."
        remedy = by_hand if is_stopped else import_again(order, terms, "Import it again")
        return Difference(Kind.STATUS_DIFFERS, detail, remedy)
    if known in IN_WAREHOUSE and (unconfirmed := unconfirmed_parcels(order, terms)):
        return _not_confirmed(unconfirmed[0], status, terms, has_row=order.written is not None)
    if known == OrderStatus.IGNORED:
        return _no_longer_ignored(order, detail, terms)
    if known in LEFT:
        return _not_shown(order, detail, terms) if order.known and _is_old(order.known.moved_at, terms) else None
    if known not in GIVEN:
        return None
    return _not_at_work(order, detail, terms) or other_units(order, terms)


def _no_longer_ignored(order: Facts, detail: str, terms: Terms) -> Difference | None:
    """An import ignored it under settings that have changed since, and no later search brings it again."""
    known, shown = order.known, order.shown
    if known is None or shown is None or order.written is not None:
        return None
    if known.ignored_for == "other_marketplace" and shown.marketplace_id in terms.marketplace_ids:
        why = "its marketplace now belongs to the connection"
    elif known.ignored_for == "placed_before_start" and not terms.is_before_start(shown):
        why = "orders.not_before is now earlier"
    else:
        return None
    what = "If this warehouse is to ship it, import it again"
    return Difference(Kind.STATUS_DIFFERS, f"{detail}, and {why}", import_again(order, terms, what))


def _not_confirmed(parcel: Left, status: str | None, terms: Terms, *, has_row: bool) -> Difference:
    left = f" shipped on {parcel.shipped_at:%Y-%m-%d %H:%M} UTC" if parcel.shipped_at else " is closed"
    remedies = fixes(parcel)
    return Difference(
        Kind.SHIPMENT_NOT_CONFIRMED,
        f"parcel {parcel.shipment_id}{left}{stands(parcel)}, but the order is {status} at Amazon",
        put_back(terms)
        if not has_row
        else f"{remedies} Then confirm it:\nmfn confirm {terms.connection}".strip()
        if remedies
        else f"Confirm it to Amazon:\nmfn confirm {terms.connection}",
    )


def _not_shown(order: Facts, detail: str, terms: Terms) -> Difference:
    """Everything has shipped, but Amazon still waits for units."""
    again = [parcel for parcel in order.parcels if parcel.status == "sent" and not parcel.is_given_up]
    if again:
        remedy = f"Check again; what Amazon still does not show is sent again:\nmfn confirm {terms.connection}"
        return Difference(Kind.STATUS_DIFFERS, f"{detail}, although parcel {again[0].shipment_id} was sent", remedy)
    by_hand = "Compare its parcels with Seller Central, and confirm there what Amazon does not show."
    return Difference(Kind.STATUS_DIFFERS, detail, by_hand)


def _not_at_work(order: Facts, detail: str, terms: Terms) -> Difference | None:
    """The warehouse will not ship it, or has shipped it without writing a parcel."""
    written, status = order.written, None if order.shown is None else order.shown.status
    if written is None:
        return None if order.parcels else Difference(Kind.MISSING_IN_WAREHOUSE, detail, take_back(order, terms))
    if written.status == CANCELLED:
        by_hand = "Cancel it in Seller Central, or reopen it in the warehouse."
        return Difference(Kind.STATUS_DIFFERS, detail, by_hand)
    if written.status == SHIPPED and not order.parcels:
        by_hand = (
            f"Have the warehouse write its parcel into wms_shipment, then confirm it:\nmfn confirm {terms.connection}"
        )
        return Difference(Kind.STATUS_DIFFERS, f"{detail}, but without a closed parcel", by_hand)
    is_elsewhere = (
        status == "PARTIALLY_SHIPPED" and not order.parcels and not (order.known and order.known.shipped_before)
    )
    if is_elsewhere and written.status == NEW:
        return Difference(Kind.SHIPPED_ON_AMAZON, detail, SHIPPED_ELSEWHERE)
    sent = [parcel for parcel in order.parcels if parcel.sent_at and _is_old(parcel.sent_at, terms)]
    if sent and status == "UNSHIPPED":
        return _not_shown(order, detail, terms)
    return _left_short(order, detail, terms) if written.status == SHIPPED else None


def _left_short(order: Facts, detail: str, terms: Terms) -> Difference | None:
    """The warehouse ships no more, but Amazon waits for units that none of its parcels holds."""
    known = order.known
    if known is None or known.status != OrderStatus.PARTIALLY_SHIPPED or not _is_old(known.moved_at, terms):
        return None
    if any(parcel.status not in SETTLED for parcel in order.parcels):
        return None
    return Difference(Kind.STATUS_DIFFERS, f"{detail}; its parcels contain less than was ordered", SHIPPED_SHORT)


def unconfirmed_parcels(order: Facts, terms: Terms) -> list[Left]:
    """Parcels that shipped a while ago and should have been confirmed to Amazon, but were not."""
    return [
        parcel
        for parcel in order.parcels
        if parcel.status not in SETTLED
        and not parcel.is_amazon_label
        and (parcel.shipped_at is None or terms.now - parcel.shipped_at >= CONFIRMED_WITHIN)
        and (parcel.seen_at is None or parcel.reasons or terms.now - parcel.seen_at >= CONFIRMED_WITHIN)
    ]


def _is_old(moment: datetime, terms: Terms) -> bool:
    return terms.now - moment >= SHOWN_WITHIN

"""What differs between Amazon, the ledger and the warehouse, and the command that mends it; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mfn.amazon.orders import MERCHANT
from mfn.models import OrderStatus, ParcelStatus
from mfn.rules.settling import DUE
from mfn.steps.reconciling.facts import CANCELLED, GIVEN, LEFT, NEW, SETTLED, SHIPPED, WAITING
from mfn.steps.reconciling.kinds import Difference, Kind
from mfn.steps.reconciling.remedies import (
    LEAVES_AGAIN,
    REFUSED_THERE,
    SHIPPED_ELSEWHERE,
    import_anew,
    mends,
    put_back,
    stands,
    take_back,
    take_out,
)
from mfn.steps.reconciling.rows import misplaced, other_units

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.amazon.shown_orders import ShownOrder
    from mfn.steps.reconciling.facts import Facts, Left, Terms

TOLD_WITHIN = timedelta(hours=1)
"""A parcel that left longer ago should have been told: confirm runs come every few minutes."""

SHOWN_WITHIN = timedelta(hours=3)
"""What Amazon took longer ago it should show: after an hour a confirm run looks, sends again, and looks once more."""

SETTLED_WITHIN = timedelta(days=1)
"""A label bought from Amazon shows an order as shipped before its parcel leaves: so long may that take."""

ENDED = {ParcelStatus.VERIFIED, ParcelStatus.SKIPPED}
"""Parcels of which no confirm run asks Amazon any more."""

IMPORTED = ("PENDING", *DUE)
"""What an import takes up; of what it has not seen, everything else has come to its end without it."""


def is_comparable(order: Facts, terms: Terms) -> bool:
    """Whether all three sides can have heard of the same: nothing changed at Amazon since the imports, nor here since.

    Args:
        order: The order.
        terms: Of the reconciliation.
    """
    if terms.imported_until is None or (order.known and order.known.moved_at > order.asked_at):
        return False
    if any(parcel.sent_at and parcel.sent_at > order.asked_at for parcel in order.parcels):
        return False
    changed_at = None if order.shown is None else order.shown.changed_at
    return changed_at is None or changed_at <= terms.imported_until


def difference(order: Facts, terms: Terms) -> Difference | None:
    """What differs about an order, or None.

    Args:
        order: The order; it must be comparable.
        terms: Of the reconciliation.
    """
    shown = order.shown
    if shown is not None and shown.fulfilled_by not in {MERCHANT, None}:
        return None
    if order.known is None:
        return _not_known(order, terms)
    if shown is None:
        return _not_at_amazon(order)
    judge = JUDGES.get(shown.status or "")
    return (judge(order, terms) if judge else None) or misplaced(order, terms)


def _not_known(order: Facts, terms: Terms) -> Difference | None:
    shown = order.shown
    if order.written is not None:
        if order.written.status == CANCELLED:
            return None
        has = f"the warehouse has it ({order.written.status or 'no status'}), the ledger does not know it"
        if shown is None:
            by_hand = "It is no order of this account: cancel it in the warehouse, or correct wms_order.connection."
            return Difference(Kind.UNKNOWN_TO_LEDGER, f"{has}, nor does Amazon", by_hand)
        import_it = import_anew(order, terms, "Make it known here; what the warehouse has begun stays as it is")
        return Difference(Kind.UNKNOWN_TO_LEDGER, f"{has}, {shown.status} at Amazon", import_it)
    if shown is None or shown.status not in IMPORTED:
        return None
    if _is_placed_before_start(shown, terms):
        return None
    placed = f"placed {shown.placed_at:%Y-%m-%d %H:%M} UTC, " if shown.placed_at else ""
    return Difference(
        Kind.MISSING_IN_LEDGER,
        f"{placed}{shown.status} at Amazon, and no import has seen it",
        import_anew(order, terms, "Amazon's search left it out; import it by its id"),
    )


def _not_at_amazon(order: Facts) -> Difference | None:
    known = order.status
    if known not in WAITING | GIVEN or (order.written and order.written.status in {CANCELLED, SHIPPED}):
        return None
    detail = f"{known} here, and Amazon knows no such order for this account"
    if known == OrderStatus.PENDING:
        remedy = "See that the credentials are those of this account. While it is pending, its units stay promised."
    elif known in WAITING:
        remedy = take_out(order, "dismiss")
    elif order.written is None and known == OrderStatus.LOADED:
        remedy = take_out(order, "release", "dismiss")
    else:
        remedy = "See that the credentials are those of this account; if they are, cancel it in the warehouse."
    return Difference(Kind.MISSING_ON_AMAZON, detail, remedy)


def _cancelled(order: Facts, terms: Terms) -> Difference | None:
    known, written = order.status, order.written
    if known in WAITING | GIVEN | LEFT:
        told = f"CANCELLED at Amazon, {known} here{order.in_warehouse}"
        what = "Import it anew, which asks the warehouse to stop" if written else "Import it anew"
        return Difference(Kind.CANCELLED_ON_AMAZON, told, import_anew(order, terms, what))
    if known == OrderStatus.CANCELLED and written and written.is_at_work and not order.parcels:
        told = "cancelled at Amazon and here, and the warehouse was not asked to stop, or has taken it up again"
        return Difference(Kind.STATUS_DIFFERS, told, "Cancel it in the warehouse.")
    if known == OrderStatus.CANCELLED and written and written.status == SHIPPED:
        by_hand = "It left all the same: have it come back, and set it to cancelled in the warehouse."
        return Difference(Kind.STATUS_DIFFERS, f"cancelled at Amazon and here{order.in_warehouse}", by_hand)
    return None


def _shipped(order: Facts, terms: Terms) -> Difference | None:
    known = order.status
    told = f"SHIPPED at Amazon, {known} here{order.in_warehouse}"
    if known in WAITING:
        what = "Somebody else shipped it; import it anew, which settles it"
        return Difference(Kind.SHIPPED_ON_AMAZON, told, import_anew(order, terms, what))
    if known == OrderStatus.CANCELLED:
        return Difference(Kind.STATUS_DIFFERS, told, import_anew(order, terms, "Import it anew"))
    if known in LEFT and order.written and order.written.is_at_work and not order.parcels:
        return Difference(Kind.SHIPPED_ON_AMAZON, told, LEAVES_AGAIN)
    if _is_left_short(order):
        what = "What never left was cancelled at Amazon; import it anew, which settles it"
        return Difference(Kind.STATUS_DIFFERS, told, import_anew(order, terms, what))
    return _shipped_and_given(order, told, terms) if known in GIVEN else None


def _shipped_and_given(order: Facts, told: str, terms: Terms) -> Difference | None:
    """Amazon shows that all has left, and the warehouse was given it to ship."""
    written = order.written
    if (untold := _untold(order, terms)) and written is None:
        return Difference(Kind.SHIPPED_ON_AMAZON, told, put_back(terms))
    if untold:
        return _told_otherwise(order, untold[0], told, terms)
    if written is None:
        return None if order.parcels else Difference(Kind.SHIPPED_ON_AMAZON, told, take_back(order, terms))
    if written.status == CANCELLED or (written.status == SHIPPED and order.parcels) or _is_being_told(order):
        return None
    changed_at = (order.shown and order.shown.changed_at) or order.asked_at
    if written.status != NEW and terms.now - changed_at < SETTLED_WITHIN:
        return None
    return Difference(Kind.SHIPPED_ON_AMAZON, told, SHIPPED_ELSEWHERE)


def _told_otherwise(order: Facts, parcel: Left, told: str, terms: Terms) -> Difference:
    """Amazon shows that all has left, and was not told of a parcel of the warehouse's."""
    if parcel.status == ParcelStatus.FAILED:
        fetch = import_anew(order, terms, REFUSED_THERE)
        remedy = f"{fetch} && mfn confirm {terms.connection}"
    else:
        settle = f"Let a confirm run settle its parcels:\nmfn confirm {terms.connection}"
        remedy = f"{mends(parcel)} {settle}".strip()
    return Difference(Kind.SHIPPED_ON_AMAZON, f"{told}, parcel {parcel.shipment_id} not told{stands(parcel)}", remedy)


def _is_left_short(order: Facts) -> bool:
    """Whether a part of it is known to have left, no run asks for that any more, and the warehouse ships no more."""
    if order.status != OrderStatus.PARTIALLY_SHIPPED or order.written is None or order.written.status != SHIPPED:
        return False
    return bool(order.parcels) and all(parcel.status in ENDED for parcel in order.parcels)


def _unfulfillable(order: Facts, terms: Terms) -> Difference | None:
    known, written = order.status, order.written
    told = f"UNFULFILLABLE at Amazon, {known} here{order.in_warehouse}"
    if known in WAITING:
        return Difference(Kind.STATUS_DIFFERS, told, import_anew(order, terms, "Import it anew"))
    if known in GIVEN and written and written.status not in {CANCELLED, SHIPPED}:
        return Difference(Kind.STATUS_DIFFERS, told, "Look at it in Seller Central, and cancel it in the warehouse.")
    return None


def _due(order: Facts, terms: Terms) -> Difference | None:
    known, status = order.status, None if order.shown is None else order.shown.status
    told = f"{status} at Amazon, {known} here{order.in_warehouse}"
    if known in {OrderStatus.PENDING, OrderStatus.CANCELLED}:
        is_stopped = order.written is not None and order.written.status == CANCELLED
        by_hand = "Cancel it in Seller Central, or let the warehouse take it up again and import it anew."
        remedy = by_hand if is_stopped else import_anew(order, terms, "Import it anew")
        return Difference(Kind.STATUS_DIFFERS, told, remedy)
    if known in GIVEN | LEFT and (untold := _untold(order, terms)):
        return _not_told(untold[0], status, terms, has_row=order.written is not None)
    if known == OrderStatus.IGNORED:
        return _no_longer_ignored(order, told, terms)
    if known in LEFT:
        return _not_shown(order, told, terms) if order.known and _is_old(order.known.moved_at, terms) else None
    if known not in GIVEN:
        return None
    return _not_at_work(order, told, terms) or other_units(order, terms)


def _no_longer_ignored(order: Facts, told: str, terms: Terms) -> Difference | None:
    """By settings that are others by now an import left it alone, and the search that goes on never brings it again."""
    known, shown = order.known, order.shown
    if known is None or shown is None or order.written is not None:
        return None
    if known.ignored_for == "other_marketplace" and shown.marketplace_id in terms.marketplace_ids:
        why = "its marketplace is one of the connection's by now"
    elif known.ignored_for == "placed_before_start" and not _is_placed_before_start(shown, terms):
        why = "orders.not_before is earlier by now"
    else:
        return None
    what = "If it is to be shipped from here, import it anew"
    return Difference(Kind.STATUS_DIFFERS, f"{told}, and {why}", import_anew(order, terms, what))


def _is_placed_before_start(shown: ShownOrder, terms: Terms) -> bool:
    return bool(terms.not_before and shown.placed_at and shown.placed_at < terms.not_before)


def _not_told(parcel: Left, status: str | None, terms: Terms, *, has_row: bool) -> Difference:
    left = f" left on {parcel.shipped_at:%Y-%m-%d %H:%M} UTC" if parcel.shipped_at else " is closed"
    remedies = mends(parcel)
    return Difference(
        Kind.SHIPMENT_NOT_CONFIRMED,
        f"parcel {parcel.shipment_id}{left}{stands(parcel)}, and Amazon has the order as {status}",
        put_back(terms)
        if not has_row
        else f"{remedies} Then tell Amazon of it:\nmfn confirm {terms.connection}".strip()
        if remedies
        else f"Tell Amazon of what was shipped:\nmfn confirm {terms.connection}",
    )


def _not_shown(order: Facts, told: str, terms: Terms) -> Difference:
    """Everything has left, and Amazon still waits for units."""
    again = [parcel for parcel in order.parcels if parcel.status == "sent" and not parcel.is_given_up]
    if again:
        remedy = f"Look again; what Amazon still does not show is sent again:\nmfn confirm {terms.connection}"
        return Difference(Kind.STATUS_DIFFERS, f"{told}, parcel {again[0].shipment_id} was sent", remedy)
    by_hand = "Compare its parcels with Seller Central, and confirm there what Amazon does not show."
    return Difference(Kind.STATUS_DIFFERS, told, by_hand)


def _not_at_work(order: Facts, told: str, terms: Terms) -> Difference | None:
    """The warehouse is not going to ship it, or has, and wrote no parcel."""
    written, status = order.written, None if order.shown is None else order.shown.status
    if written is None:
        return None if order.parcels else Difference(Kind.MISSING_IN_WAREHOUSE, told, take_back(order, terms))
    if written.status == CANCELLED:
        by_hand = "Cancel it in Seller Central, or let the warehouse take it up again."
        return Difference(Kind.STATUS_DIFFERS, told, by_hand)
    if written.status == SHIPPED and not order.parcels:
        by_hand = (
            f"Let the warehouse write its parcel into wms_shipment; then tell Amazon:\nmfn confirm {terms.connection}"
        )
        return Difference(Kind.STATUS_DIFFERS, f"{told}, without a closed parcel", by_hand)
    is_elsewhere = (
        status == "PARTIALLY_SHIPPED" and not order.parcels and not (order.known and order.known.shipped_before)
    )
    if is_elsewhere and written.status == NEW:
        return Difference(Kind.SHIPPED_ON_AMAZON, told, SHIPPED_ELSEWHERE)
    sent = [parcel for parcel in order.parcels if parcel.sent_at and _is_old(parcel.sent_at, terms)]
    if sent and status == "UNSHIPPED":
        return _not_shown(order, told, terms)
    return None


def _untold(order: Facts, terms: Terms) -> list[Left]:
    """Parcels that left a while ago and of which Amazon was neither told nor need be."""
    return [
        parcel
        for parcel in order.parcels
        if parcel.status not in SETTLED
        and not parcel.is_amazon_label
        and (parcel.shipped_at is None or terms.now - parcel.shipped_at >= TOLD_WITHIN)
        and (parcel.seen_at is None or parcel.reasons or terms.now - parcel.seen_at >= TOLD_WITHIN)
    ]


def _is_being_told(order: Facts) -> bool:
    """Whether a parcel is closed that the next confirm run settles."""
    return any(parcel.status not in SETTLED for parcel in order.parcels)


def _is_old(moment: datetime, terms: Terms) -> bool:
    return terms.now - moment >= SHOWN_WITHIN


JUDGES = {
    "CANCELLED": _cancelled,
    "SHIPPED": _shipped,
    "UNFULFILLABLE": _unfulfillable,
    **dict.fromkeys(DUE, _due),
}
"""What an order that the ledger knows is compared by, for each status that Amazon shows."""

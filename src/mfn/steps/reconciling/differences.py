"""What differs between Amazon, the ledger and the warehouse, and the command that fixes it; pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mfn.amazon.orders import AMAZON, DUE
from mfn.ledger.orders import GIVEN, IN_WAREHOUSE, LEFT, WAITING
from mfn.ledger.parcels import SETTLED
from mfn.models import OrderStatus, ParcelStatus
from mfn.steps.reconciling.awaited import awaited, unconfirmed_parcels
from mfn.steps.reconciling.kinds import Difference, Kind
from mfn.steps.reconciling.remedies import (
    LEAVES_AGAIN,
    REFUSED_THERE,
    SHIPPED_ELSEWHERE,
    fixes,
    import_again,
    put_back,
    stands,
    take_back,
    take_out,
)
from mfn.steps.reconciling.rows import misplaced
from mfn.warehouse.order_states import CANCELLED, NEW, SHIPPED

if TYPE_CHECKING:
    from mfn.steps.reconciling.facts import Facts, Left, Terms

SETTLED_WITHIN = timedelta(days=1)
"""How long a parcel with a label bought from Amazon may take to ship after Amazon shows the order as shipped."""

ENDED = {ParcelStatus.VERIFIED, ParcelStatus.SKIPPED}
"""Statuses of parcels that no confirm run asks Amazon about any more."""

IMPORTED = ("PENDING", *DUE)
"""The statuses that an import fetches; an order of any other status that it never saw has ended without it."""


def is_comparable(order: Facts, terms: Terms) -> bool:
    """Whether all sides can know the same: nothing changed at Amazon since the imports, or here since it answered."""
    if terms.imported_until is None or (order.known and order.known.moved_at > order.asked_at):
        return False
    if any(parcel.sent_at and parcel.sent_at > order.asked_at for parcel in order.parcels):
        return False
    changed_at = None if order.shown is None else order.shown.changed_at
    return changed_at is None or changed_at <= terms.imported_until


def difference(order: Facts, terms: Terms) -> Difference | None:
    """The difference of an order, which must be comparable, or None."""
    shown = order.shown
    if shown is not None and shown.fulfilled_by == AMAZON:
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
        has = f"in the warehouse ({order.written.status or 'no status'}), but not in the ledger"
        if shown is None:
            by_hand = "It is not an order of this account: cancel it in the warehouse, or correct wms_order.connection."
            return Difference(Kind.UNKNOWN_TO_LEDGER, f"{has} and not at Amazon", by_hand)
        import_it = import_again(order, terms, "Import it; what the warehouse has started stays unchanged")
        return Difference(Kind.UNKNOWN_TO_LEDGER, f"{has}; {shown.status} at Amazon", import_it)
    if shown is None or shown.status not in IMPORTED:
        return None
    if terms.is_before_start(shown):
        return None
    placed = f"placed {shown.placed_at:%Y-%m-%d %H:%M} UTC, " if shown.placed_at else ""
    return Difference(
        Kind.MISSING_IN_LEDGER,
        f"{placed}{shown.status} at Amazon, but no import has fetched it",
        import_again(order, terms, "Amazon's search left it out; import it by its id"),
    )


def _not_at_amazon(order: Facts) -> Difference | None:
    known = order.status
    if known not in (*WAITING, *GIVEN) or (order.written and order.written.status in {CANCELLED, SHIPPED}):
        return None
    detail = f"{known} here, but Amazon has no such order in this account"
    if known == OrderStatus.PENDING:
        remedy = "Check that the credentials belong to this account. While it is pending, its units stay reserved."
    elif known in WAITING:
        remedy = take_out(order, "dismiss")
    elif order.written is None and known == OrderStatus.LOADED:
        remedy = take_out(order, "release", "dismiss")
    else:
        remedy = "Check that the credentials belong to this account; if they do, cancel it in the warehouse."
    return Difference(Kind.MISSING_ON_AMAZON, detail, remedy)


def _cancelled(order: Facts, terms: Terms) -> Difference | None:
    known, written = order.status, order.written
    if known in (*WAITING, *IN_WAREHOUSE):
        detail = f"CANCELLED at Amazon, {known} here{order.in_warehouse}"
        what = "Import it again, which asks the warehouse to stop" if written else "Import it again"
        return Difference(Kind.CANCELLED_ON_AMAZON, detail, import_again(order, terms, what))
    if known == OrderStatus.CANCELLED and written and written.is_at_work and not order.parcels:
        detail = "cancelled at Amazon and here, but the warehouse was not asked to stop, or has reopened it"
        return Difference(Kind.STATUS_DIFFERS, detail, "Cancel it in the warehouse.")
    if known == OrderStatus.CANCELLED and written and written.status == SHIPPED:
        by_hand = "It shipped anyway: have it returned, and set it to cancelled in the warehouse."
        return Difference(Kind.STATUS_DIFFERS, f"cancelled at Amazon and here{order.in_warehouse}", by_hand)
    return None


def _shipped(order: Facts, terms: Terms) -> Difference | None:
    known = order.status
    detail = f"SHIPPED at Amazon, {known} here{order.in_warehouse}"
    if known in WAITING:
        what = "Somebody else shipped it; import it again, which settles it"
        return Difference(Kind.SHIPPED_ON_AMAZON, detail, import_again(order, terms, what))
    if known == OrderStatus.CANCELLED:
        return Difference(Kind.STATUS_DIFFERS, detail, import_again(order, terms, "Import it again"))
    if known in LEFT and order.written and order.written.is_at_work and not order.parcels:
        return Difference(Kind.SHIPPED_ON_AMAZON, detail, LEAVES_AGAIN)
    if _is_left_short(order):
        what = "The units that never shipped were cancelled at Amazon; import it again, which settles it"
        return Difference(Kind.STATUS_DIFFERS, detail, import_again(order, terms, what))
    return _shipped_and_given(order, detail, terms) if known in GIVEN else None


def _shipped_and_given(order: Facts, detail: str, terms: Terms) -> Difference | None:
    """Amazon shows that everything has shipped, and the warehouse was given the order to ship."""
    written = order.written
    if (unconfirmed := unconfirmed_parcels(order, terms)) and written is None:
        return Difference(Kind.SHIPPED_ON_AMAZON, detail, put_back(terms))
    if unconfirmed:
        return _confirmed_otherwise(order, unconfirmed[0], detail, terms)
    if written is None:
        return None if order.parcels else Difference(Kind.SHIPPED_ON_AMAZON, detail, take_back(order, terms))
    if written.status == CANCELLED or (written.status == SHIPPED and order.parcels) or _is_being_confirmed(order):
        return None
    changed_at = (order.shown and order.shown.changed_at) or order.asked_at
    if written.status != NEW and terms.now - changed_at < SETTLED_WITHIN:
        return None
    return Difference(Kind.SHIPPED_ON_AMAZON, detail, SHIPPED_ELSEWHERE)


def _confirmed_otherwise(order: Facts, parcel: Left, detail: str, terms: Terms) -> Difference:
    """Amazon shows that everything has shipped, but a parcel of the warehouse was not confirmed."""
    if parcel.status == ParcelStatus.FAILED:
        fetch = import_again(order, terms, REFUSED_THERE)
        remedy = f"{fetch} && mfn confirm {terms.connection}"
    else:
        settle = f"A confirm run settles its parcels:\nmfn confirm {terms.connection}"
        remedy = f"{fixes(parcel)} {settle}".strip()
    what = f"{detail}; parcel {parcel.shipment_id} not confirmed{stands(parcel)}"
    return Difference(Kind.SHIPPED_ON_AMAZON, what, remedy)


def _is_left_short(order: Facts) -> bool:
    """Whether part of it is known to have shipped, no run follows that any more, and the warehouse ships no more."""
    if order.status != OrderStatus.PARTIALLY_SHIPPED or order.written is None or order.written.status != SHIPPED:
        return False
    return bool(order.parcels) and all(parcel.status in ENDED for parcel in order.parcels)


def _unfulfillable(order: Facts, terms: Terms) -> Difference | None:
    known, written = order.status, order.written
    detail = f"UNFULFILLABLE at Amazon, {known} here{order.in_warehouse}"
    if known in WAITING:
        return Difference(Kind.STATUS_DIFFERS, detail, import_again(order, terms, "Import it again"))
    if known in GIVEN and written and written.status not in {CANCELLED, SHIPPED}:
        return Difference(Kind.STATUS_DIFFERS, detail, "Check it in Seller Central, and cancel it in the warehouse.")
    return None


def _is_being_confirmed(order: Facts) -> bool:
    """Whether it has a closed parcel that the next confirm run will settle."""
    return any(parcel.status not in SETTLED for parcel in order.parcels)


JUDGES = {
    "CANCELLED": _cancelled,
    "SHIPPED": _shipped,
    "UNFULFILLABLE": _unfulfillable,
    **dict.fromkeys(DUE, awaited),
}
"""How an order that the ledger knows is compared, for each status that Amazon shows."""

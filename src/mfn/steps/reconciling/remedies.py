"""How to fix a difference between Amazon, the ledger and the warehouse: sentences, and the command to paste; pure."""

from __future__ import annotations

from shlex import quote  # somebody else wrote the id
from typing import TYPE_CHECKING

from mfn.models import OrderStatus
from mfn.warehouse.order_states import NEW

if TYPE_CHECKING:
    from mfn.steps.reconciling.facts import Facts, Left, Terms

LEAVES_AGAIN = (
    "Cancel it in the warehouse before it ships a second time; if it has not shipped yet, ship it and close its parcel."
)

SHIPPED_ELSEWHERE = (
    "If this is the warehouse's own parcel, do nothing: the next confirm run settles it once it is closed there. If"
    " somebody else shipped it, cancel it in the warehouse before it ships a second time."
)

SHIPPED_SHORT = (
    "If the rest has shipped, have the warehouse write it: as another parcel, or as the missing lines of one, together"
    " with a new shipped_at; the next confirm run confirms it. If it will not ship, cancel it in Seller Central."
)

REFUSED_THERE = (
    "If it never shipped, void it in the warehouse. If it is the parcel that Amazon shows, enter its tracking number in"
    " Seller Central, then fetch the order"
)


def stands(parcel: Left) -> str:
    """The status of a parcel and the reasons for it, in brackets."""
    why = "; ".join(f"{reason.code}: {reason.detail}" for reason in parcel.reasons)
    return f" ({parcel.status}{f', {why}' if why else ''})" if parcel.status else ""


def fixes(parcel: Left) -> str:
    """The remedies of a parcel's reasons; empty if there are none."""
    return " ".join(dict.fromkeys(reason.remedy.replace("\n", " ") for reason in parcel.reasons if reason.remedy))


def import_again(order: Facts, terms: Terms, what: str) -> str:
    """Fetch the order from Amazon again, and act on what it says."""
    return f"{what}:\nmfn import {terms.connection} --order {quote(order.order_id)}"


def take_back(order: Facts, terms: Terms) -> str:
    """Have an order that the warehouse lost loaded again."""
    if order.known is None or order.known.status != OrderStatus.LOADED:
        return "Have the warehouse restore the order and its parcels, or confirm the rest of it in Seller Central."
    release = f"mfn orders release {quote(order.order_id)} --why 'the warehouse lost it'"
    return (
        "Check whether the warehouse has shipped it. If it has not, have it loaded again; Amazon is asked once more"
        f" before that:\n{release} && mfn import {terms.connection}"
    )


def write_again(order: Facts, terms: Terms, by_hand: str) -> str:
    """How to correct a row of the warehouse."""
    if order.written is None or order.written.status != NEW:
        return by_hand
    return import_again(order, terms, "Import it again, which rewrites what the warehouse has not started")


def put_back(terms: Terms) -> str:
    """Have a parcel confirmed whose order the warehouse lost."""
    return (
        "A parcel without its order is not confirmed: have the warehouse restore the row of wms_order and its lines."
        f" Then:\nmfn confirm {terms.connection}"
    )


def take_out(order: Facts, *verbs: str) -> str:
    """Dismiss, by a person's decisions, an order that does not belong to this account."""
    decided = [f"mfn orders {verb} {quote(order.order_id)} --why 'Amazon does not know it'" for verb in verbs]
    return "Check that the credentials belong to this account; if they do, dismiss it:\n" + " && ".join(decided)

"""Cancellations passed on to the warehouse, in one statement, or one by one where it refuses one."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mfn.ledger.staging import CANCEL_REQUESTED
from mfn.steps.halving import each_taken
from mfn.warehouse.locking import LockedError
from mfn.warehouse.order_states import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from mfn.errors import DataError
    from mfn.steps.importing.loading import Chunk, Loading

BUYER_ASKED = "the buyer asked for it"
CANCELLED_AT_AMAZON = "cancelled at Amazon"

STOP_BY_HAND = "Stop the order in the warehouse by hand"
"""The remedy for an order whose cancellation it refuses."""


def pass_on_cancellations(loading: Loading, order_ids: Sequence[str]) -> set[str]:
    """Cancel what Amazon has cancelled, or ask the warehouse to stop it; what it refuses is a conflict.

    Args:
        loading: What stays the same over the chunks of a load.
        order_ids: Orders that the warehouse may have.

    Returns:
        The orders for which it refused even the request.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    warehouse, now = loading.place.warehouse, datetime.now(UTC)
    results, refusals = each_taken(
        lambda part: warehouse.cancel(part, CANCELLED_AT_AMAZON, now), order_ids, order_id_of=str
    )
    for order_id, status in sorted(pair for result in results for pair in result.begun.items()):
        loading.conflicts.add(order_id, "cancelled at Amazon after the warehouse had begun it", status)
    # It may still accept the request to stop: what guards its status may not guard that column.
    asked = {order_id: CANCELLED_AT_AMAZON for order_id, error in refusals if not isinstance(error, LockedError)}
    deaf = ask_to_stop(loading, asked)
    for order_id, refusal in refusals:
        detail = "; cancel_requested_at is set" if order_id in asked and order_id not in deaf else ""
        what = "cancelled at Amazon, and the warehouse refused to cancel it"
        loading.conflicts.add(order_id, what, refusal.message.removesuffix(".") + detail, _remedy(refusal))
    return {order_id for order_id, _ in refusals if order_id in deaf or order_id not in asked}


def pass_on_requests(loading: Loading, ready: Chunk, tracked: Mapping[str, Row[Any]]) -> tuple[set[str], set[str]]:
    """Tell the warehouse which buyers requested a cancellation.

    Args:
        loading: What stays the same over the chunks of a load.
        ready: Orders of a chunk, written.
        tracked: What the ledger knew of them before.

    Returns:
        The orders whose request is new, and those whose request the warehouse refused.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    asked = {
        order_id: staged.cancel_reason or BUYER_ASKED
        for order_id, _, staged in ready
        if staged.cancel_reason is not None
    }
    if not asked:
        return set(), set()
    refused = ask_for_buyers(loading, asked)
    # The ledger decides what is new: a run that died before recording a request may not have passed it on.
    news = [order_id for order_id in asked if order_id not in refused and not _was_requested(order_id, tracked)]
    return note_passed_on(loading, loading.place.warehouse.states(news)), refused


def ask_for_buyers(loading: Loading, reasons: Mapping[str, str]) -> set[str]:
    """Ask the warehouse to stop orders whose buyers want that; a reason that it refuses is replaced by plain words.

    Args:
        loading: What stays the same over the chunks of a load.
        reasons: The reason for each order.

    Returns:
        The orders whose request the warehouse refused; each is a conflict.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    refused = ask_to_stop(loading, reasons)
    in_plain_words = [order_id for order_id, refusal in refused.items() if not isinstance(refusal, LockedError)]
    still = ask_to_stop(loading, dict.fromkeys(in_plain_words, BUYER_ASKED))
    refused = {o: refusal for o, refusal in refused.items() if o not in in_plain_words or o in still}
    for order_id, refusal in refused.items():
        what = "the buyer requested a cancellation, and the warehouse rejected the request"
        loading.conflicts.add(order_id, what, refusal.message, _remedy(refusal))
    return set(refused)


def ask_to_stop(loading: Loading, reasons: Mapping[str, str]) -> dict[str, DataError]:
    """Set `cancel_requested_at` and `cancel_reason`; returns the orders for which the warehouse refused that."""
    warehouse, now = loading.place.warehouse, datetime.now(UTC)
    _, refused = each_taken(
        lambda part: warehouse.request_cancellation(dict(part), now), list(reasons.items()), order_id_of=itemgetter(0)
    )
    return {order_id: refusal for (order_id, _), refusal in refused}


def note_passed_on(loading: Loading, states: Mapping[str, str]) -> set[str]:
    """Record the requests that were passed on; returns the orders that the warehouse has not cancelled.

    Args:
        loading: What stays the same over the chunks of a load.
        states: The status of each order that the warehouse has.
    """
    open_orders = {order_id for order_id, status in states.items() if status != CANCELLED}
    for order_id in sorted(open_orders):
        loading.conflicts.add(order_id, "the buyer requested a cancellation", "passed on as cancel_requested_at")
    return open_orders


def take_back_requests(loading: Loading, ready: Chunk, tracked: Mapping[str, Row[Any]]) -> tuple[set[str], set[str]]:
    """Tell the warehouse which buyers withdrew their cancellation request, as `withdraw_requests` does.

    Args:
        loading: What stays the same over the chunks of a load.
        ready: Orders of a chunk, written.
        tracked: What the ledger knew of them before.
    """
    withdrawn = [
        order_id for order_id, _, staged in ready if staged.cancel_reason is None and _was_requested(order_id, tracked)
    ]
    return withdraw_requests(loading, withdrawn)


def withdraw_requests(loading: Loading, withdrawn: Sequence[str]) -> tuple[set[str], set[str]]:
    """Take back requests for cancellation that the warehouse was given.

    Otherwise it would leave the order unshipped forever, while Amazon waits for the parcel.

    Args:
        loading: What stays the same over the chunks of a load.
        withdrawn: The orders.

    Returns:
        The orders whose request was taken back and that are not cancelled, and those for which the warehouse refused
        it.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    if not withdrawn:
        return set(), set()
    _, refusals = each_taken(loading.place.warehouse.withdraw_request, withdrawn, order_id_of=str)
    refused = dict(refusals)
    for order_id, refusal in refused.items():
        what = "the buyer withdrew the cancellation request, and the warehouse rejected the change"
        remedy = f"{refusal.remedy} Or empty cancel_requested_at by hand: the order must be shipped."
        loading.conflicts.add(order_id, what, refusal.message, remedy)
    states = loading.place.warehouse.states([order_id for order_id in withdrawn if order_id not in refused])
    for order_id, status in sorted(states.items()):
        detail = status if status == CANCELLED else "cancel_requested_at is empty again"
        loading.conflicts.add(order_id, "the buyer withdrew the cancellation request", detail)
    return {order_id for order_id, status in states.items() if status != CANCELLED}, set(refused)


def _was_requested(order_id: str, tracked: Mapping[str, Row[Any]]) -> bool:
    """Whether the warehouse was given a buyer's request with the version that it has, according to the ledger."""
    return order_id in tracked and (tracked[order_id].loaded_digest or "").endswith(CANCEL_REQUESTED)


def _remedy(refusal: DataError) -> str:
    return f"{STOP_BY_HAND}. {refusal.remedy}"

"""What becomes of cancellations in the warehouse: told of in one statement, and one by one where it refuses one."""

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
"""What helps an order that it refuses to be told of."""


def pass_on_cancellations(loading: Loading, order_ids: Sequence[str]) -> set[str]:
    """Cancel what Amazon has cancelled, or ask for it to be stopped; what the warehouse refuses is a conflict.

    Args:
        loading: What stays the same over the chunks of a load.
        order_ids: Orders that the warehouse may have.

    Returns:
        The orders of which it could not be told at all.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    warehouse, now = loading.place.warehouse, datetime.now(UTC)
    results, refusals = each_taken(
        lambda part: warehouse.cancel(part, CANCELLED_AT_AMAZON, now), order_ids, order_id_of=str
    )
    for order_id, status in sorted(pair for result in results for pair in result.begun.items()):
        loading.conflicts.add(order_id, "cancelled at Amazon after the warehouse had begun it", status)
    # It may well take that it is to stop: what watches over its status need not mind.
    asked = {order_id: CANCELLED_AT_AMAZON for order_id, error in refusals if not isinstance(error, LockedError)}
    deaf = ask_to_stop(loading, asked)
    for order_id, refusal in refusals:
        told = "; cancel_requested_at is set" if order_id in asked and order_id not in deaf else ""
        what = "cancelled at Amazon, and the warehouse refused to cancel it"
        loading.conflicts.add(order_id, what, refusal.message.removesuffix(".") + told, _remedy(refusal))
    return {order_id for order_id, _ in refusals if order_id in deaf or order_id not in asked}


def pass_on_requests(loading: Loading, ready: Chunk, tracked: Mapping[str, Row[Any]]) -> tuple[set[str], set[str]]:
    """Tell the warehouse that buyers ask for a cancellation.

    Args:
        loading: What stays the same over the chunks of a load.
        ready: Orders of a chunk, written.
        tracked: What the ledger knew of them before.

    Returns:
        The orders of which that is news, and those of which the warehouse refused to be told.

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
    # What is news is what the ledger says: a run that died before it wrote that down is not a run that told.
    known = {order_id: (row.loaded_digest or "") for order_id, row in tracked.items()}
    news = [o for o in asked if o not in refused and not known.get(o, "").endswith(CANCEL_REQUESTED)]
    return note_passed_on(loading, loading.place.warehouse.states(news)), refused


def ask_for_buyers(loading: Loading, reasons: Mapping[str, str]) -> set[str]:
    """Ask for orders to be stopped whose buyers ask for it; a reason that is not taken is put into plain words.

    Args:
        loading: What stays the same over the chunks of a load.
        reasons: Why, for each order.

    Returns:
        The orders of which the warehouse refused to be told; each is a conflict.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    refused = ask_to_stop(loading, reasons)
    in_plain_words = [order_id for order_id, refusal in refused.items() if not isinstance(refusal, LockedError)]
    still = ask_to_stop(loading, dict.fromkeys(in_plain_words, BUYER_ASKED))
    refused = {o: refusal for o, refusal in refused.items() if o not in in_plain_words or o in still}
    for order_id, refusal in refused.items():
        what = "the buyer asks for a cancellation, and the warehouse refused to be told"
        loading.conflicts.add(order_id, what, refusal.message, _remedy(refusal))
    return set(refused)


def ask_to_stop(loading: Loading, reasons: Mapping[str, str]) -> dict[str, DataError]:
    """Set `cancel_requested_at` and `cancel_reason`; returns the orders where the warehouse refused it."""
    warehouse, now = loading.place.warehouse, datetime.now(UTC)
    _, refused = each_taken(
        lambda part: warehouse.request_cancellation(dict(part), now), list(reasons.items()), order_id_of=itemgetter(0)
    )
    return {order_id: refusal for (order_id, _), refusal in refused}


def note_passed_on(loading: Loading, states: Mapping[str, str]) -> set[str]:
    """Note the requests that the warehouse was told of; returns the orders that it has not cancelled.

    Args:
        loading: What stays the same over the chunks of a load.
        states: The status of each order that the warehouse has.
    """
    told = {order_id for order_id, status in states.items() if status != CANCELLED}
    for order_id in sorted(told):
        loading.conflicts.add(order_id, "the buyer asks for a cancellation", "passed on as cancel_requested_at")
    return told


def take_back_requests(loading: Loading, ready: Chunk, tracked: Mapping[str, Row[Any]]) -> tuple[set[str], set[str]]:
    """Tell the warehouse of buyers who no longer ask for a cancellation, as `withdraw_requests` does.

    Args:
        loading: What stays the same over the chunks of a load.
        ready: Orders of a chunk, written.
        tracked: What the ledger knew of them before.

    Returns:
        As `withdraw_requests`.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    withdrawn = [
        order_id
        for order_id, _, staged in ready
        if staged.cancel_reason is None
        and order_id in tracked
        and (tracked[order_id].loaded_digest or "").endswith(CANCEL_REQUESTED)
    ]
    return withdraw_requests(loading, withdrawn)


def withdraw_requests(loading: Loading, withdrawn: Sequence[str]) -> tuple[set[str], set[str]]:
    """Tell the warehouse that nobody asks any more for the cancellation of orders of which it was told so.

    It would leave the order alone for ever, and Amazon still waits for the parcel.

    Args:
        loading: What stays the same over the chunks of a load.
        withdrawn: The orders.

    Returns:
        The orders that were told of and are not cancelled, and those of which the warehouse refused to be told.

    Raises:
        RetriableError: The warehouse could not be reached.
    """
    if not withdrawn:
        return set(), set()
    _, refusals = each_taken(loading.place.warehouse.withdraw_request, withdrawn, order_id_of=str)
    refused = dict(refusals)
    for order_id, refusal in refused.items():
        what = "the buyer no longer asks for a cancellation, and the warehouse refused to be told"
        remedy = f"{refusal.remedy} Or empty cancel_requested_at by hand; the order is to be shipped."
        loading.conflicts.add(order_id, what, refusal.message, remedy)
    states = loading.place.warehouse.states([order_id for order_id in withdrawn if order_id not in refused])
    for order_id, status in sorted(states.items()):
        told = status if status == CANCELLED else "cancel_requested_at is empty again"
        loading.conflicts.add(order_id, "the buyer no longer asks for a cancellation", told)
    return {order_id for order_id, status in states.items() if status != CANCELLED}, set(refused)


def _remedy(refusal: DataError) -> str:
    return f"{STOP_BY_HAND}. {refusal.remedy}"

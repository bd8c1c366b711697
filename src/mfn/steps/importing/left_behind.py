"""Buyers' requests for a cancellation of orders whose newest version the warehouse does not get: told of by themselves.

What holds such a version back says nothing against the request; an item that is not sold any more is a reason for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.ledger.buyers_data import CHUNK_ORDERS
from mfn.ledger.decisions import released_reasons
from mfn.ledger.leases import assert_held
from mfn.ledger.met_orders import each_order
from mfn.ledger.orders import move_outcomes, read_reasons, tracked_orders, write_reloaded
from mfn.ledger.staging import CANCEL_REQUESTED, IN_DOUBT
from mfn.models import Outcome
from mfn.steps.importing.cancellations import BUYER_ASKED, ask_for_buyers, note_passed_on
from mfn.steps.importing.judging import BUYER_CANCELS

if TYPE_CHECKING:
    from mfn.steps.importing.loading import Loading


def pass_on_requests_alone(loading: Loading) -> None:
    """Tell the warehouse of the requests that are news; each counts as loaded, as those do that go with their order.

    Args:
        loading: What stays the same over the chunks of a load, all of them written.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
    """
    place, batch = loading.place, loading.batch
    unchanged = each_order(place.ledger, batch.batch_id, outcomes=(Outcome.UNCHANGED.value,))
    asking = [
        row.order_id for row in unchanged if BUYER_CANCELS in {warning.code for warning in read_reasons(row.warnings)}
    ]
    for start in range(0, len(asking), CHUNK_ORDERS):
        order_ids = asking[start : start + CHUNK_ORDERS]
        released = released_reasons(place.ledger, batch.connection, order_ids)
        news = [
            order_id
            for order_id, known in tracked_orders(place.ledger, batch.connection, order_ids).items()
            if known.loaded_digest in IN_DOUBT
            and not known.loaded_digest.endswith(CANCEL_REQUESTED)
            and BUYER_CANCELS not in {code for code, _ in released.get(order_id, ())}
        ]
        if not news:
            continue
        refused = ask_for_buyers(loading, dict.fromkeys(news, BUYER_ASKED))
        taken = place.warehouse.states([order_id for order_id in news if order_id not in refused])
        told = note_passed_on(loading, taken)
        with place.ledger.writing() as database:
            assert_held(database, batch.lease)
            write_reloaded(database, batch, [(order_id, CANCEL_REQUESTED) for order_id in taken])
            move_outcomes(database, batch, [(order_id, Outcome.LOADED.value) for order_id in sorted(told)])

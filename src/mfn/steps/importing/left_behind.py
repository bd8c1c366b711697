"""Buyers' requests for a cancellation, passed on although the warehouse does not get the order's newest version.

Requests that are taken back are passed on as well. Whatever keeps the version out says nothing against a request; an
item that is no longer sold is a reason for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.ledger.buyers_data import CHUNK_ORDERS
from mfn.ledger.decisions import released_reasons
from mfn.ledger.kept_out import kept_out_versions
from mfn.ledger.met_orders import each_order
from mfn.ledger.orders import move_outcomes, read_reasons, tracked_orders, write_reloaded
from mfn.ledger.staging import CANCEL_REQUESTED, IN_DOUBT, refused_digest
from mfn.models import Outcome
from mfn.steps.importing.cancellations import BUYER_ASKED, ask_for_buyers, note_passed_on, withdraw_requests
from mfn.steps.importing.judging import BUYER_CANCELS
from mfn.steps.parts import in_parts
from mfn.steps.workplace import writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mfn.steps.importing.loading import Loading

UNREAD = frozenset({"invalid_payload", "status_unknown"})
"""With these reasons, nothing is known of whether the buyer of the newest version asks for a cancellation."""


def pass_on_requests_alone(loading: Loading) -> None:
    """Pass on the requests that are new, and those that are taken back.

    Each counts as loaded, like those that are passed on together with their order.

    Args:
        loading: What stays the same over the chunks of a load, all of them written.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
    """
    place, batch = loading.place, loading.batch
    kept_out = kept_out_versions(place.ledger, batch.connection)
    asking, silent = [], []
    for row in each_order(place.ledger, batch.batch_id, outcomes=(Outcome.UNCHANGED.value,)):
        codes = {warning.code for warning in read_reasons(row.warnings)}
        if BUYER_CANCELS in codes:
            asking.append(row.order_id)
        elif row.order_id in kept_out and codes.isdisjoint(UNREAD):
            silent.append(row.order_id)
    for part in in_parts(asking, CHUNK_ORDERS):
        _pass_on(loading, part)
    for part in in_parts(silent, CHUNK_ORDERS):
        _take_back(loading, part)


def _pass_on(loading: Loading, order_ids: Sequence[str]) -> None:
    place, connection = loading.place, loading.batch.connection
    released = released_reasons(place.ledger, connection, order_ids)
    news = [
        order_id
        for order_id, known in tracked_orders(place.ledger, connection, order_ids).items()
        if known.loaded_digest in IN_DOUBT
        and not known.loaded_digest.endswith(CANCEL_REQUESTED)
        and BUYER_CANCELS not in {code for code, _ in released.get(order_id, ())}
    ]
    if not news:
        return
    refused = ask_for_buyers(loading, dict.fromkeys(news, BUYER_ASKED))
    taken = place.warehouse.states([order_id for order_id in news if order_id not in refused])
    _note(loading, taken, CANCEL_REQUESTED, loaded=note_passed_on(loading, taken))


def _take_back(loading: Loading, order_ids: Sequence[str]) -> None:
    known = tracked_orders(loading.place.ledger, loading.batch.connection, order_ids)
    withdrawn = [order_id for order_id, row in known.items() if row.loaded_digest == CANCEL_REQUESTED]
    loaded, refused = withdraw_requests(loading, withdrawn)
    _note(loading, set(withdrawn) - refused, refused_digest(CANCEL_REQUESTED), loaded=loaded)


def _note(loading: Loading, order_ids: Iterable[str], digest: str, *, loaded: Iterable[str]) -> None:
    with writing_under_lease(loading.place.ledger, loading.batch.lease) as database:
        write_reloaded(database, loading.batch, [(order_id, digest) for order_id in order_ids])
        move_outcomes(database, loading.batch, [(order_id, Outcome.LOADED.value) for order_id in sorted(loaded)])

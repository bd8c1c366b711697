"""The parcels that Amazon shows of orders: as they landed or, if the buyer's data was removed, as it shows them now."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.packages import read_packages
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.amazon.unanswered import Unanswered
from mfn.errors import DataError, FatalError
from mfn.ledger.buyers_data import CHUNK_ORDERS, stored_orders
from mfn.ledger.retention import without_data
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.steps.parts import in_parts
from mfn.steps.single_orders import get_orders, remember
from mfn.steps.workplace import keep_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mfn.amazon.packages import ShownPackages
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

PURPOSE = "normalize"
"""The purpose for the audit trail."""

ASKING_SECONDS = 20.0
"""How long a run waits in all for the budget of getOrder."""


def removed_orders(place: Workplace, batch: BatchRef, order_numbers: Collection[str]) -> frozenset[str]:
    """Those of some orders whose buyer's data was removed, and with it what Amazon had shown."""
    with place.ledger.reading() as database:
        return frozenset(without_data(database, batch.connection, order_numbers))


def shown_parcels(
    place: Workplace, batch: BatchRef, order_numbers: Sequence[str], removed: Collection[str]
) -> dict[str, ShownPackages]:
    """What Amazon shows of orders; one that never landed in a readable form is absent.

    Args:
        place: The workplace.
        batch: The batch at work.
        order_numbers: Amazon's order ids.
        removed: Those whose buyer's data was removed: Amazon is asked what it shows now, and nothing else of its answer
            is kept. An order without an answer, or without a call left for it in the budget of getOrder, is absent:
            the next run asks for it.

    Raises:
        RetriableError: The ledger could not be reached.
    """
    found = _landed(place, batch, order_numbers)
    asked = sorted(set(order_numbers) & set(removed))
    if not asked:
        return found
    try:
        return found | _shown_now(place, batch, asked)
    finally:
        keep_calls(place, batch)


def _landed(place: Workplace, batch: BatchRef, order_numbers: Sequence[str]) -> dict[str, ShownPackages]:
    found = {}
    for some in in_parts(order_numbers, CHUNK_ORDERS):
        for order_id, text in stored_orders(
            place.ledger, batch.connection, some, purpose=PURPOSE, batch_id=batch.batch_id
        ):
            try:
                found[order_id] = read_packages(text)
            except DataError:
                continue
    return found


def _shown_now(place: Workplace, batch: BatchRef, order_numbers: Sequence[str]) -> dict[str, ShownPackages]:
    found = {}
    asked = sorted(order_numbers, key=when_unanswered(place.ledger, batch.connection))
    unanswered = Unanswered()
    with suppress(AmazonUnavailableError, FatalError):  # other orders would not be answered now either
        for order_number, text in get_orders(
            place.amazon, asked, unanswered, wait_seconds=ASKING_SECONDS, included_data=SHOWN_DATA
        ):
            with suppress(DataError):  # what cannot be read says nothing
                if text is not None:
                    found[order_number] = read_packages(text)
    remember(place, batch, unanswered)
    return found

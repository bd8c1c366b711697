"""The parcels that Amazon shows of orders: as they landed or, if that is gone or may be out of date, as it shows now.

It is gone if the buyer's data was removed. It may be out of date if Amazon said that an order is fulfilled already, but
did not show the parcel yet: no search returns an order that has shipped, so that nothing else would read it again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.packages import read_packages
from mfn.amazon.refusals import says_fulfilled
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.amazon.unanswered import Unanswered
from mfn.errors import DataError, FatalError
from mfn.ledger.batches import taken_up_since
from mfn.ledger.buyers_data import CHUNK_ORDERS, stored_orders
from mfn.ledger.retention import without_data
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.models import ParcelStatus
from mfn.steps.parts import in_parts
from mfn.steps.single_orders import get_orders, remember
from mfn.steps.workplace import keep_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from sqlalchemy import Row

    from mfn.amazon.packages import ShownPackages
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

PURPOSE = "normalize"
"""The purpose for the audit trail."""

ASKING_SECONDS = 20.0
"""How long a run waits in all for the budget of getOrder."""

READ_AGAIN_FOR = timedelta(days=1)
"""How long Amazon is asked about a parcel that it calls done already and does not show."""


def removed_orders(place: Workplace, batch: BatchRef, order_numbers: Collection[str]) -> frozenset[str]:
    """Those of some orders whose buyer's data was removed, and with it what Amazon had shown."""
    with place.ledger.reading() as database:
        return frozenset(without_data(database, batch.connection, order_numbers))


def fulfilled_orders(place: Workplace, rows: Sequence[Row[Any]]) -> set[str]:
    """Those orders of some parcels that Amazon lately called fulfilled, when it refused one that it did not show."""
    refused = [row for row in rows if row.status == ParcelStatus.FAILED and says_fulfilled(row.answer or "")]
    since = datetime.now(UTC) - READ_AGAIN_FOR
    lately = taken_up_since(place.ledger, {row.batch_id for row in refused}, since)
    return {row.order_number for row in refused if row.batch_id in lately}


def shown_parcels(
    place: Workplace, batch: BatchRef, order_numbers: Sequence[str], asked: Collection[str]
) -> dict[str, ShownPackages]:
    """What Amazon shows of orders; one that never landed in a readable form is absent.

    Args:
        place: The workplace.
        batch: The batch at work.
        order_numbers: Amazon's order ids.
        asked: Those of which Amazon is asked what it shows now; nothing else of its answer is kept. For an order
            without an answer, or without a call left for it in the budget of getOrder, what landed counts; the next
            run asks again.

    Raises:
        RetriableError: The ledger could not be reached.
    """
    found = _landed(place, batch, order_numbers)
    to_ask = sorted(set(order_numbers) & set(asked))
    if not to_ask:
        return found
    try:
        return found | _shown_now(place, batch, to_ask)
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

"""Push: every level that is due is sent to Amazon, those that fall to 0 first; the offers unread longest are read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd

from mfn.ledger.batches import parameters_of
from mfn.ledger.buyers_data import read_plain_chunk
from mfn.ledger.chunks import drop_chunks, write_chunk
from mfn.ledger.imported_units import counted_since, imported_frame
from mfn.ledger.packing import Frame, packed, unpacked
from mfn.ledger.sent_offers import offers_to_read, oldest_count, sent_offers
from mfn.rules.sending_choice import FEED, PATCH, sending_order, sending_ways
from mfn.steps.stock.compare import CompareChunk, compare
from mfn.steps.stock.counts import note_counts
from mfn.steps.stock.feeds import hand_in
from mfn.steps.stock.listings import none_shown
from mfn.steps.stock.overtaking import overtake
from mfn.steps.stock.read import ReadChunk, read
from mfn.steps.stock.rows import keys_of
from mfn.steps.stock.sending import GROUP, Sending
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

READ_BACK = 1_000
"""How many offers a run reads besides those that are due; a call reads 20."""

NO_PART_OF_A_PATH = (".", "..")
"""SKUs that cannot be part of a URL, so that they cannot be patched."""

OPERATIONS = ("patchListingsItem", "createFeedDocument", "createFeed", "getFeed", "getFeedDocument")


class PushChunk(msgspec.Struct, frozen=True, array_like=True):
    """The input of verify.

    Attributes:
        waiting: `CompareChunk.due` of the offers that were in a feed under way.
    """

    waiting: Frame


def push(batch: BatchRef, settings: Settings) -> BatchRef:
    """Tell Amazon every level that is due, in the way that costs less of the rate budget.

    What Amazon shows is read just before: what is missing there was sold, and is subtracted. An offer in a feed under
    way waits until that has ended, unless Amazon shows more of it than there is now. Offers that were sent and not
    verified, and those unread for longest, are read as well; one that shows a wrong quantity, with nothing to explain
    it, is sent again.

    Args:
        batch: The batch, after compare.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract.

    Raises:
        RetriableError: Amazon did not answer, or the ledger could not be reached; answers so far are recorded.
        FatalError: A role is missing, or the credentials are refused.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    made = read_plain_chunk(place.ledger, batch, compare.__name__, 0, CompareChunk)
    try:
        if not made.is_braked:
            _push(place, batch, unpacked(made.due))
    finally:
        keep_calls(place, batch)
        counts = note_counts(place.ledger, batch, made.counts)
    return replace(batch, counts=counts)


def _push(place: Workplace, batch: BatchRef, due: pd.DataFrame) -> None:
    chunk = read_plain_chunk(place.ledger, batch, read.__name__, 0, ReadChunk)
    sending = sending_of(place, batch, chunk)
    due = due[~_is_sent(place, batch, due)]
    going, waiting = overtake(sending, due)
    with writing_under_lease(place.ledger, batch.lease) as database:
        drop_chunks(database, batch, stage=push.__name__)
        write_chunk(place.ledger, database, batch, PushChunk(packed(waiting)), stage=push.__name__, number=0)
    send_levels(sending, going, is_due=True, shown=unpacked(chunk.shown))
    if not sending.is_dry_run:
        others = offers_to_read(place.ledger, batch.connection, READ_BACK, but_for=pd.concat([going, waiting]))
        read_back(sending, others)
    sending.unanswered.raise_first()


def _is_sent(place: Workplace, batch: BatchRef, due: pd.DataFrame) -> NDArray[np.bool_]:
    """Which of the levels Amazon took before this step was interrupted."""
    sent = sent_offers(place.ledger, batch)
    known = sent[["level", "before_limits"]].set_axis(keys_of(sent)).reindex(keys_of(due))
    is_same: NDArray[np.bool_] = np.equal(known.to_numpy(), due[["level", "before_limits"]].to_numpy()).all(axis=1)
    return is_same


def sending_of(place: Workplace, batch: BatchRef, chunk: ReadChunk) -> Sending:
    """What all offers of a run share.

    Args:
        place: The workplace.
        batch: The batch.
        chunk: What was read.
    """
    asked = parameters_of(place.ledger, batch)
    oldest = oldest_count(place.ledger, batch.connection)
    news = imported_frame([(chunk.at, placed_at, units) for _, placed_at, units in chunk.news])
    if asked.dry_run:  # the orders that it is the first to subtract are recorded nowhere else
        known = news if oldest is None else pd.concat([counted_since(place.ledger, batch.connection, oldest), news])
    else:
        known = news if oldest is None else counted_since(place.ledger, batch.connection, oldest)
    return Sending(
        place,
        batch,
        at=chunk.at,
        covered_until=chunk.covered_until,
        imported=known[known["counted_at"] <= pd.Timestamp(chunk.at)],
        is_full=asked.full,
        is_dry_run=asked.dry_run,
    )


def send_levels(sending: Sending, levels: pd.DataFrame, *, is_due: bool, shown: pd.DataFrame) -> None:
    """Send levels to Amazon, those that fall to 0 first, in the cheaper way.

    Args:
        sending: The run.
        levels: `marketplace_id`, `seller_sku`, `level`, `before_limits`, `level_sent`.
        is_due: Whether they are due, whatever Amazon shows.
        shown: What this run has already read from Amazon; for a feed, which takes minutes, that is fresh enough.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: A role is missing, or the credentials are refused.
    """
    budget = sending.place.session.budget
    rates = {operation: budget.rate(operation) for operation in OPERATIONS}
    ordered = sending_order(levels.assign(shown=levels["level_sent"]))
    ways = sending_ways(ordered, rates).mask(ordered["seller_sku"].isin(NO_PART_OF_A_PATH), FEED)
    _patch(sending, ordered[ways == PATCH], is_due=is_due)
    _hand_in(sending, ordered[ways == FEED], is_due=is_due, shown=shown)


def _patch(sending: Sending, levels: pd.DataFrame, *, is_due: bool) -> None:
    is_zero = levels["level"] == 0
    for part in (levels[is_zero], levels[~is_zero]):
        for marketplace_id, offers in part.groupby("marketplace_id", sort=False):
            where = str(marketplace_id)
            for start in range(0, len(offers), GROUP):
                looked_at = sending.look_at(where, offers.iloc[start : start + GROUP])
                going = sending.to_send(looked_at, is_due=is_due)
                sending.note(where, looked_at, going, is_due=is_due)
                sending.patch(where, going)


def _hand_in(sending: Sending, levels: pd.DataFrame, *, is_due: bool, shown: pd.DataFrame) -> None:
    for marketplace_id, offers in levels.groupby("marketplace_id", sort=False):
        where = str(marketplace_id)
        here = shown[shown["marketplace_id"] == marketplace_id]
        is_read = offers["seller_sku"].isin(here["seller_sku"])
        readings = here[["seller_sku", "quantity", "read_at"]]
        looked = [
            sending.look_at(where, some, of)
            for some, of in ((offers[is_read], readings), (offers[~is_read], None))
            if len(some)
        ]
        looked_at = pd.concat(looked)
        going = sending.to_send(looked_at, is_due=is_due)
        sending.note(where, looked_at, going, is_due=is_due)
        hand_in(sending, where, going)


def read_back(sending: Sending, offers: pd.DataFrame) -> None:
    """Read what Amazon shows of offers that are not due, and send what has drifted or was sent too low again.

    Args:
        sending: The run.
        offers: `marketplace_id`, `seller_sku`, `level`, `before_limits`.
    """
    again = []
    for marketplace_id, some in offers.groupby("marketplace_id"):
        where = str(marketplace_id)
        looked_at = sending.look_at(where, some)
        going = sending.to_send(looked_at, is_due=False)
        sending.note(where, looked_at.drop(index=going.index), going.iloc[:0], is_due=False)
        again.append(some[some["seller_sku"].isin(going.index)])
    drifted = pd.concat(again) if again else offers
    if len(drifted):
        send_levels(sending, drifted, is_due=False, shown=none_shown())

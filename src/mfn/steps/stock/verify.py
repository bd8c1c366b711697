"""Verify: feeds are followed to their report, and what Amazon shows of the levels sent is read back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mfn.ledger.batches import parameters_of
from mfn.ledger.buyers_data import read_plain_chunk
from mfn.ledger.chunks import drop_chunks
from mfn.ledger.packing import unpacked
from mfn.ledger.sent_offers import in_feeds, sent_offers
from mfn.steps.stock.compare import CompareChunk, compare
from mfn.steps.stock.counts import note_counts
from mfn.steps.stock.feeds import follow_feeds
from mfn.steps.stock.listings import none_shown
from mfn.steps.stock.push import READ_BACK, PushChunk, push, send_levels, sending_of
from mfn.steps.stock.read import ReadChunk, read
from mfn.steps.stock.rows import keys_of
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace


def verify(batch: BatchRef, settings: Settings) -> BatchRef:
    """Follow feeds to their processing report, and check that Amazon shows what was sent.

    A level that had to wait for the end of a feed is sent now. What Amazon does not show yet is read again by the next
    run.

    Args:
        batch: The batch, after push.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract.

    Raises:
        RetriableError: Amazon did not answer, or the ledger could not be reached.
        FatalError: A role is missing, or the credentials are refused.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    compared = read_plain_chunk(place.ledger, batch, compare.__name__, 0, CompareChunk)
    is_dry_run = parameters_of(place.ledger, batch).dry_run
    try:
        if not is_dry_run:
            follow_feeds(place, batch)
            if not compared.is_braked:
                _verify(place, batch)
    finally:
        keep_calls(place, batch)
        counts = note_counts(place.ledger, batch, compared.counts)
    with writing_under_lease(place.ledger, batch.lease) as database:
        drop_chunks(database, batch)
    return replace(batch, counts=counts)


def _verify(place: Workplace, batch: BatchRef) -> None:
    chunk = read_plain_chunk(place.ledger, batch, read.__name__, 0, ReadChunk)
    sending = sending_of(place, batch, chunk)
    waiting = unpacked(read_plain_chunk(place.ledger, batch, push.__name__, 0, PushChunk).waiting)
    free = waiting[~keys_of(waiting).isin(keys_of(in_feeds(place.ledger, batch.connection)))]
    if len(free):
        send_levels(sending, free, is_due=True, shown=none_shown())
    sent = sent_offers(place.ledger, batch)
    unseen = sent[~sent["is_applied"] & sent["feed_number"].isna()].head(READ_BACK)
    for marketplace_id, offers in unseen.groupby("marketplace_id"):
        looked_at = sending.look_at(str(marketplace_id), offers)
        sending.note(str(marketplace_id), looked_at, looked_at.iloc[:0], is_due=False)
    sending.unanswered.raise_first()

"""The figures of a stock run, from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.ledger.batches import update_batch
from mfn.ledger.schema import Batch, BatchOffer, Offer
from mfn.models import OfferStatus, Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


def note_counts(ledger: Ledger, batch: BatchRef, compared: Mapping[str, int]) -> dict[str, int]:
    """Write the figures of a stock run into its batch, named as in the contract.

    `pushed` is what Amazon took in this run, also in a feed that is still under way; what it refused is `failed`, what
    it does not list any more `held`. `verified` and `unverified` are all offers of the connection whose last level
    Amazon has shown or not, `under_way` those in a feed. `unchanged` are all for which nothing was sent; `pending` are
    those of them whose level is still to be sent: the run was interrupted, or an earlier level is still on its way.

    Args:
        ledger: The open ledger.
        batch: The batch.
        compared: `skus`, `held` and `failed` of the entries before anything was sent.

    Returns:
        All counts of the batch.
    """
    with ledger.writing() as database:
        before, asked = database.execute(
            select(Batch.counts, Batch.parameters).where(Batch.batch_id == batch.batch_id)
        ).one()
        count = _by_status_in_dry_run if Parameters.of(asked).dry_run else _by_status
        by_status = count(database, batch)
        held = compared["held"] + by_status.get(OfferStatus.HELD, 0)
        failed = compared["failed"] + by_status.get(OfferStatus.FAILED, 0)
        pushed = by_status.get(OfferStatus.PUSHED, 0)
        counts = {
            "skus": compared["skus"],
            "pushed": pushed,
            "unchanged": compared["skus"] - held - failed - pushed,
            "held": held,
            "failed": failed,
            "oversold": before.get("oversold", 0),
            **_beside(database, batch),
        }
        update_batch(database, batch, counts=counts)
    return counts


def _by_status(database: Connection, batch: BatchRef) -> dict[str, int]:
    mine = (Offer.connection == batch.connection) & (Offer.batch_id == batch.batch_id)
    rows = database.execute(select(Offer.status, func.count()).where(mine).group_by(Offer.status)).all()
    return {str(row[0]): row[1] for row in rows}


def _by_status_in_dry_run(database: Connection, batch: BatchRef) -> dict[str, int]:
    mine = (BatchOffer.batch_id == batch.batch_id) & (BatchOffer.outcome == OfferStatus.PUSHED)
    return {OfferStatus.PUSHED: database.execute(select(func.count()).where(mine)).scalar_one()}


def _beside(database: Connection, batch: BatchRef) -> dict[str, int]:
    of_run = BatchOffer.batch_id == batch.batch_id
    fell_to_0 = (BatchOffer.level == 0) & ((BatchOffer.before > 0) | (BatchOffer.shown > 0))
    ours = (Offer.connection == batch.connection) & (Offer.channel == MERCHANT_CHANNEL)
    is_to_send = Offer.level.is_not(None) & Offer.level_sent_basis.is_distinct_from(Offer.level)
    is_refused = (Offer.status == OfferStatus.FAILED) & (Offer.batch_id == batch.batch_id)
    is_sent = Offer.level_sent.is_not(None)
    meant = {
        "pending": (ours, is_to_send, is_refused.is_not(True)),
        "drift": (of_run, BatchOffer.is_drift),
        "sold_out": (of_run, BatchOffer.outcome == OfferStatus.PUSHED, fell_to_0),
        "under_way": (ours, is_sent, Offer.feed_number.is_not(None)),
        "verified": (ours, is_sent, Offer.is_applied),
        "unverified": (ours, is_sent, Offer.is_applied.is_(False)),
    }
    return {
        name: database.execute(select(func.count()).where(*conditions)).scalar_one()
        for name, conditions in meant.items()
    }

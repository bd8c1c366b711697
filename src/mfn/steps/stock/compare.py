"""Compare: the level of each offer, whether Amazon has it already, and what is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mfn.ledger.batches import add_findings, parameters_of, update_batch
from mfn.ledger.buyers_data import read_plain_chunk
from mfn.ledger.chunks import drop_chunks, write_chunk
from mfn.ledger.feeds import forget_feeds
from mfn.ledger.imported_units import forget_counted
from mfn.ledger.offers import forget_offers, trim_outcomes, write_offers, write_outcomes
from mfn.ledger.orders import reasons_text
from mfn.ledger.packing import Frame, packed
from mfn.ledger.stock_locations import believe
from mfn.models import OfferStatus
from mfn.steps.stock.judging import FAILED, HELD, is_news, judge
from mfn.steps.stock.read import ReadChunk, read
from mfn.steps.stock.rows import positions_in
from mfn.steps.workplace import open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.stock.judging import Judged

    Mask = NDArray[np.bool_]

WRITTEN = ("level", "status", "reasons", "batch_id")
DUE = ["marketplace_id", "seller_sku", "level", "before_limits", "level_sent"]

KEPT_FOR = timedelta(days=30)


class CompareChunk(msgspec.Struct, frozen=True, array_like=True):
    """The input of push.

    Attributes:
        due: `DUE` of the offers whose level has to be sent: texts, int64, and float64 with NaN if none was ever sent.
        counts: `skus`, `held` and `failed` of the entries, before anything is sent.
        is_braked: Whether nothing may be sent.
    """

    due: Frame
    counts: dict[str, int]
    is_braked: bool


def compare(batch: BatchRef, settings: Settings) -> BatchRef:
    """Compute every level, hold back what cannot be right, and find what has not been sent to Amazon yet.

    An offer is due if its level, before or after minimum and maximum, differs from the one last sent, if none was sent,
    and in a full run. If the warehouse is not believed, everything is held.

    Args:
        batch: The batch, everything read.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract, as if nothing were sent.

    Raises:
        RetriableError: The ledger could not be reached.
        FatalError: A check could not run at all.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    asked = parameters_of(place.ledger, batch)
    judged = judge(
        place,
        read_plain_chunk(place.ledger, batch, read.__name__, 0, ReadChunk),
        is_dry_run=asked.dry_run,
        is_forced=asked.force,
    )
    entries = judged.entries
    is_free = (entries["outcome"] == "").to_numpy()
    is_due = is_free & (asked.full | is_news(entries))
    counts = {"skus": len(entries)} | {name: int((entries["outcome"] == name).sum()) for name in (HELD, FAILED)}
    made = CompareChunk(packed(entries.loc[is_due, DUE]), counts, judged.is_braked)
    counted = counts | {"pushed": 0, "unchanged": int(is_free.sum()), "oversold": judged.oversold}
    with writing_under_lease(place.ledger, batch.lease) as database:
        drop_chunks(database, batch, stage=compare.__name__)
        write_chunk(place.ledger, database, batch, made, stage=compare.__name__, number=0)
        if asked.dry_run:
            write_outcomes(database, batch, _outcomes(entries[~is_free]))
        else:
            _write(database, batch, judged, is_due)
            _forget_others(database, batch, judged, place.connection.marketplace_ids)
            if asked.full:
                before = datetime.now(UTC) - KEPT_FOR
                trim_outcomes(database, batch, before)
                forget_counted(database, batch, before)
                forget_feeds(database, batch, before)
        add_findings(database, batch, **judged.findings)
        update_batch(database, batch, counts=counted)
    return replace(batch, counts=counted)


def _write(database: Connection, batch: BatchRef, judged: Judged, is_due: Mask) -> None:
    """Write the new status of the offers whose status has changed."""
    entries = judged.entries
    is_free = (entries["outcome"] == "").to_numpy()
    was = entries["status_before"].to_numpy()
    texts = _texts(entries)
    is_stopped_again = ~is_free & (
        (entries["outcome"].to_numpy() != was) | (texts != entries["reasons_before"].to_numpy())
    )
    is_level_new = is_free & (entries["level"].to_numpy() != entries["level_before"].to_numpy(dtype="float64"))
    # An offer that is due keeps Amazon's refusal until it is sent again.
    is_let_go = is_free & ((was == HELD) | (~is_due & (was == FAILED)))
    changed = np.flatnonzero(is_stopped_again | is_level_new | is_let_go)
    write_offers(database, batch, WRITTEN, _standings(entries.iloc[changed], is_let_go[changed]))
    write_outcomes(database, batch, _outcomes(entries[is_stopped_again]))
    if not judged.is_braked:
        believe(database, batch, judged.totals)


def _standings(entries: pd.DataFrame, is_let_go: Mask) -> Iterator[tuple[Any, ...]]:
    """(marketplace_id, seller_sku, *WRITTEN) of offers; `batch_id` is that of the run that last sent its level."""
    names = ("marketplace_id", "seller_sku", "level", "outcome", "status_before", "reasons_before")
    columns = (entries[name].tolist() for name in names)
    rows = zip(*columns, _texts(entries).tolist(), is_let_go.tolist(), strict=True)
    for marketplace_id, seller_sku, level, outcome, status, reasons, text, let_go in rows:
        if outcome:
            yield marketplace_id, seller_sku, None, outcome, text, None
        elif let_go:
            yield marketplace_id, seller_sku, level, OfferStatus.UNCHANGED.value, None, None
        else:
            yield marketplace_id, seller_sku, level, status, reasons, None


def _texts(entries: pd.DataFrame) -> NDArray[np.object_]:
    texts = np.empty(len(entries), dtype=object)
    texts[:] = [reasons_text(reasons) for reasons in entries["reasons"]]
    return texts


def _outcomes(entries: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The entries that are held or failed, as `write_outcomes` takes them."""
    sent = [None if np.isnan(level) else int(level) for level in entries["level_sent"].astype("float64")]
    columns = (entries[name].tolist() for name in ("marketplace_id", "seller_sku", "outcome"))
    for *key, outcome, before, text in zip(*columns, sent, _texts(entries).tolist(), strict=True):
        yield *key, outcome, None, before, None, 0, False, None, text


def _forget_others(database: Connection, batch: BatchRef, judged: Judged, marketplace_ids: Collection[str]) -> None:
    """Remove the status of offers that are no longer entries, and offers without a listing altogether.

    The same goes for offers of a marketplace that the connection no longer has: nobody imports what is sold there.
    """
    known = judged.known
    is_elsewhere = ~known["marketplace_id"].isin(["", *marketplace_ids])
    is_gone = known["status"].notna() & (positions_in(judged.entries, known) < 0)
    forgotten = known[is_elsewhere | (is_gone & known["marketplace_id"].eq(""))]
    gone = known[is_gone & ~known.index.isin(forgotten.index)]
    names = ("marketplace_id", "seller_sku")
    forget_offers(database, batch, list(zip(*(forgotten[name].tolist() for name in names), strict=True)))
    rows = [(*pair, None, None, None) for pair in zip(*(gone[name].tolist() for name in names), strict=True)]
    write_offers(database, batch, ("status", "reasons", "batch_id"), rows)

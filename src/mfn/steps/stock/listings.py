"""The listings of a connection at Amazon: all are read once a day, new SKUs are looked up as they come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.database.bulk import utc_text
from mfn.ledger.listings import listed_skus, listings_read_at, note_listings_read, unknown_skus
from mfn.ledger.offers import KEY, NOT_LISTED, write_offers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mfn.amazon.listing_items import ListingsRead
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

KNOWN_FOR = timedelta(hours=24)
"""How old the last reading of all listings may be."""

ASKED_ALONE = 20
"""How many listings that seem to be gone are looked up one by one; the others only if Amazon has one of these."""

LISTED = ("asin", "title", "channel", "listed_at")
SHOWN = ["marketplace_id", "seller_sku", "quantity", "read_at"]


@dataclass(frozen=True, eq=False)
class Listings:
    """What Amazon answered about listings in this run.

    Attributes:
        news: `marketplace_id`, `seller_sku`, `asin`, `channel` (empty: not listed) of every SKU that was requested.
        shown: `marketplace_id`, `seller_sku`, `quantity` (float64; NaN: none), `read_at` of the seller's own ones.
    """

    news: pd.DataFrame
    shown: pd.DataFrame


def read_listings(place: Workplace, batch: BatchRef, skus: Iterable[str], *, full: bool, dry_run: bool) -> Listings:
    """Bring the ledger's listings up to date from Amazon.

    All listings of a marketplace are read if they never were, if the last time was a day ago, and in a full run;
    otherwise only SKUs that were never looked up.

    Args:
        place: The workplace.
        batch: The batch.
        skus: SKUs that Amazon may have: the warehouse's own, and aliases.
        full: Read all of them.
        dry_run: Write nothing; what Amazon has and the warehouse lacks is still reported.

    Raises:
        RetriableError: Amazon did not answer with all of them.
        FatalError: A role is missing, or the credentials are refused.
    """
    read_at = listings_read_at(place.ledger, batch.connection)
    wanted = list(dict.fromkeys(skus))
    news, shown = [], []
    for marketplace_id in place.connection.marketplace_ids:
        before = read_at.get(marketplace_id)
        is_whole = full or before is None or datetime.now(UTC) - before > KNOWN_FOR
        if is_whole:
            read = place.listings.listings(marketplace_id)
            listed_before = listed_skus(place.ledger, batch.connection, marketplace_id)
            asked = [*wanted, *listed_before]
            read = _with_left_out(place, marketplace_id, read, listed_before, asked)
        else:
            asked = unknown_skus(place.ledger, batch.connection, marketplace_id, wanted)
            if not asked:
                continue
            read = place.listings.listings_of(marketplace_id, asked)
        frame = _with_missing(read, marketplace_id, asked)
        news.append(frame)
        shown.append(_shown(read, marketplace_id))
        if not dry_run:
            _write(place, batch, frame, read, marketplace_id, is_whole=is_whole)
    return Listings(
        pd.concat([_empty(), *news], ignore_index=True), pd.concat([none_shown(), *shown], ignore_index=True)
    )


def _with_left_out(
    place: Workplace, marketplace_id: str, read: ListingsRead, listed_before: Sequence[str], asked: Iterable[str]
) -> ListingsRead:
    """A reading of all listings plus those that it may lack: a report is missing some characters, and some lines.

    What was listed before and is in no answer is looked up on its own, too: an empty answer does not mean no listings.
    """
    there = set(read.frame["seller_sku"])
    doubtful = {*listed_before, *(sku for sku in asked if not sku.isascii())} - there
    if not doubtful:
        return read
    answers = [read, place.listings.listings_of(marketplace_id, sorted(doubtful))]
    gone = sorted({*listed_before} - there - set(answers[-1].frame["seller_sku"]) - answers[-1].unanswered.keys())
    for some in (gone[:ASKED_ALONE], gone[ASKED_ALONE:]):
        answers.append(place.listings.listings_of(marketplace_id, some, are_known=True))
        if answers[-1].frame.empty:
            break
    return replace(
        read,
        frame=pd.concat([answer.frame for answer in answers], ignore_index=True),
        unanswered={sku: error for answer in answers for sku, error in answer.unanswered.items()},
    )


def _with_missing(read: ListingsRead, marketplace_id: str, asked: Iterable[str]) -> pd.DataFrame:
    """The listings that Amazon has, and, with an empty channel, SKUs that it has not; unanswered ones are neither."""
    there = read.frame[["seller_sku", "asin", "title", "channel"]].astype("object")
    missing = sorted(set(asked) - set(there["seller_sku"]) - read.unanswered.keys())
    absent = pd.DataFrame({"seller_sku": missing, "asin": None, "title": None, "channel": NOT_LISTED}, dtype="object")
    frame = pd.concat([there, absent], ignore_index=True) if len(there) else absent
    return frame.assign(marketplace_id=marketplace_id)


def _shown(read: ListingsRead, marketplace_id: str) -> pd.DataFrame:
    own = read.frame[read.frame["channel"] == MERCHANT_CHANNEL]
    quantity = own["quantity"].astype("float64").to_numpy()
    skus = own["seller_sku"].astype("object").to_numpy()
    frame = pd.DataFrame({"marketplace_id": marketplace_id, "seller_sku": skus, "quantity": quantity})
    return frame.assign(read_at=pd.Timestamp(read.read_at).as_unit("us"))[SHOWN]


def _write(
    place: Workplace, batch: BatchRef, frame: pd.DataFrame, read: ListingsRead, marketplace_id: str, *, is_whole: bool
) -> None:
    at = utc_text(read.read_at)
    columns = (frame[name].tolist() for name in ("seller_sku", "asin", "title", "channel"))
    rows = [
        (marketplace_id, sku, asin or None, title or None, channel, at)
        for sku, asin, title, channel in zip(*columns, strict=True)
    ]
    with place.ledger.writing() as database:
        write_offers(database, batch, LISTED, rows)
        if is_whole:
            note_listings_read(database, batch, marketplace_id, read.asked_at)


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in (*KEY, "asin", "channel")})


def none_shown() -> pd.DataFrame:
    """`Listings.shown` of a run that has read nothing."""
    types: dict[str, Any] = {"quantity": "float64", "read_at": "datetime64[us, UTC]"}
    return pd.DataFrame({name: pd.Series(dtype=types.get(name, "object")) for name in SHOWN})

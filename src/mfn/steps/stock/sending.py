"""Sending levels to Amazon: what it shows is read just before, what was sold meanwhile is subtracted."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.amazon.refusals import ListingMissingError
from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.database.bulk import utc_text
from mfn.ledger.offers import NOT_LISTED, offers_of, write_offers, write_outcomes
from mfn.ledger.orders import reasons_text
from mfn.models import OfferStatus, Reason
from mfn.rules.sold_units import STATE, after_being_shown, after_sending, reckon
from mfn.steps.stock.rows import kept_rows, outcome_rows, same_moment, with_new_offers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.amazon.refusals import ListingRefusedError
    from mfn.models import BatchRef
    from mfn.steps.workplace import Workplace

GROUP = 20
"""How many offers are read by one call and then sent one by one: few, so that little time passes in between."""

KEPT = (*STATE, "counted_at", "covered_at_sending")
STANDING = ("status", "reasons", "answer", "batch_id", "sent_by")

REFUSED = "refused_by_amazon"
MISSING = Reason(
    "listing_missing",
    "Amazon no longer lists this SKU in this marketplace",
    "List it again, or correct its row in sku_aliases.csv; listings are read every day, and by mfn inventory --full.",
)


@dataclass(eq=False)
class Sending:
    """What all offers of a run share.

    Attributes:
        place: The workplace.
        batch: The batch.
        at: When the reservations were read that the levels subtract.
        covered_until: The time up to which everything that Amazon sold was reserved by then.
        imported: `counted_since` of the oldest offer that is read.
        is_full: Whether levels that Amazon shows already are sent too.
        is_dry_run: Whether nothing may change, here or at Amazon.
        unanswered: The offers that Amazon left without an answer.
    """

    place: Workplace
    batch: BatchRef
    at: datetime
    covered_until: datetime | None
    imported: pd.DataFrame
    is_full: bool
    is_dry_run: bool
    unanswered: Unanswered = field(default_factory=Unanswered)

    def __post_init__(self) -> None:
        self._imported: defaultdict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
        names = ("marketplace_id", "seller_sku", "units", "counted_at", "placed_at")
        for marketplace_id, seller_sku, *unit in zip(*(self.imported[name].tolist() for name in names), strict=True):
            self._imported[marketplace_id, seller_sku].append(tuple(unit))

    def look_at(self, marketplace_id: str, offers: pd.DataFrame, readings: pd.DataFrame | None = None) -> pd.DataFrame:
        """Read what Amazon shows of offers, and work out what to send.

        Args:
            marketplace_id: Where.
            offers: `seller_sku`, `level`, `before_limits`.
            readings: `seller_sku`, `quantity`, `read_at` if they have been read; None to read them now.

        Returns:
            Index: the seller SKU; what `reckon` returned, `level`, `before_limits`, `quantity`, `before` (what was
            sent before) and `status`; without offers that are in a feed under way, or not the seller's to ship any
            more.
        """
        skus = offers["seller_sku"].tolist()
        columns = (*KEPT, "feed_number", "status")
        state = offers_of(self.place.ledger, self.batch.connection, columns, marketplace_id, skus)
        if self.is_dry_run:  # what it has learnt about listings is recorded nowhere
            state = with_new_offers(state, skus)
        read = self._read(marketplace_id, skus) if readings is None else readings.set_index("seller_sku")
        if readings is None:
            self._note_missing(marketplace_id, state, read)
            read = read[(read["channel"] == MERCHANT_CHANNEL).to_numpy()]
        wanted = offers.set_index("seller_sku")
        is_free = state["feed_number"].isna() | self.is_dry_run  # which takes no offer out of a feed
        is_there = wanted.index.isin(read.index) & wanted.index.isin(state.index[is_free])
        wanted = wanted[is_there]
        state = state.loc[wanted.index]
        quantities = wanted.join(read).assign(**self._units(marketplace_id, state))
        reckoned = reckon(state, quantities, covered_until=self.covered_until)
        return reckoned.assign(
            counted_at=state["counted_at"].mask(reckoned["is_counted"], pd.Timestamp(self.at)),
            covered_at_sending=state["covered_at_sending"],
            level=wanted["level"],
            before_limits=wanted["before_limits"],
            quantity=quantities["quantity"],
            before=state["level_sent"],
            status=state["status"],
        )

    def _read(self, marketplace_id: str, skus: Sequence[str]) -> pd.DataFrame:
        """What Amazon shows of offers, by seller SKU: `quantity`, `read_at`, `channel`; only of those that it has."""
        found = self.place.listings.listings_of(marketplace_id, skus, are_known=True)
        for sku, error in found.unanswered.items():
            self.unanswered.add(sku, error)
            self.unanswered.answered()  # others were read, or the call would have failed
        return pd.DataFrame(
            {
                "quantity": found.frame["quantity"].astype("float64").to_numpy(),
                "read_at": pd.Series(found.read_at, index=found.frame.index, dtype="datetime64[us, UTC]").array,
                "channel": found.frame["channel"].astype("object").to_numpy(),
            },
            index=pd.Index(found.frame["seller_sku"], dtype="object"),
        )

    def _note_missing(self, marketplace_id: str, state: pd.DataFrame, read: pd.DataFrame) -> None:
        """Hold offers that Amazon no longer lists, and remove those that it now ships itself."""
        missing = [sku for sku in state.index if sku not in read.index and sku not in self.unanswered.orders]
        others = read[(read["channel"] != MERCHANT_CHANNEL).to_numpy()]
        now, reasons = utc_text(datetime.now(UTC)), reasons_text([MISSING])
        rows: list[tuple[Any, ...]] = [
            (marketplace_id, sku, NOT_LISTED, now, OfferStatus.HELD.value, reasons, self.batch.batch_id)
            for sku in missing
        ]
        rows += [
            (marketplace_id, sku, channel, now, None, None, None)
            for sku, channel in zip(others.index, others["channel"], strict=True)
        ]
        outcomes = [
            (marketplace_id, sku, OfferStatus.HELD.value, None, None, None, 0, False, None, reasons) for sku in missing
        ]
        if rows:
            self._note(("channel", "listed_at", "status", "reasons", "batch_id"), rows, outcomes)

    def _units(self, marketplace_id: str, state: pd.DataFrame) -> dict[str, Any]:
        """Units of each offer in orders that are new since its last level, by when they were placed."""
        imported, earlier = np.zeros(len(state), dtype="int64"), np.zeros(len(state), dtype="int64")
        columns = (state[name] for name in ("counted_at", "shown_at", "covered_at_sending"))
        moments = zip(state.index, *columns, strict=True)
        for position, (sku, counted_at, shown_at, covered) in enumerate(moments):
            for units, at, placed_at in self._imported.get((marketplace_id, sku), ()):
                if pd.isna(counted_at) or at <= counted_at:
                    continue
                # Only an order that was unknown when the level was sent can have been undone by it.
                (earlier if covered <= placed_at <= shown_at else imported)[position] += units
        return {"imported": imported, "imported_earlier": earlier}

    def to_send(self, looked_at: pd.DataFrame, *, is_due: bool) -> pd.DataFrame:
        """The offers whose level has to be sent to Amazon.

        Of those that show the right level already, these are the new ones, or all in a full run. An offer for which
        Amazon never shows a quantity is sent only when it is due.

        Args:
            looked_at: What `look_at` returned.
            is_due: Whether they are due, whatever Amazon shows.
        """
        anyway = looked_at["is_shown"] & (self.is_full | looked_at["before"].isna()) & is_due
        # What Amazon has not accepted is not a level on its way.
        is_lost = looked_at["level_sent"].notna() & looked_at["level_sent_basis"].isna() & ~looked_at["is_shown"]
        is_off = looked_at["is_to_send"] & (is_due | looked_at["quantity"].notna())
        return looked_at[is_off | anyway | is_lost]

    def note(self, marketplace_id: str, looked_at: pd.DataFrame, sending: pd.DataFrame, *, is_due: bool) -> None:
        """Record what was read, and what is about to be sent to Amazon.

        Args:
            marketplace_id: Where.
            looked_at: What `look_at` returned.
            sending: The offers whose level is sent next.
            is_due: Whether the others are settled by what Amazon shows already.
        """
        others = looked_at.drop(index=sending.index)
        is_settled = others["is_shown"] & is_due
        settled = others[is_settled]
        # It stays due until Amazon has answered: Amazon may have taken what a killed run sent.
        unanswered = sending.assign(level=np.nan, before_limits=np.nan)
        begun = sending.assign(**after_sending(sending, unanswered, same_moment(sending, datetime.now(UTC))))
        parts = [
            others[~is_settled],
            settled.assign(**after_being_shown(settled, settled)),
            begun.assign(covered_at_sending=same_moment(begun, self.covered_until)),
        ]
        kept = pd.concat([part[list(KEPT)] for part in parts if len(part)] or [looked_at[list(KEPT)]])
        self._note(KEPT, kept_rows(marketplace_id, kept))
        settled_by_hand = settled.index[settled["status"] == OfferStatus.FAILED.value]  # at Amazon
        if len(settled_by_hand):
            rows = [(marketplace_id, sku, OfferStatus.UNCHANGED.value, None, None, None) for sku in settled_by_hand]
            self._note(("status", "reasons", "answer", "batch_id"), rows)

    def patch(self, marketplace_id: str, sending: pd.DataFrame) -> None:
        """Send offers to Amazon one by one, and record its answers.

        Args:
            marketplace_id: Where.
            sending: What `to_send` returned, recorded, in the order in which to send them.

        Raises:
            RetriableError: Amazon did not answer for several in a row.
            FatalError: A role is missing, or the credentials are refused.
        """
        if self.is_dry_run:
            self.note_sent(marketplace_id, sending, sent_by="patch")
            return
        accepted: list[str] = []
        refused: dict[str, ListingRefusedError] = {}
        levels = list(zip(sending.index.tolist(), sending["target"].tolist(), strict=True))
        try:
            with closing(self.place.listings.patch_quantities(marketplace_id, levels)) as answers:
                for (sku, _), answer in zip(levels, answers, strict=True):
                    if isinstance(answer, NO_ANSWER):
                        self.unanswered.add(sku, answer)
                        continue
                    self.unanswered.answered()
                    if answer is None:
                        accepted.append(sku)
                    else:
                        refused[sku] = answer
        finally:
            self.note_sent(marketplace_id, sending.loc[accepted], sent_by="patch")
            self._note_refused(marketplace_id, sending.loc[list(refused)], refused)

    def note_sent(
        self, marketplace_id: str, sent: pd.DataFrame, *, sent_by: str, feed_number: int | None = None
    ) -> None:
        """Record that Amazon has accepted levels.

        Args:
            marketplace_id: Where.
            sent: Rows of `to_send`.
            sent_by: `patch` or `feed`.
            feed_number: The feed they are in.
        """
        if sent.empty:
            return
        now = same_moment(sent, datetime.now(UTC))
        kept = kept_rows(marketplace_id, after_sending(sent, sent, now))
        standing = (OfferStatus.PUSHED.value, None, None, self.batch.batch_id, sent_by, feed_number)
        self._note(
            (*STATE, *STANDING, "feed_number"),
            [(*row, *standing) for row in kept],
            outcome_rows(
                marketplace_id, sent, [OfferStatus.PUSHED.value] * len(sent), [None] * len(sent), sent_by=sent_by
            ),
        )

    def _note_refused(
        self, marketplace_id: str, refused: pd.DataFrame, refusals: dict[str, ListingRefusedError]
    ) -> None:
        """Record that Amazon has refused levels: it keeps those that it had, and the new ones stay due."""
        if refused.empty:
            return
        rows, outcomes, reasons = [], [], []
        for row in kept_rows(marketplace_id, refused[list(STATE)]):
            error = refusals[row[1]]
            said = "; ".join(map(str, error.words)) or error.message
            outcome, reason, channel = OfferStatus.FAILED.value, Reason(REFUSED, said, error.remedy), MERCHANT_CHANNEL
            if isinstance(error, ListingMissingError):
                outcome, reason, channel = OfferStatus.HELD.value, MISSING, NOT_LISTED
            outcomes.append(outcome)
            reasons.append(reasons_text([reason]))
            rows.append((*row, outcome, reasons[-1], said, self.batch.batch_id, "patch", channel))
        self._note(
            (*STATE, *STANDING, "channel"),
            rows,
            outcome_rows(marketplace_id, refused, outcomes, reasons, sent_by="patch"),
        )

    def _note(
        self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], outcomes: Sequence[tuple[Any, ...]] = ()
    ) -> None:
        """Record the status of offers and their outcome in this run; a dry run records only the latter."""
        with self.place.ledger.writing() as database:
            if not self.is_dry_run:
                write_offers(database, self.batch, columns, rows)
            write_outcomes(database, self.batch, outcomes)

"""Units sold on Amazon that are in no imported order yet, so that sending a level never undoes a sale; pure.

Amazon lowers its own quantity at checkout, minutes before the order can be imported. A level that was computed without
that order would put the unit back on offer. So Amazon's quantity is read before a level is sent; the difference by
which it is lower than at the reading before counts as sold and is subtracted, until an import has brought the orders:

- Every unit that was sold is subtracted at least once: by the computed level, once its order is reserved, or here. So
  what is counted here falls only by orders whose reservations the computed level subtracts.
- An order explains units that are missing at Amazon, whenever it was placed, with one exception: an order that the last
  sending may have undone, since it was placed before that and not imported by then. Its unit was put on offer again, so
  what is missing since is another sale; such an order explains only what was counted before.
- Units that no order explains count until an import has run whose end bound is later than the reading in which they
  were noticed. Every order of that time is imported by then: it was not a sale, and is reported as drift.
- A sent level takes a while to appear at Amazon. Until then only still lower levels are sent, and if a quantity could
  mean two things, the one with more units sold is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

APPLIED_WITHIN = pd.Timedelta(minutes=15)
"""How long Amazon may take to show a level that was sent."""

STATE = (
    "level_sent", "level_sent_basis", "before_limits_sent", "sent_at", "shown", "shown_before", "shown_at",
    "sold_not_imported", "sold_seen_at", "is_applied",
)  # fmt: skip
"""The columns that are kept for an offer from one run to the next.

================== ==================================================================================================
level_sent         float64, the level sent last; NaN: nothing yet
level_sent_basis   float64, the computed level that this came from
before_limits_sent float64, the same before minimum and maximum
sent_at            time
shown              float64, what Amazon showed last, or was sent after that; NaN: not known
shown_before       float64, what it showed before the level was sent
shown_at           time of that reading or sending
sold_not_imported  int64, units sold that no reserved order explains
sold_seen_at       time of the reading in which some were last added to these
is_applied         bool, Amazon has shown the level sent
================== ==================================================================================================

Times are `datetime64[us, UTC]`, NaT where there is none.
"""


def reckon(state: pd.DataFrame, readings: pd.DataFrame, *, covered_until: datetime | None) -> pd.DataFrame:
    """Work out what to send to Amazon for offers that were just read, and their new state.

    Args:
        state: `STATE` of these offers, and of any others.
        readings: One row an offer, with its label in `state`: `quantity` (float64, what Amazon shows; NaN: nothing, and
            nothing changes), `read_at` (time), `level` (int64, the computed one), `imported` and `imported_earlier`
            (int64: units of this offer in orders that the computed level subtracts, and that it did not subtract at the
            last reading that was counted). `imported_earlier` are those of orders that the last sending may have
            undone: placed by `shown_at`, and not before what `covered_until` was at that sending.
        covered_until: The time up to which every change at Amazon was imported and reserved when the level was
            computed, or None.

    Returns:
        With the index of the readings, `STATE`, and:

        ============= ================================================================================================
        target        int64, what is to be sent to Amazon, if anything; what was sold is subtracted
        is_waiting    bool, the level that was sent is not there yet
        is_counted    bool, the imported units are reckoned with; if not, they are to be given again next time
        is_shown      bool, Amazon shows the target
        is_to_send    bool, the target has to be sent, since Amazon shows something else; while it is waiting, only
                      where the target is lower than what was sent. It never rises because Amazon shows less: what
                      sells lowers the target as well, and it rises again with stock, with orders, or when an import
                      found no order
        is_drift      bool, what Amazon shows instead is explained by nothing
        ============= ================================================================================================
    """
    before = state.loc[readings.index]
    sent, shown, former, sold = (
        before[name].to_numpy(dtype="float64") for name in ("level_sent", "shown", "shown_before", "sold_not_imported")
    )
    quantity, level = (readings[name].to_numpy(dtype="float64") for name in ("quantity", "level"))
    later, earlier = (readings[name].to_numpy(dtype="float64") for name in ("imported", "imported_earlier"))
    is_read, is_applied = ~np.isnan(quantity), before["is_applied"].to_numpy(dtype=bool)
    is_recent = (readings["read_at"] < before["sent_at"] + APPLIED_WITHIN).to_numpy()
    may_be_pending = is_recent & ~is_applied
    is_waiting = may_be_pending & (quantity <= former) & (quantity != sent) & ((quantity > sent) | (former < sent))
    is_ambiguous = may_be_pending & ~is_waiting & (quantity < sent) & (sent < former)
    is_covered = np.zeros(len(before), dtype=bool)
    if covered_until is not None:
        is_covered = (before["sold_seen_at"] < pd.Timestamp(covered_until)).to_numpy()
    reckoning = _Reckoning(sold, later, earlier, is_covered)
    has_risen = ~is_applied & (quantity > former)
    drop = np.where(is_waiting | is_ambiguous, former, np.where(has_risen, sent, shown)) - quantity
    now_sold = np.where(is_read, reckoning.sold(drop), sold)

    target = np.maximum(level - now_sold, 0)
    # Nobody can say whether a rise is still to come, or came and was sold: for a falling level assume it was sold.
    falls = is_waiting & (target < sent)
    now_sold = np.where(falls, np.maximum(reckoning.sold(sent - quantity), now_sold), now_sold)
    target = np.where(is_waiting & ~falls, sent, np.maximum(level - now_sold, 0))
    # While Amazon shows the former quantity, nothing is known that was not known when the level was sent.
    is_counted = is_read & (falls | ~is_waiting | (quantity != former))
    kept_sold = np.where(is_counted, now_sold, sold)
    # If some units were sold just now, nobody can say that the remaining ones are the older ones.
    is_seen_now = is_counted & (now_sold > 0) & ((now_sold > reckoning.carried()) | (_fallen(drop) > 0))
    is_shown = is_read & ~is_waiting & (quantity == target)
    is_off = is_read & ~is_waiting & (quantity != target)
    is_too_much = (quantity > sent) & ~(is_recent & (quantity <= former))
    is_unexplained = is_covered & (sold > earlier + np.maximum(later - _fallen(drop), 0)) & (quantity != sent)
    return before[list(STATE)].assign(
        # If a rise came after all, what was counted while waiting for it is part of what was sold of it.
        shown=np.where(is_waiting & (former < sent), shown - drop, np.where(is_read & ~is_waiting, quantity, shown)),
        shown_before=np.where(is_waiting, quantity, np.where(is_recent | is_applied | ~is_read, former, np.nan)),
        shown_at=readings["read_at"].where(is_counted, before["shown_at"]),
        sold_not_imported=kept_sold.astype("int64"),
        sold_seen_at=readings["read_at"].where(is_seen_now, before["sold_seen_at"].where(kept_sold > 0)),
        is_applied=is_applied | (~is_waiting & (quantity <= sent) & (may_be_pending | (quantity == sent))),
        target=target.astype("int64"),
        is_waiting=is_waiting,
        is_counted=is_counted,
        is_shown=is_shown,
        is_to_send=np.where(is_waiting, falls, ~is_shown),
        is_drift=is_off & (is_too_much | is_unexplained),
    )


class _Reckoning:
    """Units sold before, and the orders that explain them."""

    def __init__(self, sold: Numbers, later: Numbers, earlier: Numbers, is_covered: Mask) -> None:
        self._sold, self._later, self._earlier, self._is_covered = sold, later, earlier, is_covered

    def carried(self) -> Numbers:
        """The units sold before that still count."""
        return np.where(self._is_covered, 0, np.maximum(self._sold - self._earlier, 0))

    def sold(self, drop: Numbers) -> Numbers:
        """Units sold, given how many fewer Amazon shows."""
        fallen = _fallen(drop)
        unexplained = np.maximum(np.maximum(self._sold - self._earlier, 0) + fallen - self._later, 0)
        return np.where(self._is_covered, np.minimum(fallen, unexplained), unexplained)


def _fallen(drop: Numbers) -> Numbers:
    return np.nan_to_num(np.maximum(drop, 0))


def after_sending(state: pd.DataFrame, levels: pd.DataFrame, sent_at: pd.Series[Any]) -> pd.DataFrame:
    """The state of offers once Amazon has taken a level, or may have: a lost answer counts as acceptance.

    Args:
        state: What `reckon` returned of these offers.
        levels: With their index: `target` (what was sent), `level` and `before_limits` (what it was computed from; NaN
            if it has to be sent again).
        sent_at: When, with their index.
    """
    return state[list(STATE)].assign(
        level_sent=levels["target"].astype("float64"),
        level_sent_basis=levels["level"].astype("float64"),
        before_limits_sent=levels["before_limits"].astype("float64"),
        sent_at=sent_at,
        shown=levels["target"].astype("float64"),
        shown_before=state["shown_before"].where(state["is_waiting"], state["shown"]),
        shown_at=sent_at,
        is_applied=False,
    )


def after_being_shown(state: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """The state of offers for which Amazon shows the target already, so that nothing has to be sent.

    Args:
        state: What `reckon` returned of these offers.
        levels: With their index: `target`, `level` and `before_limits`.
    """
    # What was sent a moment ago may still take effect, and put what was sold since back on offer.
    is_recent = state["shown_at"] < state["sent_at"] + APPLIED_WITHIN
    return state[list(STATE)].assign(
        level_sent=state["level_sent"].where(is_recent, levels["target"].astype("float64")),
        level_sent_basis=levels["level"].astype("float64"),
        before_limits_sent=levels["before_limits"].astype("float64"),
        is_applied=True,
    )


def after_failing(state: pd.DataFrame) -> pd.DataFrame:
    """The state of offers whose feed had no effect: Amazon keeps the quantity that it showed, and they are due again.

    Args:
        state: `STATE` of these offers, as `after_sending` left it or as `reckon` found it since.
    """
    is_open = ~state["is_applied"]
    as_before = state["shown_before"].where(is_open, state["shown"])
    return state[list(STATE)].assign(
        level_sent=as_before, level_sent_basis=np.nan, before_limits_sent=np.nan, shown=as_before, is_applied=True
    )

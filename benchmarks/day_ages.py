"""How long orders waited for the warehouse on a simulated day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmarks.day_orders import Moments


def oldest_since(due_at: Moments, gone_at: Moments) -> tuple[Moments, Moments]:
    """Since when the oldest order that waits has waited, whenever that changes.

    Args:
        due_at: When each order became due, rising.
        gone_at: When it had been loaded, or cancelled; infinite: not by the end of the day.

    Returns:
        Moments, rising, the first of them 0; and for the time from each until the next, when the oldest order that is
        not in the warehouse became due, or will do so; infinite where none is left.
    """
    order = np.argsort(gone_at, kind="stable")
    # Before the first order goes, the oldest is the oldest of all; after it, the oldest of those that go later.
    oldest = np.minimum.accumulate(np.append(due_at[order], np.inf)[::-1])[::-1]
    return np.append(0.0, gone_at[order]), oldest


def ages(begins: Moments, since: Moments, *, until: float) -> tuple[float, float]:
    """The largest age of the oldest order, and its mean over the day, in seconds; nobody's is 0.

    Args:
        begins: As `oldest_since` returns it.
        since: Likewise.
        until: The end of the day, in seconds.
    """
    end = np.minimum(np.append(begins[1:], until), until)
    area = (np.maximum(end - since, 0.0) ** 2 - np.maximum(np.minimum(begins, until) - since, 0.0) ** 2) / 2
    return largest(begins, since, 0.0, until), float(area.sum() / until)


def largest(begins: Moments, since: Moments, after: float, before: float) -> float:
    """The largest age of the oldest order within a part of the day.

    Args:
        begins: As `oldest_since` returns it.
        since: Likewise.
        after: Its beginning, in seconds since the day began.
        before: Its end.
    """
    end = np.minimum(np.append(begins[1:], before), before)
    return float(np.where((begins < before) & (end > after), np.maximum(end - since, 0.0), 0.0).max())

"""How levels are sent: one by one or in a feed, whichever costs less of the rate budget, and in which order; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.quantities import MOST_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

PATCH, FEED = "patch", "feed"

LOOKS_AT_A_FEED = 4
"""How many looks at a feed to reckon with until it is done."""


def seconds_of_patches(levels: int, rates: Mapping[str, float]) -> float:
    """The seconds of rate budget that levels sent one by one take; rates are calls a second, by Amazon's operation."""
    return levels / rates["patchListingsItem"]


def seconds_of_feed(levels: int, rates: Mapping[str, float]) -> float:
    """The seconds of rate budget that levels of one marketplace take in feeds, until their reports are read.

    A feed takes a document, the feed itself, several looks at it, and the document of its report. Each operation has a
    budget of its own: its share is the time that it takes to refill what was used.
    """
    calls = {"createFeedDocument": 1, "createFeed": 1, "getFeed": LOOKS_AT_A_FEED, "getFeedDocument": 1}
    feeds = -(-levels // MOST_MESSAGES)
    return feeds * sum(count / rates[operation] for operation, count in calls.items())


def sending_ways(levels: pd.DataFrame, rates: Mapping[str, float]) -> pd.Series[Any]:
    """How each level is sent.

    Each marketplace is considered separately, since a feed has levels of only one. If a feed is cheaper for all levels
    but not for those that fall to 0 alone, these are sent one by one before it, because they cannot wait. The others
    then go the way that is cheaper for them.

    Args:
        levels: `marketplace_id`, `level` of everything to be sent; any unique index.
        rates: Calls a second in force, by operation of Amazon's.

    Returns:
        `patch` or `feed`, with the index of the levels. At equal cost patches win, because they take effect sooner.
    """
    ways = pd.Series(PATCH, index=levels.index, dtype="object")
    for _, of_marketplace in levels.groupby("marketplace_id"):
        rest = of_marketplace.index
        falling_to_zero = of_marketplace["level"].eq(0)
        if not _is_feed_cheaper(int(falling_to_zero.sum()), rates):
            rest = rest[~falling_to_zero.to_numpy()]
        if _is_feed_cheaper(len(rest), rates):
            ways.loc[rest] = FEED
    return ways


def _is_feed_cheaper(levels: int, rates: Mapping[str, float]) -> bool:
    return seconds_of_feed(levels, rates) < seconds_of_patches(levels, rates)


def sending_order(levels: pd.DataFrame) -> pd.DataFrame:
    """Levels in the order in which they are sent: those that fall to 0, then those that fall, then those that rise.

    Args:
        levels: `seller_sku`, `level`, `shown` (what Amazon shows; NaN if unknown), and any other columns.

    Returns:
        The rows in this order, by SKU among equals, with their index.
    """
    rank = np.select([levels["level"].eq(0), levels["level"] < levels["shown"]], [0, 1], default=2)
    return levels.iloc[np.lexsort((levels["seller_sku"].to_numpy(dtype=str), rank))]

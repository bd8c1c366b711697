"""How levels are told: one by one or in a feed, whichever takes less of the rate budget, and in which order; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.quantities import MOST_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

PATCH, FEED = "patch", "feed"

LOOKS_AT_A_FEED = 4
"""How often a feed is looked at until it is done, for the reckoning."""


def seconds_of_patches(levels: int, rates: Mapping[str, float]) -> float:
    """The rate budget that it takes to tell levels one by one, in seconds.

    Args:
        levels: How many.
        rates: Calls a second in force, by operation of Amazon's.
    """
    return levels / rates["patchListingsItem"]


def seconds_of_feed(levels: int, rates: Mapping[str, float]) -> float:
    """The rate budget that it takes to tell levels of one marketplace in feeds and to read what became of them.

    A feed takes a document, the feed itself, several looks at it, and the document of its report. Each operation has a
    budget of its own: its share is the time that it takes to refill what was used.

    Args:
        levels: How many.
        rates: Calls a second in force, by operation of Amazon's.
    """
    calls = {"createFeedDocument": 1, "createFeed": 1, "getFeed": LOOKS_AT_A_FEED, "getFeedDocument": 1}
    feeds = -(-levels // MOST_MESSAGES)
    return feeds * sum(count / rates[operation] for operation, count in calls.items())


def sending_ways(levels: pd.DataFrame, rates: Mapping[str, float]) -> pd.Series[Any]:
    """How each level is told.

    Each marketplace is weighed by itself, since a feed holds levels of one. Where a feed is cheaper for all of them but
    not for those that fall to 0 alone, these are told one by one, ahead of it: they cannot wait for it. The others then
    go the way that is cheaper for them.

    Args:
        levels: `marketplace_id`, `level` of everything that is to be told; any unique index.
        rates: Calls a second in force, by operation of Amazon's.

    Returns:
        `patch` or `feed`, with the index of the levels. Of equal cost it is patches, which are in force sooner.
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
    """Levels in the order in which they are told: those that fall to 0, then those that fall, then those that rise.

    Args:
        levels: `seller_sku`, `level`, `shown` (what Amazon shows; NaN: nothing is known), and whatever else.

    Returns:
        The rows in this order, by SKU among equals, with their index.
    """
    rank = np.select([levels["level"].eq(0), levels["level"] < levels["shown"]], [0, 1], default=2)
    return levels.iloc[np.lexsort((levels["seller_sku"].to_numpy(dtype=str), rank))]

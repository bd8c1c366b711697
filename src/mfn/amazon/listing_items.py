"""The seller's listings as frames: the answers of searchListingsItems and getListingsItem, and who fulfils each.

Fields: Amazon's model listingsItems_2021-08-01.json of 2026-07-30, definition Item.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from msgspec import Struct

from mfn.amazon.answers import Paged, objects_in
from mfn.amazon.quantities import MERCHANT_CHANNEL, MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from mfn.amazon.failures import AmazonUnavailableError, CallRefusedError

UNKNOWN_CHANNEL = "UNKNOWN"
"""The channel of a listing for which Amazon names none; Amazon may fulfil it itself, so no quantity is pushed to it."""

IDENTIFIERS_AT_ONCE = 20
"""How many SKUs one search can ask for."""

COLUMNS = ("seller_sku", "asin", "title", "channel", "quantity")


@dataclass(frozen=True)
class ListingsRead:
    """Listings of one marketplace, as Amazon shows them.

    Attributes:
        frame: One row for each SKU: `seller_sku`, `asin`, `title` (text, empty where Amazon leaves it out), `channel`
            (`DEFAULT` where the seller fulfils; else Amazon's own codes, `AMAZON_NA` and the like; both, joined by
            commas, where a SKU has both; or `UNKNOWN`) and `quantity` (whole units of the seller's own, NA where Amazon
            shows none).
        asked_at: A time in UTC before which nothing of it was read.
        read_at: A time in UTC by which all of it was read: what was sold later is not in it.
        unanswered: SKUs that were looked up one by one without an answer, each with the reason.
    """

    frame: pd.DataFrame
    asked_at: datetime
    read_at: datetime
    unanswered: Mapping[str, AmazonUnavailableError | CallRefusedError] = field(default_factory=dict)


class Item(Struct, rename="camel"):
    """One listing as Amazon answers it, requested for one marketplace with the data sets `DATA_SETS`.

    All but the SKU is read value by value: one odd value must not spoil the page for the others.
    """

    sku: str
    summaries: Any = None
    fulfillment_availability: Any = None


DATA_SETS = ("summaries", "fulfillmentAvailability")


class ItemPage(Paged, frozen=True):
    """One page of searchListingsItems."""

    number_of_results: int
    items: list[Item]


def frame_of(items: Iterable[Item]) -> pd.DataFrame:
    """The listings, each SKU once, as a frame; see `ListingsRead`.

    A listing without any availability has never had a quantity. If it has no FNSKU either, Amazon has never handled it,
    so it is the seller's to fulfil; if it has one, or Amazon leaves out that data set, its channel is unknown.
    """
    return typed(pd.DataFrame(map(_row, items), columns=list(COLUMNS)))


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of listings with the types that `ListingsRead` promises, also when it is empty.

    Args:
        frame: With the columns `COLUMNS`.
    """
    return frame.astype({name: "Int64" if name == "quantity" else "str" for name in COLUMNS})


def channel_of(codes: Sequence[str | None]) -> str:
    """One word for who fulfils a listing."""
    return ",".join(sorted({code for code in codes if code})) or UNKNOWN_CHANNEL


def _row(item: Item) -> tuple[str, str, str, str, int | None]:
    summary = next(iter(objects_in(item.summaries)), {})
    entries = objects_in(item.fulfillment_availability)
    codes = [_text(entry, "fulfillmentChannelCode") for entry in entries]
    if item.fulfillment_availability == [] and not summary.get("fnSku"):
        codes = [MERCHANT_CHANNEL]
    own = [entry.get("quantity") for entry in entries if _text(entry, "fulfillmentChannelCode") == MERCHANT_CHANNEL]
    shown = own[0] if own and type(own[0]) is int and 0 <= own[0] <= MOST_SHOWN else None
    return item.sku, _text(summary, "asin"), _text(summary, "itemName"), channel_of(codes), shown


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""

"""What a reading of Amazon's listings says of the SKUs that were asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.listing_items import Item, ListingsRead, frame_of
from mfn.steps.stock.listings import _shown as shown
from mfn.steps.stock.listings import _with_missing as with_missing
from mfn.steps.stock.listings import none_shown

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
GONE = AmazonUnavailableError("no answer.", remedy="Wait.")


def read(*unanswered: str, **channels: str) -> ListingsRead:
    """A reading with these SKUs and who fulfils them; the seller's own show 3."""
    items = [
        Item(sku, [{"asin": f"B-{sku}"}], [{"fulfillmentChannelCode": channel, "quantity": 3}])
        for sku, channel in channels.items()
    ]
    return ListingsRead(frame_of(items), NOON, NOON, dict.fromkeys(unanswered, GONE))


@pytest.mark.parametrize(
    ("reading", "asked", "expected"),
    [
        (read(A="DEFAULT"), ["A"], [("A", "B-A", "DEFAULT")]),
        (read(A="DEFAULT"), [], [("A", "B-A", "DEFAULT")]),
        (read(A="AMAZON_NA"), ["C", "A", "B", "C"], [("A", "B-A", "AMAZON_NA"), ("B", None, ""), ("C", None, "")]),
        (read("B", A="DEFAULT"), ["A", "B", "C"], [("A", "B-A", "DEFAULT"), ("C", None, "")]),
        (read("B"), ["B"], []),
        (read(), ["B"], [("B", None, "")]),
    ],
)
def test_what_amazon_did_not_list_is_not_listed_and_what_it_did_not_answer_is_neither(
    reading: ListingsRead, asked: list[str], expected: list[tuple[Any, ...]]
) -> None:
    frame = with_missing(reading, "M", asked)
    assert list(frame[["seller_sku", "asin", "channel"]].itertuples(index=False, name=None)) == expected
    assert set(frame["marketplace_id"]) == ({"M"} if expected else set())


def test_only_the_sellers_own_listings_show_a_quantity_and_when_it_was_read() -> None:
    frame = shown(read(A="DEFAULT", B="AMAZON_NA", C="DEFAULT"), "M")
    rows = [("M", sku, 3.0, NOON) for sku in "AC"]
    assert list(frame.itertuples(index=False, name=None)) == rows
    assert list(frame.columns) == list(none_shown().columns)
    types = ["quantity", "read_at"]
    assert frame.dtypes[types].equals(none_shown().dtypes[types])

"""What a reading of Amazon's listings says of the SKUs that were asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.listing_items import Item, ListingsRead, frame_of
from mfn.steps.stock.listings import _shown as shown
from mfn.steps.stock.listings import _with_left_out as with_left_out
from mfn.steps.stock.listings import _with_missing as with_missing
from mfn.steps.stock.listings import none_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Amazon:
    """Answers about single SKUs, as Amazon has them: some it finds at once, some only if it has listed them before."""

    def __init__(self, *found: str, found_alone: Sequence[str] = (), unanswered: Sequence[str] = ()) -> None:
        self.asked: list[tuple[list[str], bool]] = []
        self._found, self._alone, self.unanswered = found, found_alone, unanswered

    def listings_of(self, _marketplace_id: str, skus: Sequence[str], *, are_known: bool = False) -> ListingsRead:
        self.asked.append((list(skus), are_known))
        there = [sku for sku in skus if sku in self._found or (are_known and sku in self._alone)]
        return read(*(sku for sku in skus if sku in self.unanswered), **dict.fromkeys(there, "DEFAULT"))


OLD = [f"OLD-{number:02d}" for number in range(25)]


@pytest.mark.parametrize(
    ("amazon", "before", "asked", "found", "calls"),
    [
        (Amazon(), ["A"], ["A", "NEW"], "A", []),
        (Amazon("B"), ["A", "B"], ["A", "B"], "AB", [(["B"], False), ([], True)]),
        (Amazon("Ü"), [], ["NEW", "Ü"], "AÜ", [(["Ü"], False), ([], True)]),
        (Amazon(), [], ["Ü"], "A", [(["Ü"], False), ([], True)]),
        (Amazon(found_alone=["B"]), ["C", "B"], [], "AB", [(["B", "C"], False), (["B", "C"], True), ([], True)]),
        (Amazon(unanswered=["B"]), ["C", "B"], [], "A", [(["B", "C"], False), (["C"], True)]),
        (Amazon(), OLD, [], "A", [(OLD, False), (OLD[:20], True)]),
        (
            Amazon(found_alone=[OLD[19], OLD[24]]),
            OLD,
            [],
            ["A", OLD[19], OLD[24]],
            [(OLD, False), (OLD[:20], True), (OLD[20:], True)],
        ),
    ],
)
def test_what_a_reading_of_all_listings_left_out_is_asked_for_and_many_that_seem_gone_by_twenty_first(
    amazon: Amazon, before: list[str], asked: list[str], found: Sequence[str], calls: list[tuple[list[str], bool]]
) -> None:
    place: Any = SimpleNamespace(listings=amazon)
    whole = with_left_out(place, "M", read(A="DEFAULT"), before, asked)
    assert whole.frame["seller_sku"].tolist() == list(found)
    assert list(whole.frame.index) == list(range(len(found)))
    assert amazon.asked == calls
    assert sorted(whole.unanswered) == sorted(amazon.unanswered)

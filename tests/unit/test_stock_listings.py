"""What a reading of Amazon's listings says of the SKUs that were asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.listing_items import Item, ListingsRead, frame_of
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.leases import lease
from mfn.ledger.listings import listed_skus, listings_read_at
from mfn.ledger.offers import read_offers
from mfn.steps.stock.listings import _shown as shown
from mfn.steps.stock.listings import _with_left_out as with_left_out
from mfn.steps.stock.listings import _with_missing as with_missing
from mfn.steps.stock.listings import none_shown, read_listings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.ledger.opening import Ledger

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


class Reading(Amazon):
    """Amazon as it lists A and the offer Z of its own, wholly or to those who ask; the report was asked for at `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__("A", "Z")
        self._at = at

    def listings(self, marketplace_id: str) -> ListingsRead:
        self.asked.append(([marketplace_id], True))
        whole = read(A="DEFAULT", Z="AMAZON_NA")
        return ListingsRead(whole.frame, self._at, self._at + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("hours", "full", "dry_run", "asked", "is_whole"),
    [
        (None, False, False, [(["M"], True)], True),
        (23.9, False, False, [(["NEW"], False)], False),
        (24.1, False, False, [(["M"], True)], True),
        (1, True, False, [(["M"], True)], True),
        (None, False, True, [(["M"], True)], True),
        (23.9, False, True, [(["NEW"], False)], False),
    ],
)
def test_all_listings_are_read_once_a_day_and_for_a_full_run_and_else_those_that_are_new(
    ledger: Ledger,
    hours: float | None,
    *,
    full: bool,
    dry_run: bool,
    asked: list[tuple[list[str], bool]],
    is_whole: bool,
) -> None:
    now = datetime.now(UTC)
    begun = now - timedelta(hours=hours or 0)
    connection = SimpleNamespace(marketplace_ids=["M"])
    with lease(ledger, "us", "inventory") as token:
        batch = open_batch(ledger, "us", "inventory", lease=token, parameters={}, last_stage="read")

        def run(at: datetime, skus: list[str], **options: bool) -> tuple[Reading, Any]:
            amazon = Reading(at)
            place: Any = SimpleNamespace(ledger=ledger, connection=connection, listings=amazon)
            return amazon, read_listings(place, batch, skus, **{"full": False, "dry_run": False} | options)

        if hours is not None:
            run(begun, ["A", "B"])
        amazon, found = run(now, ["A", "NEW", "B", "NEW"], full=full, dry_run=dry_run)
    assert amazon.asked == asked
    assert found.news["seller_sku"].tolist() == (["A", "Z", "B", "NEW"] if is_whole else ["NEW"])
    assert found.shown["seller_sku"].tolist() == (["A"] if is_whole else [])
    whole_at = now if is_whole else begun
    assert listings_read_at(ledger, "us") == ({} if dry_run and hours is None else {"M": whole_at})
    known = dict(read_offers(ledger, "us", ["seller_sku", "asin"]).itertuples(index=False, name=None))
    names = (["A", "B", "Z"] if hours else []) if dry_run else ["A", "B", "NEW", "Z"]
    assert known == {name: f"B-{name}" if name in "AZ" else None for name in names}
    assert set(listed_skus(ledger, "us", "M")) == ({"A", "Z"} if known else set())


def test_of_listings_that_are_known_nothing_is_asked(ledger: Ledger) -> None:
    connection = SimpleNamespace(marketplace_ids=["M"])
    with lease(ledger, "us", "inventory") as token:
        batch = open_batch(ledger, "us", "inventory", lease=token, parameters={}, last_stage="read")
        for asked in ([(["M"], True)], []):
            amazon = Reading(datetime.now(UTC))
            place: Any = SimpleNamespace(ledger=ledger, connection=connection, listings=amazon)
            found = read_listings(place, batch, ["A", "B"], full=False, dry_run=False)
            assert amazon.asked == asked
    assert (len(found.news), len(found.shown)) == (0, 0)

"""A simulated day: checkouts between every two steps of imports and pushes, and nothing is sold that is not there."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.stock_day import Day
from tests.stock_oracle import Limits
from tests.stock_world import stock_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stock_world import Stock

ROUNDS = 8


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Stock]:
    """A world with stock, its warehouse once on SQLite and once on PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    for name in ("SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
        monkeypatch.setenv(name, "test")
    with stock_world(tmp_path, database_url) as made:
        yield made


def first_levels(day: Day) -> None:
    """The first imports, and the first levels that Amazon gets."""
    day.set_up()
    day.one_after_the_other(day.importing("us"), day.importing("ca"), day.pushing("us"), day.pushing("ca"))
    day.stock.minutes_pass(3)


@pytest.mark.parametrize(
    ("seed", "notes_it", "limits"),
    [(1, True, Limits()), (2, False, Limits()), (3, True, Limits(2, 10, 3, 12))],
    ids=["notes what it allocates", "never notes it", "with limits"],
)
def test_nothing_is_sold_that_is_not_there(stock: Stock, seed: int, notes_it: bool, limits: Limits) -> None:
    day = Day(stock, Random(seed), notes_it, limits)
    stock.write_inventory_section(
        buffer_units=limits.buffer_units,
        buffer_percent=limits.buffer_percent,
        minimum_units=limits.minimum_units,
        maximum_units="null" if limits.maximum_units is None else limits.maximum_units,
    )
    first_levels(day)
    for _ in range(ROUNDS):
        runs = [day.importing("us"), day.pushing("us", full=day.chance.random() < 0.2)]
        runs += [day.importing("ca"), day.pushing("ca")] if day.chance.random() < 0.7 else []
        day.at_once(*runs)
        stock.minutes_pass(day.chance.choice((1, 5, 5, 20)))
    day.check_sold()
    assert len(day.sales) > ROUNDS


def test_in_the_evening_all_that_is_there_is_on_offer(stock: Stock) -> None:
    day = Day(stock, Random(7), notes_it=True)
    first_levels(day)
    for _ in range(3):
        day.at_once(day.importing("us"), day.pushing("us"), day.importing("ca"), day.pushing("ca"))
        stock.minutes_pass(5)
    for _ in range(4):
        day.one_after_the_other(day.importing("us"), day.pushing("us"), day.importing("ca"), day.pushing("ca"))
        stock.minutes_pass(5)
    known = day.knowledge()
    assert {offer: day.shown(offer) for offer in day.offers()} == {
        offer: known.shelves.level(day.parts(offer), day.limits) for offer in day.offers()
    }

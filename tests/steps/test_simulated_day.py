"""A simulated day: checkouts between every two steps of imports and pushes, and nothing is sold that is not there."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.stock_day import Day
from tests.stock_oracle import Limits
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stock_world import Stock

    Begin = Callable[..., Day]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Begin]:
    """Begin a day: the first imports, and the first levels that Amazon gets."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with stock_world(tmp_path, request.getfixturevalue(request.param)) as stock:

        def made(seed: int, *, notes_it: bool, limits: Limits) -> Day:
            day = Day(stock, Random(seed), notes_it, limits)
            _write(stock, limits)
            day.set_up()
            day.one_after_the_other(day.importing("us"), day.importing("ca"), day.pushing("us"), day.pushing("ca"))
            stock.minutes_pass(3)
            return day

        yield made


def _write(stock: Stock, limits: Limits) -> None:
    stock.write_inventory_section(
        buffer_units=limits.buffer_units,
        buffer_percent=limits.buffer_percent,
        minimum_units=limits.minimum_units,
        maximum_units="null" if limits.maximum_units is None else limits.maximum_units,
    )


def go_on(day: Day, rounds: int) -> None:
    """Imports and pushes of both connections at the same time, again and again."""
    for _ in range(rounds):
        runs = [day.importing("us"), day.pushing("us", full=day.chance.random() < 0.2)]
        runs += [day.importing("ca"), day.pushing("ca")] if day.chance.random() < 0.7 else []
        day.at_once(*runs)
        day.stock.minutes_pass(day.chance.choice((1, 5, 5, 20)))
    assert len(day.sales) > rounds


def assert_all_is_on_offer(day: Day, *, after: int) -> None:
    """In the evening nobody buys any more: after so many runs all that is there is on offer, and no more."""
    day.stock.minutes_pass(20)
    for _ in range(after):
        day.one_after_the_other(day.importing("us"), day.importing("ca"), day.pushing("us"), day.pushing("ca"))
        day.stock.minutes_pass(20)
    shelves = day.knowledge().shelves
    assert {offer: day.shown(offer) for offer in day.offers()} == {
        offer: shelves.level(day.parts(offer), day.limits) for offer in day.offers()
    }


@pytest.mark.parametrize(
    ("begin", "seed", "notes_it", "limits", "rounds", "ends"),
    [
        ("sqlite_url", 1, False, Limits(), 2, True),
        ("sqlite_url", 3, True, Limits(2, 10, 3, 12), 2, False),
        ("postgres_url", 2, True, Limits(), 2, False),
    ],
    indirect=["begin"],
    ids=["SQLite", "with limits", "PostgreSQL"],
)
def test_nothing_is_sold_that_is_not_there(
    begin: Begin, *, seed: int, notes_it: bool, limits: Limits, rounds: int, ends: bool
) -> None:
    day = begin(seed, notes_it=notes_it, limits=limits)
    go_on(day, rounds)
    day.check_sold()
    if ends:
        assert_all_is_on_offer(day, after=2)


@pytest.mark.parametrize("begin", ["sqlite_url"], indirect=True)
def test_if_amazon_is_slow_no_more_is_oversold_than_was_bought_in_the_meantime(begin: Begin) -> None:
    day = begin(105, notes_it=True, limits=Limits())
    day.stock.world.amazon.speed = 1.0  # a level lands a minute after Amazon has taken it
    day.hurry = 0.3
    go_on(day, 2)
    day.hurry = 0.0
    assert_all_is_on_offer(day, after=2)

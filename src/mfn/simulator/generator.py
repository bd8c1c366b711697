"""A realistic day of orders, the same for the same seed and start.

Of every hundred orders, the cases come in fixed numbers and a shuffled order, so that a small day has them all.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mfn.simulator import cases
from mfn.simulator.drafts import Document, add_item, draft_order, seeded, seller_in, set_totals
from mfn.simulator.rare_cases import RARE_CASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mfn.amazon.marketplaces import Marketplace
    from mfn.simulator.cases import Case

COMMON_CASES: dict[str, tuple[Case, int]] = {
    "plain": (cases.plain, 44),
    "seller_fulfilled_prime": (cases.seller_fulfilled_prime, 12),
    "business": (cases.business, 5),
    "premium": (cases.premium, 4),
    "gift": (cases.gift, 4),
    "kit": (cases.kit, 4),
    "alias": (cases.alias, 4),
    "many_lines": (cases.many_lines, 2),
    "partially_shipped": (cases.partially_shipped, 2),
    "cancelled": (cases.cancelled, 2),
    "cancel_requested": (cases.cancel_requested, 1),
    "fulfilled_by_amazon": (cases.fulfilled_by_amazon, 2),
    "prime_by_amazon": (cases.prime_by_amazon, 1),
    "sku_in_lower_case": (cases.sku_in_lower_case, 1),
    "sku_with_a_wrong_character": (cases.sku_with_a_wrong_character, 1),
    "sku_with_a_blank": (cases.sku_with_a_blank, 1),
    "unmapped_method": (cases.unmapped_method, 1),
    "no_address": (cases.no_address, 1),
    "incomplete_address": (cases.incomplete_address, 1),
}
PENDING = "pending"
PENDING_COUNT = 3
RARE_COUNT = 4
"""How many of a hundred orders are pending, and how many are rare cases, which take turns."""
BLOCK = 100
HOME_SHARE = 0.7
"""How many orders come from the first marketplace, the others sharing the rest."""
DAY = timedelta(hours=24)
YOUNGEST = timedelta(minutes=5)
"""So old is the youngest change of a day: Amazon's search shows nothing from the last two minutes."""


@dataclass(frozen=True)
class GeneratedOrder:
    """One order of the day.

    Attributes:
        document: What Amazon has of it, with all data sets.
        once_paid: What Amazon will have of it once it is paid; None for an order that is not pending.
    """

    document: Document
    once_paid: Document | None = None


def generate_day(
    orders: int, *, seed: int, start: datetime, marketplaces: Sequence[Marketplace], malformed: int = 0
) -> Iterator[GeneratedOrder]:
    """The orders that were placed in the 24 hours before a moment.

    Args:
        orders: How many.
        seed: Which day.
        start: The end of the day, which is where the local Amazon starts.
        marketplaces: Where; the first one has most of them.
        malformed: How many of them have a quantity that is no number, spread evenly.

    Yields:
        Orders, in no order of time; an order does not depend on how many others there are.
    """
    broken = {number * orders // malformed for number in range(malformed)} if malformed else set()
    for block in range(0, orders, BLOCK):
        for number, case in enumerate(_deck(seed, block // BLOCK)[: orders - block], start=block):
            order = _order(seed, number, case, start, marketplaces)
            if number in broken:
                order.document["orderItems"][0]["quantityOrdered"] = "two"
            yield order


def checkout_order(
    *, seed: str, marketplace: Marketplace, seller_sku: str, units: int, created: datetime
) -> GeneratedOrder:
    """The pending order of a buyer who has just checked out.

    Args:
        seed: What its ids and its address are drawn from.
        marketplace: Where.
        seller_sku: A SKU of the catalogue, as Amazon knows it.
        units: How many.
        created: When.
    """
    chance, seller = seeded(seed), seller_in(marketplace)
    order = draft_order(chance, seller, created)
    order["orderItems"].clear()
    add_item(chance, order, seller, seller_sku, units)
    set_totals(order, seller)
    return _pending(order)


def _deck(seed: int, block: int) -> list[str]:
    rare = list(RARE_CASES)
    deck = [name for name, (_, count) in COMMON_CASES.items() for _ in range(count)]
    deck += [PENDING] * PENDING_COUNT
    deck += [rare[(RARE_COUNT * block + turn) % len(rare)] for turn in range(RARE_COUNT)]
    seeded(seed, "deck", block).shuffle(deck)
    return deck


def _order(seed: int, number: int, case: str, start: datetime, marketplaces: Sequence[Marketplace]) -> GeneratedOrder:
    chance = seeded(seed, number)
    others = len(marketplaces) - 1
    weights = [HOME_SHARE] + [(1 - HOME_SHARE) / others] * others if others else [1.0]
    seller = seller_in(chance.choices(marketplaces, weights)[0])
    youngest = start - YOUNGEST
    if case == PENDING:
        created = youngest - timedelta(minutes=20) * chance.random()
    else:
        created = youngest - timedelta(minutes=30) - (DAY - timedelta(minutes=35)) * chance.random()
    order = draft_order(chance, seller, created)
    change = RARE_CASES[case] if case in RARE_CASES else COMMON_CASES.get(case, (cases.plain, 0))[0]
    change(chance, order, seller)
    set_totals(order, seller)
    return _pending(order) if case == PENDING else GeneratedOrder(order)


def _pending(order: Document) -> GeneratedOrder:
    shown = copy.deepcopy(order)
    cases.as_pending(shown)
    return GeneratedOrder(shown, once_paid=order)

"""Which units of imported orders are news to an offer, and which levels are sent to Amazon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from mfn.steps.stock.sending import Sending
from tests.stock_frames import CA, US

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def minutes(count: float | None) -> datetime | None:
    return None if count is None else NOON + timedelta(minutes=count)


def sending(*units: tuple[str, str, int, float, float], is_full: bool = False) -> Sending:
    """A run; orders are marketplace, SKU, units, and when they were imported and placed in minutes after noon."""
    rows = [(place, sku, count, minutes(at), minutes(placed)) for place, sku, count, at, placed in units]
    imported = pd.DataFrame(rows, columns=["marketplace_id", "seller_sku", "units", "counted_at", "placed_at"])
    nowhere: Any = None  # neither is asked for anything
    return Sending(nowhere, nowhere, NOON, None, imported, is_full=is_full, is_dry_run=False)


@pytest.mark.parametrize(
    ("imported_at", "placed_at", "is_news", "is_undone"),
    [
        (10, 9, False, False),
        (11, 9, True, False),
        (11, 2, True, True),
        (11, 1, True, True),
        (11, 0, True, False),
        (11, 5, True, True),
        (11, 6, True, False),
    ],
    ids=[
        "counted before", "placed after the sending", "out of its sight", "placed as it was covered",
        "in its sight", "placed as it was sent", "placed later",
    ],
)  # fmt: skip
def test_an_order_is_news_once_and_may_be_undone_only_where_the_last_sending_could_not_see_it(
    imported_at: float, placed_at: float, *, is_news: bool, is_undone: bool
) -> None:
    orders = [(US, "MUG", 2, imported_at, placed_at), (US, "POT", 9, 11, 2), (CA, "MUG", 9, 11, 2)]
    moments = {"counted_at": 10, "shown_at": 5, "covered_at_sending": 1}
    state = pd.DataFrame({name: [minutes(at)] for name, at in moments.items()}, index=["MUG"])
    units = sending(*orders)._units(US, state)
    assert {name: found.tolist() for name, found in units.items()} == {
        "imported": [2 if is_news and not is_undone else 0],
        "imported_earlier": [2 if is_undone else 0],
    }


def test_an_offer_that_was_never_counted_or_never_sent_has_nothing_undone() -> None:
    orders = [(US, sku, units, 11, 2) for sku in ("NEW", "UNSENT") for units in (2, 3)]
    moments = {"counted_at": [None, NOON], "shown_at": [None, None], "covered_at_sending": [None, None]}
    state = pd.DataFrame(moments, index=["NEW", "UNSENT"], dtype="datetime64[us, UTC]")
    units = sending(*orders)._units(US, state)
    assert {name: found.tolist() for name, found in units.items()} == {"imported": [0, 5], "imported_earlier": [0, 0]}


def looked_at(**facts: Any) -> pd.DataFrame:
    shown = {"is_shown": True, "is_to_send": False, "quantity": 5.0}
    sent = dict.fromkeys(("before", "level_sent", "level_sent_basis"), 5.0)
    return pd.DataFrame([shown | sent | facts])


NEW, LOST = {"before": None}, {"level_sent_basis": None}
OFF = {"is_shown": False, "is_to_send": True}
WAITS = {"is_shown": False}
UNSHOWN = OFF | {"quantity": None}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "full"),
        (NEW, "due full"),
        (OFF, "due later full"),
        (UNSHOWN, "due full"),
        (WAITS, ""),
        (LOST, "full"),
        (LOST | WAITS, "due later full"),
        (LOST | WAITS | {"level_sent": None}, ""),
    ],
    ids=["shown", "new", "off", "no quantity", "on its way", "refused and shown", "refused", "never sent"],
)
def test_levels_that_amazon_does_not_show_are_sent_and_of_the_others_only_new_ones_or_all_in_a_full_run(
    facts: dict[str, Any], expected: str
) -> None:
    offer = looked_at(**facts)
    runs = {"due": (False, True), "later": (False, False), "full": (True, True)}
    sent = [name for name, (full, due) in runs.items() if len(sending(is_full=full).to_send(offer, is_due=due))]
    assert sent == expected.split()
    assert not len(sending(is_full=True).to_send(looked_at(), is_due=False))

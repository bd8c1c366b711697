"""Stock runs on a machine whose clock jumps: no sale is counted twice, so that none is put up again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.ledger import imported_units

if TYPE_CHECKING:
    from datetime import tzinfo

    from tests.steps.pushing import Pushing


def clock_set_by(hours: float) -> type[datetime]:
    """What tells the time on a machine whose clock is wrong."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=hours)

    return Wrong


@pytest.mark.parametrize("hours", [-3, 3])
def test_an_order_explains_what_amazon_shows_less_once_also_where_the_clock_was_set_in_between(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    stock = pushing.stock
    pushing.run()
    stock.minutes_pass(5)
    stock.check_out("VASE", 3)
    stock.minutes_pass(5)
    stock.world.run()
    pushing.run()
    assert stock.shown("VASE") == 7
    stock.minutes_pass(20)
    stock.world.run()
    stock.receive("VASE", 15)
    pushing.run()
    assert stock.shown("VASE") == 12
    with monkeypatch.context() as wrong:
        wrong.setattr(imported_units, "datetime", clock_set_by(hours))
        pushing.run()
    stock.check_out("VASE", 1)  # and no import has brought it yet
    stock.receive("VASE", 20)
    pushing.run()
    assert stock.shown("VASE") == 20 - 3 - 1
    stock.minutes_pass(20)
    stock.world.run()
    pushing.run()
    assert stock.shown("VASE") == 20 - 3 - 1

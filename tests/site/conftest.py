"""The report site over a real ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.site.browsing import EVIL, LONG_ID, Browser
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def site(world: World) -> Browser:
    """The site over a ledger with one import: a good order, and two that are held."""
    world.put(an_order(), an_order(an_item(sku=EVIL), orderId=LONG_ID), an_order(level="OVERNIGHT", orderId="HELD-2"))
    world.run()
    return Browser("http://127.0.0.1:8400")

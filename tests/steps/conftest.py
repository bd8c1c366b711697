"""A world in which parcels are shipped and confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.steps.shipping import Shipping

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def shipping(world: World) -> Shipping:
    """Confirm runs in a small world, with the project's own list of carriers that Amazon accepts."""
    world.write_carriers()
    return Shipping(world)

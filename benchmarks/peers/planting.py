"""What goes wrong between the local Amazon and those who ask it: one reply in fifty, drawn from a seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.simulator.faults import Faults

SEED = 8
EVERY = 50
"""One reply in so many fails."""

OPERATIONS = ("searchOrders", "getOrder", "getOrders", "getOrderItems")
THROTTLED = {"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota for the requested resource."}]}
PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

KINDS: dict[str, Callable[[Faults, str], None]] = {
    "503 without a body": lambda faults, operation: faults.answer(operation, 503, media_type="text/plain"),
    "429": lambda faults, operation: faults.answer(operation, 429, THROTTLED),
    "502 with a page of HTML": lambda faults, operation: faults.answer(operation, 502, PAGE, media_type="text/html"),
    "a body that ends half-way": lambda faults, operation: faults.truncate(operation),
    "a connection that breaks": lambda faults, operation: faults.drop(operation),
}


def plant(faults: Faults, replies: int) -> None:
    """Let one reply in fifty fail, each kind of failure as often as any other.

    Args:
        faults: The local Amazon's.
        replies: For so many replies of each operation; all after them are good.
    """
    for operation in OPERATIONS:
        chance = random.Random(f"{SEED}:{operation}")  # noqa: S311 - the same faults each time, not a secret
        deck: list[str] = []
        for _ in range(0, replies, EVERY):
            if not deck:
                deck = chance.sample(sorted(KINDS), len(KINDS))
            before = chance.randrange(EVERY)
            faults.let_pass(operation, before)
            KINDS[deck.pop()](faults, operation)
            faults.let_pass(operation, EVERY - 1 - before)

"""A local Amazon that speaks both versions of the Orders API, in a process of its own.

`python -m benchmarks.peers.amazon '{"orders": …, "bad": …}'` prints what it has, then obeys its standard input:
`begin` forgets what was asked, `begin faults` lets one reply in fifty fail besides, `calls` tells what was asked.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from benchmarks.answering import answering
from benchmarks.local_amazon import SPEED
from benchmarks.peers import orders_v0
from benchmarks.peers.planting import plant
from benchmarks.stored_orders import SEED
from mfn.serving import base_url, listen
from mfn.simulator.app import create_app
from mfn.simulator.faults import Faults, ObservedConnection
from mfn.simulator.server import LOOPBACK, open_amazon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.answering import AnsweringProcess
    from mfn.simulator.local_amazon import LocalAmazon

MARKETPLACES = ("US",)
"""One: airbyte's source asks one marketplace only."""

STATUSES = frozenset({"PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "CANCELLED"})
TRIES = 4
"""For so many replies more than all orders need, faults are planted."""


@dataclass(frozen=True)
class Truth:
    """What Amazon has of what a seller who ships must get.

    Attributes:
        items: The ids of the order items that are left to ship, of each order that the seller fulfils and that is
            pending, unshipped, partially shipped or cancelled.
        bad: Those of these orders whose payload is broken.
    """

    items: dict[str, frozenset[str]]
    bad: frozenset[str]


class PeersAmazon:
    """A local Amazon that was started.

    Attributes:
        endpoint: Its base URL.
        truth: What it has.
    """

    def __init__(self, process: AnsweringProcess) -> None:
        self._process = process
        answer = json.loads(process.answer())
        self.endpoint = str(answer["endpoint"])
        self.truth = Truth(
            {order_id: frozenset(items) for order_id, items in answer["items"].items()}, frozenset(answer["bad"])
        )

    def begin(self, *, faults: bool) -> None:
        """Forget what was asked, and start over.

        Args:
            faults: Whether one reply in fifty fails.
        """
        self._process.ask("begin faults" if faults else "begin")

    def calls(self) -> dict[str, int]:
        """How often each operation was asked since `begin`."""
        calls: dict[str, int] = json.loads(self._process.ask("calls"))
        return calls


@contextmanager
def peers_amazon(orders: int, bad: int) -> Iterator[PeersAmazon]:
    """A local Amazon with a day of orders, until the block ends.

    Args:
        orders: How many orders Amazon has.
        bad: How many of them have a quantity that is no number.
    """
    with answering("benchmarks.peers.amazon", json.dumps({"orders": orders, "bad": bad})) as process:
        yield PeersAmazon(process)


def main(orders: int, bad: int) -> None:
    """Serve, say what there is, and obey."""
    amazon = open_amazon(orders=orders, seed=SEED, speed=SPEED, marketplaces=MARKETPLACES, malformed=bad)
    app = create_app(amazon)
    app.include_router(orders_v0.router)
    listener = listen(LOOPBACK, 0)
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=ObservedConnection, ws="none", lifespan="off", log_config=None, log_level="critical",
            access_log=False,
        )
    )  # fmt: skip
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    reply({"endpoint": base_url(LOOPBACK, listener), **_truth(amazon)})
    for line in sys.stdin:
        reply(obey(line.split(), amazon, orders))


def obey(words: list[str], amazon: LocalAmazon, orders: int) -> dict[str, int]:
    """Do what a line of the input says.

    Args:
        words: The line's.
        amazon: Between two measurements, when nobody asks it anything.
        orders: How many orders it has.

    Returns:
        How often each operation was asked since the last `begin`.
    """
    asked = Counter(call.operation for call in amazon.calls)
    if words[0] == "begin":
        amazon.calls.clear()
        amazon.faults = Faults()
        if "faults" in words:
            plant(amazon.faults, orders * TRIES)
    return dict(asked)


def reply(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(answer), flush=True)


def _truth(amazon: LocalAmazon) -> dict[str, Any]:
    wanted = [
        document
        for document in map(amazon.orders.get, amazon.orders.ids())
        if document["fulfillment"]["fulfilledBy"] == "MERCHANT"
        and document["fulfillment"]["fulfillmentStatus"] in STATUSES
    ]
    return {
        "items": {
            order["orderId"]: [item["orderItemId"] for item in order["orderItems"] if _is_left(item)]
            for order in wanted
        },
        "bad": [
            order["orderId"]
            for order in wanted
            if any(not isinstance(item["quantityOrdered"], int) for item in order["orderItems"])
        ],
    }


def _is_left(item: dict[str, Any]) -> bool:
    return bool((item.get("fulfillment") or {}).get("quantityUnfulfilled", 1))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

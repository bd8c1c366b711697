"""A local Amazon in a process of its own, until its input ends: `python -m benchmarks.local_amazon ORDERS LISTINGS`.

ORDERS is how many it makes, or a file of `benchmarks.stored_orders` that it serves.

Its budgets refill so fast that nobody ever waits for them, until a line of its standard input names another speed;
pending orders stay pending, so that a window always has the same orders.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.answering import answering
from benchmarks.goals import console
from benchmarks.stored_orders import SEED, StoredOrders
from mfn.simulator.plans import UsagePlans
from mfn.simulator.server import SimulatorServer, open_amazon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.answering import AnsweringProcess

SPEED = 1_000_000.0
LISTED_UNITS = 20
WARES = ("LAMP", "SHELF", "HOOK", "TRAY", "CLOTH")


class AmazonProcess:
    """A local Amazon that was started.

    Attributes:
        endpoint: Its base URL.
    """

    def __init__(self, process: AnsweringProcess) -> None:
        self._process = process
        self.endpoint = process.answer()

    def set_speed(self, speed: float) -> None:
        """Go by Amazon's usage plans at a speed, with full buckets."""
        self._process.ask(speed)


@contextmanager
def local_amazon(orders: int | Path, listings: int = 0) -> Iterator[AmazonProcess]:
    """A local Amazon with a day of orders, until the block ends.

    Args:
        orders: How many orders Amazon has, or the file in which `store_orders` has written them down.
        listings: How many SKUs are listed beside those of the orders, as `seller_skus` names them.
    """
    if isinstance(orders, int):
        console.print(f"a local Amazon makes {orders:,} orders{f' and {listings:,} listings' if listings else ''} …")
    with answering("benchmarks.local_amazon", str(orders), str(listings)) as process:
        yield AmazonProcess(process)


def seller_skus(count: int) -> list[str]:
    """SKUs beside those of the simulator's catalogue, as many as are wanted; always the same ones."""
    return [f"{WARES[number % len(WARES)]}-{number:06d}" for number in range(count)]


def main() -> None:
    """Serve, say where, and wait."""
    orders, listings = sys.argv[1], int(sys.argv[2])
    amazon = open_amazon(orders=int(orders) if orders.isdigit() else 0, seed=SEED, speed=SPEED)
    if not orders.isdigit():
        amazon.orders = StoredOrders(Path(orders))
    now = amazon.clock.now()
    for number, sku in enumerate(seller_skus(listings)):
        amazon.listings.add(amazon.marketplaces[0], sku, now=now, quantity=LISTED_UNITS, asin=f"B{number:09d}")
    with SimulatorServer(amazon) as server:
        print(server.endpoint, flush=True)
        for line in sys.stdin:
            amazon.plans = UsagePlans(amazon.clock, float(line))
            print(f"speed {float(line)}", flush=True)


if __name__ == "__main__":
    main()

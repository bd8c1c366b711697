"""A local Amazon in a process of its own, until its standard input ends: `python -m benchmarks.local_amazon ORDERS`.

Its budgets refill so fast that nobody ever waits for them, until a line of its standard input names another speed;
pending orders stay pending, so that a window always has the same orders.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.goals import ROOT, console
from mfn.simulator.plans import UsagePlans
from mfn.simulator.server import SimulatorServer, open_amazon

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 1
SPEED = 1_000_000.0


class AmazonProcess:
    """A local Amazon that was started.

    Attributes:
        endpoint: Its base URL.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.endpoint = self._answer()

    def set_speed(self, speed: float) -> None:
        """Go by Amazon's usage plans at a speed, with full buckets."""
        print(speed, file=self._process.stdin, flush=True)
        self._answer()

    def _answer(self) -> str:
        stdout: Any = self._process.stdout
        answer = stdout.readline().strip()
        if not answer:
            sys.exit("The local Amazon did not start or has stopped; what it said stands above.")
        return str(answer)


@contextmanager
def local_amazon(orders: int) -> Iterator[AmazonProcess]:
    """A local Amazon with a day of orders, until the block ends.

    Args:
        orders: How many orders Amazon has.
    """
    console.print(f"a local Amazon makes {orders:,} orders …")
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.local_amazon", str(orders)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield AmazonProcess(process)
        finally:
            process.terminate()


def main() -> None:
    """Serve, say where, and wait."""
    amazon = open_amazon(orders=int(sys.argv[1]), seed=SEED, speed=SPEED)
    with SimulatorServer(amazon) as server:
        print(server.endpoint, flush=True)
        for line in sys.stdin:
            amazon.plans = UsagePlans(amazon.clock, float(line))
            print(f"speed {float(line)}", flush=True)


if __name__ == "__main__":
    main()

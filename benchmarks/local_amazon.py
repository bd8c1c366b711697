"""A local Amazon in a process of its own, until its standard input ends: `python -m benchmarks.local_amazon ORDERS`.

Its budgets refill so fast that nobody ever waits for them; pending orders stay pending, so that a window always has the
same orders.
"""

from __future__ import annotations

import sys

from mfn.simulator.server import SimulatorServer, open_amazon

SEED = 1
SPEED = 1_000_000.0


def main() -> None:
    """Serve, say where, and wait."""
    with SimulatorServer(open_amazon(orders=int(sys.argv[1]), seed=SEED, speed=SPEED)) as server:
        print(server.endpoint, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

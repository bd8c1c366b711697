"""Many sellers in one process, until its input ends: `python -m benchmarks.many_amazons SELLERS ORDERS`.

Each seller has a loopback address of its own on one port, orders that no other has, and budgets that make nobody wait.
A line of its standard input, a number, gives all of them new orders.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from benchmarks.answering import answering
from benchmarks.goals import console
from benchmarks.local_amazon import SPEED
from mfn.serving import base_url, listen
from mfn.simulator.app import create_app
from mfn.simulator.server import open_amazon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from fastapi import FastAPI

    from benchmarks.answering import AnsweringProcess

IN_A_NET = 250
"""Sellers whose addresses differ in the last number only."""


class Sellers:
    """The process that was started.

    Attributes:
        endpoints: The base URL of each seller.
    """

    def __init__(self, process: AnsweringProcess) -> None:
        self._process = process
        self.endpoints = process.answer().split()

    def sell(self, number: int) -> None:
        """Give every seller new orders, in place of those that it had.

        Args:
            number: Other orders for each number.
        """
        self._process.ask(number)


@contextmanager
def many_amazons(sellers: int, orders: int) -> Iterator[Sellers]:
    """Local Amazons, one a seller, until the block ends.

    Args:
        sellers: How many.
        orders: How many orders each has.
    """
    console.print(f"{sellers} local Amazons make {orders} orders each …")
    with answering("benchmarks.many_amazons", str(sellers), str(orders)) as process:
        yield Sellers(process)


class ByAddress:
    """Hands a request to the application of the address at which it came in.

    Args:
        applications: By address.
    """

    def __init__(self, applications: dict[str, FastAPI]) -> None:
        self._applications = applications

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        await self._applications[scope["server"][0]](scope, receive, send)


def main() -> None:
    """Serve, say where, and wait."""
    count, orders = map(int, sys.argv[1:])
    addresses = [f"127.1.{number // IN_A_NET}.{number % IN_A_NET + 1}" for number in range(count)]
    first = listen(addresses[0], 0)
    port = first.getsockname()[1]
    sockets = [first, *(listen(address, port) for address in addresses[1:])]
    applications = {address: create_app(open_amazon(orders=1, seed=1)) for address in addresses}
    config = uvicorn.Config(
        ByAddress(applications), ws="none", lifespan="off", log_config=None, log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True).start()
    print(*(base_url(address, first) for address in addresses), flush=True)
    for line in sys.stdin:
        sell(list(applications.values()), orders, int(line))
        print("sold", flush=True)


def sell(applications: Sequence[FastAPI], orders: int, number: int) -> None:
    """Give every seller new orders."""
    for position, application in enumerate(applications):
        seed = number * len(applications) + position
        application.state.amazon = open_amazon(orders=orders, seed=seed, speed=SPEED)


if __name__ == "__main__":
    main()

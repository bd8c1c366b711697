"""The local Amazon on a port of this machine."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from mfn.amazon.marketplaces import BY_NAME, Marketplace, find_marketplace
from mfn.errors import ConfigurationError, FatalError
from mfn.serving import base_url, listen, serve_until_interrupted
from mfn.simulator.app import create_app
from mfn.simulator.clock import Clock
from mfn.simulator.faults import ObservedConnection
from mfn.simulator.generator import generate_day
from mfn.simulator.local_amazon import LocalAmazon

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from types import TracebackType

LOOPBACK = "127.0.0.1"
DEMO_SELLER = "A2LOCALSELLER01"
DEMO_MARKETPLACES = ("US", "CA")


def open_amazon(
    *,
    orders: int,
    seed: int,
    marketplaces: Sequence[str] = DEMO_MARKETPLACES,
    malformed: int = 0,
    speed: float = 1.0,
    life_speed: float = 1.0,
    clock: Clock | None = None,
    seller_id: str = DEMO_SELLER,
) -> LocalAmazon:
    """A local Amazon with a day of orders behind it, not served yet.

    Args:
        orders: How many orders the day has.
        seed: Which day; the same seed and start give the same orders.
        marketplaces: Names or ids.
        malformed: How many of the orders cannot be decoded.
        speed: What the rates of the usage plans and the pace of feeds and patches are multiplied with.
        life_speed: What the pace from PENDING to UNSHIPPED is multiplied with; 1 means half an hour.
        clock: Where time comes from; None for the machine's.
        seller_id: The seller's id.

    Raises:
        ConfigurationError: A marketplace is unknown.
    """
    known = [_known(name) for name in marketplaces]
    clock = clock or Clock()
    amazon = LocalAmazon(seller_id=seller_id, marketplaces=known, clock=clock, speed=speed, life_speed=life_speed)
    amazon.open_day(generate_day(orders, seed=seed, start=clock.now(), marketplaces=known, malformed=malformed))
    return amazon


class SimulatorServer:
    """A local Amazon in a thread of its own, on a free port, for as long as the `with` lasts.

    Args:
        amazon: What to serve, as `open_amazon` makes it.

    Attributes:
        amazon: The state, to look into and to plant faults in; change it between requests.
        endpoint: Its base URL, for the Selling Partner API and for Login with Amazon.

    Raises:
        FatalError: On entering: it ended before it answered, with what it ended of as the cause.
    """

    def __init__(self, amazon: LocalAmazon) -> None:
        self.amazon = amazon
        self._listener = listen(LOOPBACK, 0)
        self.endpoint = base_url(LOOPBACK, self._listener)
        self._server = _ThreadedServer(_config(amazon))
        self._died_of: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="local-amazon", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server.ready.wait()
        if self._died_of is not None:
            self._listener.close()
            raise FatalError(
                f"the local Amazon at {self.endpoint} stopped before it answered: {self._died_of!r}.",
                remedy="Fix that fault and start it again.",
            ) from self._died_of
        return self

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - also the SystemExit with which uvicorn gives up
            self._died_of = error
        finally:
            self._server.ready.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()


def serve(
    *,
    port: int,
    orders: int,
    seed: int,
    speed: float,
    on_ready: Callable[[str], None],
    malformed: int = 1,
    notify: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Serve the local Amazon until interrupted; prints nothing.

    Args:
        port: The port on 127.0.0.1; 0 for a free one.
        orders: How many orders the day has.
        seed: Which day.
        speed: What all rates and paces are multiplied with.
        on_ready: Told the base URL once it answers.
        malformed: How many of the orders cannot be decoded.
        notify: As `LocalAmazon.notify`; it may not raise.

    Raises:
        ConfigurationError: The port is taken.
    """
    listener = listen(LOOPBACK, port)
    amazon = open_amazon(orders=orders, seed=seed, speed=speed, life_speed=speed, malformed=min(malformed, orders))
    amazon.notify = notify
    serve_until_interrupted(_config(amazon), listener, on_ready=lambda: on_ready(base_url(LOOPBACK, listener)))


class _ThreadedServer(uvicorn.Server):
    """Stops at once: uvicorn's own loop looks every tenth of a second, which is most of a test's time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._asked_to_stop = asyncio.Event()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._asked_to_stop.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._asked_to_stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for listener in sockets or []:
            listener.close()
        await self.lifespan.shutdown()


def _config(amazon: LocalAmazon) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(amazon),
        http=ObservedConnection,
        ws="none",
        lifespan="on" if amazon.notify is not None else "off",
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _known(name: str) -> Marketplace:
    marketplace = find_marketplace(name)
    if marketplace is None:
        raise ConfigurationError(
            f"no marketplace is called {name!r}.", remedy=f"Valid values are: {', '.join(BY_NAME)}, or Amazon's ids."
        )
    return marketplace

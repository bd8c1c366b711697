"""A web application of this project on a port, until interrupted."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from mfn.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


def listen(host: str, port: int, *, setting: str = "--port") -> socket.socket:
    """Open a listening socket.

    Args:
        host: An address of this machine, or its name.
        port: The port; 0 for a free one.
        setting: The option or setting that chooses it, for the message.

    Raises:
        ConfigurationError: The port is taken, or the address is not this machine's.
    """
    if not host.strip():  # which would be every address of this machine, including those that others can reach
        remedy = "Use e.g. 127.0.0.1, or 0.0.0.0 for all addresses of this machine."
        raise ConfigurationError("the address to listen on is empty.", remedy=remedy)
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError, OverflowError) as error:
        cause = str(getattr(error, "strerror", None) or error).partition(" (while")[0]
        remedy = f"Choose another one with {setting}, or stop the program that uses it."
        if isinstance(error, PermissionError):
            remedy = f"Choose one above 1023 with {setting}: lower ports need administrator rights."
        elif getattr(error, "errno", None) != errno.EADDRINUSE:
            remedy = "Use an address of this machine, e.g. 127.0.0.1, and a port up to 65535."
        raise ConfigurationError(f"port {port} of {host} cannot be used: {cause}.", remedy=remedy) from None
    # Accepted connections inherit this; asyncio would set it only for a socket that it opened itself. Without it, the
    # body of an answer waits 40 ms until the client has acknowledged its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def base_url(host: str, listener: socket.socket) -> str:
    """The URL of a listening socket for a browser on this machine.

    Args:
        host: As `listen` was given it.
        listener: What it returned.
    """
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


def serve_until_interrupted(config: uvicorn.Config, listener: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve an application until Ctrl-C or SIGTERM; prints nothing.

    Args:
        config: The application and how it is served.
        listener: What `listen` returned.
        on_ready: Called once it answers.
    """
    server = _AnnouncedServer(config, on_ready=on_ready)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has closed everything
        server.run(sockets=[listener])


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

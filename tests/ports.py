"""Ports for programs that are told theirs before they start."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

OURS = range(20_000, 32_000)
"""Below those that the system gives to whoever asks for any: a simulator of another test may get one of them at any
moment until the program listens."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, each another one."""
    found: list[int] = []
    with ExitStack() as open_sockets:
        for port in random.SystemRandom().sample(OURS, len(OURS)):
            if len(found) == count:
                break
            probe = open_sockets.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]

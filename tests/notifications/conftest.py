"""A local SQS, and the small world with a queue on it, to which its Amazon tells every change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

from tests.notifications.notified import Notified, a_queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.world import World


@pytest.fixture(scope="session")
def sqs() -> Iterator[str]:
    """The base URL of a local SQS that lives as long as the tests."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def notified(world: World, sqs: str, monkeypatch: pytest.MonkeyPatch) -> Notified:
    """The small world, its connection with an empty queue of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    queue_url = a_queue(sqs)
    notified = Notified(world, sqs, queue_url)
    notified.write_connections()
    world.amazon.notify = notified.queue.send
    return notified

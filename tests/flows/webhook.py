"""A webhook on loopback, and the Prefect block that notifies it."""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from prefect.blocks.notifications import CustomWebhookNotificationBlock

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 90
"""On a busy machine; a message that comes ends the wait."""

NUMBERS = itertools.count(1)


@dataclass
class Webhook:
    """What has arrived.

    Attributes:
        block: The notification block, as `MFN_NOTIFICATION_BLOCK` names it.
        arrived: Messages that nobody has looked at, as (content type, body).
        seen: Messages that were looked at.
    """

    block: str
    arrived: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)
    seen: list[dict[str, str]] = field(default_factory=list)

    def message(self, subject: str) -> str:
        """The text of the message with this subject, once it has arrived; messages overtake each other."""
        until = time.monotonic() + SECONDS
        while not (found := [said["text"] for said in self.seen if said["subject"] == subject]):
            try:
                kind, body = self.arrived.get(timeout=max(until - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"no message {subject!r}; there were {self.seen}") from None
            assert kind == "application/json"
            self.seen.append(json.loads(body))
        (text,) = found
        return text


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serve a webhook until the block ends."""
    name = f"alerts-{next(NUMBERS)}"
    hook = Webhook(f"custom-webhook/{name}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.arrived.put((self.headers["Content-Type"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        CustomWebhookNotificationBlock(
            name=name,
            url=f"http://127.0.0.1:{server.server_port}/alerts",
            json_data={"subject": "{{subject}}", "text": "{{body}}"},
            headers=None,
            cookies=None,
        ).save(name)
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

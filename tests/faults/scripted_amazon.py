"""A server on loopback that answers with exactly the bytes a test writes down, faults of the connection included."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

DROPPED = b""
SILENT = None
"""No answer at all, until the client has given up."""

Answer = bytes | None


def answer(status: int, body: bytes | str | dict[str, Any] = b"", **headers: str) -> bytes:
    """A whole answer; a dictionary becomes JSON, an underscore in a header's name a dash."""
    raw = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    kind = "application/json" if isinstance(body, dict) else "text/html"
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(raw)}"]
    given = {"content-type": kind, "x-amzn-RequestId": "request-1"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def errors(status: int, code: str, message: str, details: str = "", **headers: str) -> bytes:
    """Amazon's way of saying what is wrong."""
    return answer(status, {"errors": [{"code": code, "message": message, "details": details}]}, **headers)


@dataclass
class Request:
    """What arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: str


@dataclass
class ScriptedAmazon:
    """The server; the last answer of each list is given again and again.

    Attributes:
        login: What Login with Amazon answers.
        api: What the Selling Partner API answers.
        documents: What the addresses of documents answer, all those below `/documents/`.
        requests: What has arrived, in order.
        connections: How many connections were opened.
    """

    login: list[Answer] = field(default_factory=lambda: [answer(200, {"access_token": "Atza|token-1"})])
    api: list[Answer] = field(default_factory=list)
    documents: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._finished = threading.Event()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                script.connections += 1

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def do_PATCH(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def _serve(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                flat = [{name: values[0] for name, values in parse_qs(text).items()} for text in (url.query, body)]
                script.requests.append(Request(url.path, flat[0], headers, flat[1], body))
                documents = script.documents if url.path.startswith("/documents/") else script.api
                answers = script.login if url.path == "/auth/o2/token" else documents
                raw = answers.pop(0) if len(answers) > 1 else answers[0]
                if raw is None:
                    script._finished.wait()
                    raw = DROPPED
                self.wfile.write(raw)
                head, _, sent = raw.partition(b"\r\n\r\n")
                self.close_connection = b"content-length: %d" % len(sent) not in head

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finished.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def endpoint(self) -> str:
        """The base URL of both, login and API."""
        return f"http://{self.host}"

    def arrived(self, path: str) -> list[Request]:
        """The requests to a path."""
        return [request for request in self.requests if request.path == path]

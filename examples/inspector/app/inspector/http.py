"""A small HTTP server on Python's own: streams in and out, finishes its answers when told."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from inspector.log import say

_IDLE_SECONDS = 75
_SAFE = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own. `closing` is set when told to stop."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, handler: type["Handler"]) -> None:
        super().__init__(("0.0.0.0", port), handler)
        self.closing = threading.Event()
        self._answering = 0
        self._changed = threading.Condition()

    def answering(self, change: int) -> None:
        """One more answer under way, or one less."""
        with self._changed:
            self._answering += change
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait for the answers under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._answering == 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no news; the rest is said in `Handler`."""


class Body:
    """What a request carries, with a length or in chunks, as bytes in order."""

    def __init__(self, stream: Any, headers: Any) -> None:
        self._stream = stream
        self._chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._left = 0 if self._chunked else int(headers.get("Content-Length") or 0)
        self.ended = not self._chunked and not self._left

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes. Raises ConnectionError when the client leaves in the middle."""
        if not self._left and self._chunked and not self.ended:
            self._left = int(self._stream.readline(64).split(b";")[0], 16)
            if not self._left:
                self._stream.readline(64)
                self.ended = True
        if self.ended:
            return b""
        part: bytes = self._stream.read(min(size, self._left))
        if not part:
            raise ConnectionError("the client left in the middle")
        self._left -= len(part)
        if self._chunked and not self._left:
            self._stream.readline(8)
        self.ended = not self._left and not self._chunked
        return part


class Handler(BaseHTTPRequestHandler):
    """One connection. Subclasses answer in `route(method, path)`."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: Server
    quiet: ClassVar[tuple[str, ...]] = ("/healthz",)

    def setup(self) -> None:
        """Small answers leave at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def route(self, method: str, path: str) -> None:
        """Answer."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def send_json(self, status: int, content: Any) -> None:
        """A whole answer."""
        self.send_content(status, json.dumps(content).encode(), "application/json")

    def send_problem(self, status: int, problem: str) -> None:
        """An answer that says what is wrong."""
        self.send_json(status, {"error": problem})

    def send_content(self, status: int, content: bytes, kind: str) -> None:
        """A whole answer of any kind."""
        self.begin(status, {"Content-Type": kind, "Content-Length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """The head of an answer."""
        self.status = status
        self.send_response(status)
        for name, value in (headers | _SAFE).items():
            self.send_header(name, value)
        if not self.body.ended or self.server.closing.is_set():
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are said in `_answer`."""

    def _answer(self, method: str) -> None:
        started = time.monotonic()
        self.status = 0
        self.server.answering(+1)
        try:
            self.body = Body(self.rfile, self.headers)
            self.route(method, self.path.partition("?")[0])
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self._fault(error)
        finally:
            self.server.answering(-1)
        if self.path not in self.quiet:
            seconds = round(time.monotonic() - started, 4)
            say("request", method=method, path=self.path, status=self.status, seconds=seconds)

    def _fault(self, error: Exception) -> None:
        say("fault", level="error", path=self.path, error=repr(error))
        self.close_connection = True
        if not self.status:
            self.send_problem(500, "something went wrong here; the log says what")

"""A small server that answers as the real one does, and remembers what it was asked.

Answers are set per method and path; streams are lists of events. Nothing here decides
anything: a test says what the server says.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = Any | Callable[["Asked"], Any]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Refusal:
    """An answer that is an error."""

    status: int
    error: dict[str, Any]


@dataclass
class Stream:
    """An answer of server-sent events: (name, data) pairs; cut off without an end if told."""

    events: list[tuple[str, Any]]
    between: Callable[[int], None] | None = None


@dataclass
class FakeServer:
    """Set `answers[method, path]`; read `asked`."""

    url: str = ""
    token: str = "let-me-in"
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, answer: Answer) -> "FakeServer":
        self.answers[method, path] = answer
        return self

    def bodies(self, method: str, path: str) -> list[Any]:
        return [each.json for each in self.asked if (each.method, each.path) == (method, path)]


def error(code: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "subject": "", "cause": cause, "hint": "", **more}


@contextmanager
def running() -> Iterator[FakeServer]:
    fake = FakeServer()
    fake.on("GET", "/healthz", {"ok": True, "version": "0.1.0"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
            fake.asked.append(asked)
            if parts.path != "/healthz" and self.headers["Authorization"] != f"Bearer {fake.token}":
                self._json(401, {"error": error("unauthenticated", "the token is not known")})
                return
            answer = fake.answers.get((self.command, parts.path))
            if callable(answer):
                answer = answer(asked)
            if answer is None:
                self._json(404, {"error": error("not_found", f"nothing at {parts.path}")})
            elif isinstance(answer, Refusal):
                self._json(answer.status, {"error": answer.error})
            elif isinstance(answer, Stream):
                self._stream(answer, int(self.headers.get("Last-Event-ID") or 0))
            else:
                self._json(200, answer)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def _json(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, stream: Stream, after: int) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for number, (name, data) in enumerate(stream.events, start=1):
                if number <= after:
                    continue
                if stream.between:
                    stream.between(number)
                if name == "cut":
                    return
                text = f": alive\nevent: {name}\nid: {number}\ndata: {json.dumps(data)}\n\n"
                self.wfile.write(text.encode())
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler

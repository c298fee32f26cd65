"""The server, over HTTP: requests, streams, and errors as exceptions."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from skerry.cli.events import Event, parse_events
from skerry.cli.failures import as_error
from skerry.cli.target import Target, find_target
from skerry.errors import ServerUnavailable, SkerryError

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 120.0  # a plan of thousands of services takes a while


class Door(Protocol):
    """Where a command asks: a server over HTTP, or the operations in this process."""

    lasting: bool
    """Whether what was begun goes on without this command."""

    @property
    def target(self) -> Target:
        """Which server it is."""

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON. None in the query is left out."""

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """A request with a body; its answer, None when empty. Raises SkerryError."""

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        after: str = "",
        upload: tuple[IO[bytes], int] | None = None,
        silence_seconds: float | None = None,
    ) -> Iterator[Event]:
        """Events until their end, from the one after the id `after`. Raises SkerryError."""

    def close(self) -> None:
        """Let go."""


class Server:
    """One server. Requests share a connection; each stream has its own."""

    lasting = True

    def __init__(self, target: Target) -> None:
        self.target = target
        self._parts = urlsplit(target.url)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON. None in the query is left out."""
        return self.send("GET", path + _query(query))

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """A request with a JSON body; its answer's JSON, None when empty. Raises SkerryError
        as the server said it, or ServerUnavailable when it does not answer."""
        data = None if body is None else json.dumps(body).encode()
        try:
            response = self._request(method, path, data)
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._silent(error) from error
        if response.status >= 400:
            raise self._refused(response, answer)
        try:
            return json.loads(answer) if answer.strip() else None
        except ValueError:
            raise self._foreign(response) from None

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        after: str = "",
        upload: tuple[IO[bytes], int] | None = None,
        silence_seconds: float | None = None,
    ) -> Iterator[Event]:
        """Server-sent events until the server ends them, from the one after the id `after`.
        With an upload (a file and its size) it is a POST. Raises ServerUnavailable when the
        stream breaks, or nothing at all comes for `silence_seconds`."""
        headers = self._headers(accept="text/event-stream")
        if after:
            headers["Last-Event-ID"] = after
        body = None
        if upload:
            body, size = upload
            headers |= {"Content-Type": "application/x-tar", "Content-Length": str(size)}
        connection = self._connect()
        try:
            url = self._parts.path + path + _query(query or {})
            connection.request("POST" if upload else "GET", url, body=body, headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise self._refused(response, response.read())
            if connection.sock is not None:
                connection.sock.settimeout(silence_seconds)
            yield from parse_events(response)
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Drop the shared connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    def _request(self, method: str, path: str, data: bytes | None) -> http.client.HTTPResponse:
        fresh = self._connection is None
        self._connection = self._connection or self._connect()
        headers = self._headers()
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, self._parts.path + path, body=data, headers=headers)
            return self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if fresh:
                raise
            self.close()  # an idle connection the server had closed: once more on a new one
            return self._request(method, path, data)

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "localhost", self._parts.port
        connection: http.client.HTTPConnection
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise self._silent(error) from error
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _headers(self, *, accept: str = "application/json") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.target.token}", "Accept": accept}

    def _refused(self, response: http.client.HTTPResponse, answer: bytes) -> SkerryError:
        try:
            return as_error(json.loads(answer)["error"])
        except (ValueError, KeyError, TypeError):
            return self._foreign(response)

    def _foreign(self, response: http.client.HTTPResponse) -> SkerryError:
        return SkerryError(
            f"answered {response.status} {response.reason}, which is not Skerry's way",
            subject=self.target.url,
            hint="skerry version (is this a Skerry server, and of this version?)",
        )

    def _silent(self, error: Exception) -> ServerUnavailable:
        if not self.target.remote and not self.target.alive:
            cause, hint = "the server has ended", "skerry up"
        elif isinstance(error, TimeoutError):
            cause, hint = "the server did not answer in time", "skerry doctor"
        elif isinstance(error, ssl.SSLError):
            cause, hint = f"no trusted connection: {error}", "check SKERRY_SERVER"
        else:
            cause = f"the server does not answer: {getattr(error, 'strerror', None) or error}"
            hint = "check SKERRY_SERVER" if self.target.remote else "skerry up"
        return ServerUnavailable(cause, subject=self.target.url, hint=hint)


def connect() -> Server:
    """The server the environment names. Raises as `find_target` does."""
    return Server(find_target())


def service_path(name: str, verb: str = "", *, cells: Sequence[str] = ()) -> str:
    """`"payments/checkout"` -> `/v1/services/payments/checkout`, with the verb at its end, and
    the cells that are meant."""
    from skerry.model.keys import parse_service_key

    key = parse_service_key(name)
    path = f"/v1/services/{quote(key.namespace, safe='')}/{quote(key.name, safe='')}"
    return (f"{path}/{verb}" if verb else path) + _query({"cell": cells})


def _query(values: Mapping[str, Any]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
        if value is not None and value != () and value != []
    }
    return "?" + urlencode(given, doseq=True) if given else ""

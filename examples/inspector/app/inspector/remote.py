"""An archive that another service keeps, read over HTTP by ranges: no worker needs a disk."""

import http.client
from urllib.parse import urlsplit

from inspector.faults import Gone

_AHEAD = 256 * 1024
_LARGEST_AHEAD = 4 * 2**20
_SECONDS = 30


class Unreachable(Exception):
    """The service did not answer; it may later."""


class RemoteFile:
    """A file at `url`. Reads ahead: little after a jump, more the longer it goes on."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._path = parts.path
        self._connection: http.client.HTTPConnection | None = None
        self._at = 0
        self._buffer = b""
        self._buffer_at = 0
        self._ahead = _AHEAD
        self.size = self._length()

    def close(self) -> None:
        """End the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def seek(self, to: int, /) -> int:
        """Go there."""
        self._at = to
        return to

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes from here. Raises Unreachable, or Gone."""
        start = self._at - self._buffer_at
        if not 0 <= start < len(self._buffer):
            self._fill()
            start = 0
        wanted = len(self._buffer) if size < 0 else size
        part = self._buffer[start : start + wanted]
        self._at += len(part)
        return part

    def _fill(self) -> None:
        follows = self._at == self._buffer_at + len(self._buffer)
        self._ahead = min(self._ahead * 2, _LARGEST_AHEAD) if follows else _AHEAD
        self._buffer_at = self._at
        self._buffer = b""
        if self._at < self.size:
            last = min(self._at + self._ahead, self.size) - 1
            self._buffer = self._ask("GET", {"Range": f"bytes={self._at}-{last}"})[1]

    def _length(self) -> int:
        return int(self._ask("HEAD", {})[0])

    def _ask(self, method: str, headers: dict[str, str]) -> tuple[str, bytes]:
        """Length and content, asked once more when a kept connection turns out to be closed."""
        for last in (False, True):
            try:
                return self._ask_once(method, headers)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if last:
                    raise Unreachable(f"{self._host}:{self._port}: {error}") from error
        raise AssertionError

    def _ask_once(self, method: str, headers: dict[str, str]) -> tuple[str, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)
        self._connection.request(method, self._path, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status in (404, 410):
            raise Gone("the archive is not kept any more: send it again")
        if answer.status not in (200, 206):
            raise Unreachable(f"{self._host}:{self._port} answers {answer.status}")
        return answer.headers.get("Content-Length", "0"), content

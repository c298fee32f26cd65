"""Reading bytes that may be hostile: forward only, counted, hashed, never much at once."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

from inspector.faults import BadArchive

# Tar keeps long names in headers of any size it likes, and reads them whole.
MAX_READ = 4 * 2**20
_CHUNK = 256 * 1024


class Source(Protocol):
    """Bytes, in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""


class Forward:
    """What `tarfile` needs of a file, over a source that only goes forward.

    Raises BadArchive for more than `limit` bytes, for a read that is too large and for a
    step back, which no honest archive asks for.
    """

    def __init__(self, source: Source, *, limit: int, beat: Callable[[], None]) -> None:
        self._source = source
        self._limit = limit
        self._beat = beat
        self._at = 0

    def tell(self) -> int:
        """Bytes passed so far."""
        return self._at

    def seek(self, to: int, whence: int = 0) -> int:
        """Skip forward to `to`."""
        if whence != 0 or to < self._at:
            raise BadArchive("a tar header points backwards")
        while self._at < to:
            if not self._take(min(_CHUNK, to - self._at)):
                break
        return self._at

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, fewer only at the end."""
        if not 0 <= size <= MAX_READ:
            raise BadArchive("a tar header claims to be larger than any real one")
        parts = []
        while size > 0 and (part := self._take(min(_CHUNK, size))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def drain(self) -> None:
        """Pass all that is left."""
        while self._take(_CHUNK):
            pass

    def _take(self, size: int) -> bytes:
        part = self._source.read(size)
        self._at += len(part)
        if self._at > self._limit:
            raise BadArchive(f"it unpacks to more than {self._limit // 2**20} MiB")
        self._beat()
        return part


class Hashed:
    """Passes bytes on, and knows their digest afterwards."""

    def __init__(self, source: Source, algorithm: str = "sha256") -> None:
        self._source = source
        self._hash = hashlib.new(algorithm)
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        """As the source."""
        part = self._source.read(size)
        self._hash.update(part)
        self.size += len(part)
        return part

    def drain(self) -> None:
        """Pass all that is left."""
        while self.read(_CHUNK):
            pass

    def digest(self) -> str:
        """Of what has passed, as `sha256:...`."""
        return f"{self._hash.name}:{self._hash.hexdigest()}"


class Gunzipped:
    """A gzip stream unpacked piece by piece: a bomb costs time within limits, never memory."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(wbits=31)
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes of what was packed. Raises BadArchive where it is damaged."""
        try:
            return self._next(size if size > 0 else _CHUNK)
        except zlib.error as error:
            raise BadArchive(f"a layer's compression is damaged: {error}") from error

    def _next(self, size: int) -> bytes:
        while not self._ended:
            if self._inflate.eof:
                self._next_member()
                continue
            packed = self._inflate.unconsumed_tail or self._source.read(64 * 1024)
            if part := self._inflate.decompress(packed, size):
                return part
            if not packed and not self._inflate.eof:
                raise BadArchive("a layer's compression ends in the middle")
        return b""

    def _next_member(self) -> None:
        """gzip allows several streams in one; some tools write them so."""
        more = self._inflate.unused_data or self._source.read(64 * 1024)
        self._ended = not more.strip(b"\0")
        self._inflate = zlib.decompressobj(wbits=31)
        if not self._ended:
            self._source = _Pushed(more, self._source)


class _Pushed:
    """A source with bytes put back before it."""

    def __init__(self, first: bytes, rest: Source) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        if not self._first:
            return self._rest.read(size)
        size = len(self._first) if size < 0 else size
        part, self._first = self._first[:size], self._first[size:]
        return part

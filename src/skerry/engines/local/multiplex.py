"""The container engine's log stream: frames of one of two outputs. Pure."""

import struct
from collections.abc import Iterator

from skerry.model.process import Stream

_HEADER = struct.Struct(">BxxxL")
_STREAMS = {1: Stream.STDOUT, 2: Stream.STDERR}


class Demultiplexer:
    """Bytes in, whole lines out, each with its stream. Lines split over frames are joined."""

    def __init__(self) -> None:
        self._frames = bytearray()
        self._partial = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def feed(self, data: bytes) -> Iterator[tuple[Stream, str]]:
        """The lines these bytes complete."""
        self._frames += data
        while len(self._frames) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._frames)
            end = _HEADER.size + length
            if len(self._frames) < end:
                return
            payload = bytes(self._frames[_HEADER.size : end])
            del self._frames[:end]
            yield from self._split(_STREAMS.get(number, Stream.STDOUT), payload)

    def rest(self) -> Iterator[tuple[Stream, str]]:
        """What was said last, without an end of line."""
        for stream, partial in self._partial.items():
            if partial:
                yield stream, partial.decode(errors="replace")
        self._partial = dict.fromkeys(self._partial, b"")

    def _split(self, stream: Stream, payload: bytes) -> Iterator[tuple[Stream, str]]:
        *whole, self._partial[stream] = (self._partial[stream] + payload).split(b"\n")
        for line in whole:
            yield stream, line.decode(errors="replace").rstrip("\r")


def lines_of(said: bytes) -> list[tuple[Stream, str]]:
    """All lines of a whole answer."""
    demultiplexer = Demultiplexer()
    return [*demultiplexer.feed(said), *demultiplexer.rest()]

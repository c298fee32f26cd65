"""Server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import orjson
from fastapi.responses import StreamingResponse
from starlette.types import Receive

from skerry.loops import Tasks

QUIET: Final = b": alive\n\n"
QUIET_SECONDS: Final = 10.0


class Events(StreamingResponse):
    """A stream of what `event` makes. Never cached, never held back by a proxy."""

    media_type = "text/event-stream"

    def __init__(
        self,
        content: AsyncIterator[bytes],
        status_code: int = 200,
        *,
        uploaded: asyncio.Event | None = None,
    ) -> None:
        super().__init__(content, status_code, headers={"X-Accel-Buffering": "no"})
        self._uploaded = uploaded

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Where the request's body is read while the answer is given (`uploaded` is set at
        its end), listening any earlier would take the body away."""
        if self._uploaded is not None:
            await self._uploaded.wait()
        await super().listen_for_disconnect(receive)


def event(name: str, data: Any, *, id: str = "") -> bytes:
    """One event, its data as JSON on one line."""
    numbered = f"id: {id}\n" if id else ""
    return f"{numbered}event: {name}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


async def kept_alive(stream: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The stream, with a comment whenever it is quiet: so that both ends and every proxy
    between know that it lives."""
    tasks = Tasks()
    async with aclosing(stream):
        try:
            while True:
                coming = tasks.spawn(_next(stream), name="the next event")
                while not (await asyncio.wait({coming}, timeout=QUIET_SECONDS))[0]:
                    yield QUIET
                if (chunk := coming.result()) is None:
                    return
                yield chunk
        finally:
            await tasks.close()


async def _next(stream: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(stream, None)

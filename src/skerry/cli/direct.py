"""A command's door without a server: the operations in this process, on a loop of their own.

Looks like `connection.Server`: the same paths, the same views, the same errors. What was
begun ends with the command; whatever is left half done in a cell, the next command there
finishes or undoes.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from skerry.cli.events import Event
from skerry.cli.target import Target, state_folder

if TYPE_CHECKING:
    from skerry.operations.fleet import Fleet

T = TypeVar("T")
CLOSE_SECONDS: Final = 10.0
# A command ends soon: what it makes is looked through for garbage less often than a program
# that stays would. A tenth of the time to a plan.
_COLLECTIONS: Final = (100_000, 50, 100)


class Direct:
    """The operations, asked as a server is."""

    lasting = False
    target = Target(url="direct", token="", remote=False)

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opened = AsyncExitStack()
        self._fleet: Fleet | None = None

    def get(self, path: str, **query: Any) -> Any:
        """The answer."""
        return self.send("GET", path + _query(query))

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """A request, carried out here. Raises SkerryError."""
        return self.run(self._answer(method, path, body))

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        after: str = "",
        upload: tuple[IO[bytes], int] | None = None,
        silence_seconds: float | None = None,
    ) -> Iterator[Event]:
        """Events until their end."""
        events = self.run(self._events(path + _query(query or {}), after))
        try:
            while (event := self.run(_next(events))) is not None:
                yield event
        finally:
            self.run(_end(events))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something on the loop, waited for. Ctrl-C ends the wait and the work."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def fleet(self) -> "Fleet":
        """All cells, opened with the first request."""
        if self._fleet is None:
            from skerry.wiring.direct import open_direct

            opening = open_direct(state_folder().absolute(), os.environ)
            self._fleet = await self._opened.enter_async_context(opening)
        return self._fleet

    def close(self) -> None:
        """Stop what is under way, give leases up, hang up. Doing it twice does no harm."""
        if not self._thread.is_alive():
            return
        closing = asyncio.run_coroutine_threadsafe(self._opened.aclose(), self._loop)
        try:
            closing.result(CLOSE_SECONDS)
        except TimeoutError:
            pass  # a cell does not answer: its leases end by themselves
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_SECONDS)

    async def _answer(self, method: str, path: str, body: Any) -> Any:
        from skerry.cli.direct_routes import answer

        parts = urlsplit(path)
        query = _parsed(parts.query)
        return await answer(await self.fleet(), method, parts.path, query=query, body=body)

    async def _events(self, path: str, after: str) -> AsyncIterator[Event]:
        from skerry.cli.direct_routes import events

        parts = urlsplit(path)
        return await events(await self.fleet(), parts.path, _parsed(parts.query), after=after)


def open_direct() -> Direct:
    """The door, closed when the command ends, however it does."""
    import atexit
    import gc

    gc.set_threshold(*_COLLECTIONS)
    door = Direct()
    atexit.register(door.close)
    return door


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)


async def _end(events: AsyncIterator[Event]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        with suppress(RuntimeError):  # Ctrl-C came while it was asked: it ends by itself
            await close()


def _query(values: Mapping[str, Any]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
        if value is not None and value != () and value != []
    }
    return "?" + urlencode(given, doseq=True) if given else ""


def _parsed(query: str) -> dict[str, list[str]]:
    parsed: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parsed.setdefault(name, []).append(value)
    return parsed

"""What a service says in several cells, as one stream."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.process import LogLine, LogQuery
from skerry.operations.cells import LOOK_SECONDS, Replies, reach
from skerry.operations.fleet import Fleet
from skerry.operations.reach import logs


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A line said in a cell; or why no more comes from it."""

    cell: str
    line: LogLine | None = None
    error: SkerryError | None = None


async def logs_everywhere(
    fleet: Fleet, service: ServiceKey, query: LogQuery, *, cells: Sequence[str] = ()
) -> AsyncIterator[Saying]:
    """Lines of all its replicas in every cell it is in: by time, or, followed, as they come.
    A cell that does not answer says so in the stream. Raises NotFound."""
    found = await reach(
        fleet.platforms(cells),
        lambda platform: logs(platform, service, query),
        within_seconds=LOOK_SECONDS,
    )
    streams = found.where_found()
    if len(streams.good) == 1 and not streams.failed:
        ((platform, lines),) = streams.good
        return _of(platform.name, lines)
    return _as_they_come(streams) if query.follow else _by_time(streams)


async def _of(cell: str, lines: AsyncIterator[LogLine]) -> AsyncIterator[Saying]:
    async for line in lines:
        yield Saying(cell=cell, line=line)


async def _by_time(streams: Replies[AsyncIterator[LogLine]]) -> AsyncIterator[Saying]:
    every = [each async for each in _as_they_come(streams)]
    lines = [(each.line.at, each) for each in every if each.line is not None]
    for _, each in sorted(lines, key=lambda pair: pair[0]):
        yield each
    for each in every:
        if each.error is not None:
            yield each


async def _as_they_come(streams: Replies[AsyncIterator[LogLine]]) -> AsyncIterator[Saying]:
    came: asyncio.Queue[Saying | None] = asyncio.Queue(maxsize=1000)
    tasks = Tasks()

    async def carry(cell: str, lines: AsyncIterator[LogLine]) -> None:
        try:
            async for line in lines:
                await came.put(Saying(cell=cell, line=line))
        except SkerryError as error:
            await came.put(Saying(cell=cell, error=error))
        await came.put(None)

    for platform, error in streams.failed:
        yield Saying(cell=platform.name, error=error)
    for platform, lines in streams.good:
        tasks.spawn(carry(platform.name, lines), name=f"logs of {platform.name}")
    try:
        left = len(streams.good)
        while left:
            each = await came.get()
            if each is None:
                left -= 1
            else:
                yield each
    finally:
        await tasks.close()

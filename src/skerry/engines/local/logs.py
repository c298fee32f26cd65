"""Lines of all a service's replicas, merged by time; with follow, of those to come too."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from skerry.engines.local.api import ApiError, part
from skerry.engines.local.crew import Crew
from skerry.engines.local.multiplex import Demultiplexer
from skerry.engines.local.replica import Phase, Replica
from skerry.engines.local.runtime import parse_time
from skerry.errors import EngineUnavailable
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.process import LogLine, LogQuery, Stream
from skerry.model.world import Scope

_AGAIN_SECONDS: Final = 0.5
# Enough of the past to know which lines of a second were given before following begins.
_REMEMBERED_LINES: Final = 1000


@dataclass(slots=True)
class Heard:
    """How far a replica's lines were given. Podman tells their time in whole seconds, so that
    a moment alone does not say which: `count` of those at `at` were."""

    at: datetime | None = None
    count: int = 0

    def fresh(self, lines: AsyncIterator[LogLine]) -> AsyncIterator[LogLine]:
        """Of lines read again from `at` on, those not given before; notes them as given."""
        return self._fresh(lines, self.count)

    async def _fresh(self, lines: AsyncIterator[LogLine], known: int) -> AsyncIterator[LogLine]:
        async for line in lines:
            if self.at is not None and line.at < self.at:
                continue
            if line.at == self.at and known:
                known -= 1
                continue
            self.note(line)
            yield line

    def note(self, line: LogLine) -> None:
        """This line was given, the last so far."""
        self.at, self.count = line.at, self.count + 1 if line.at == self.at else 1


async def read_logs(service: ServiceKey, query: LogQuery, crew: Crew) -> AsyncIterator[LogLine]:
    """What was said, then (with follow) what is being said. Ends never when following."""
    asked_at = crew.clock.now().replace(microsecond=0)
    chosen = _chosen(service, query, crew)
    said = await asyncio.gather(*(_said(replica, query, crew) for replica in chosen))
    lines = sorted((line for lines in said for line in lines), key=lambda line: line.at)
    if query.tail is not None:
        lines = lines[len(lines) - min(query.tail, len(lines)) :]
    for line in lines:
        yield line
    if query.follow:
        heard = {replica.pod: Heard(at=asked_at) for replica in chosen}
        for line in (line for lines in said for line in lines):
            heard[line.replica].note(line)
        async for line in _follow(service, query, crew, heard=heard):
            yield line


def _chosen(service: ServiceKey, query: LogQuery, crew: Crew) -> list[Replica]:
    return [
        replica
        for replica in crew.state.of(service)
        if query.replica in (None, replica.pod) and replica.started is not None
    ]


async def _said(replica: Replica, query: LogQuery, crew: Crew) -> list[LogLine]:
    tail = query.tail
    if query.follow and tail is not None:
        tail = max(tail, _REMEMBERED_LINES)
    found = _lines(replica, crew, follow=False, tail=tail, since=query.since)
    try:
        return [line async for line in found]
    except (ApiError, EngineUnavailable):
        return []


async def _follow(
    service: ServiceKey, query: LogQuery, crew: Crew, *, heard: dict[str, Heard]
) -> AsyncIterator[LogLine]:
    queue: asyncio.Queue[LogLine] = asyncio.Queue(maxsize=1000)
    tasks, followed = Tasks(), set[str]()

    async def pump(replica: Replica) -> None:
        given = heard.setdefault(replica.pod, Heard())
        while replica.pod in crew.state.replicas:
            try:
                again = _lines(replica, crew, follow=True, tail=None, since=given.at)
                async for line in given.fresh(again):
                    await queue.put(line)
            except (ApiError, EngineUnavailable):
                pass  # it ended, or the engine is away: look again
            await crew.clock.sleep(_AGAIN_SECONDS)

    async def gather() -> None:
        with crew.state.watching(Scope(services=frozenset({service}))) as watcher:
            while True:
                for replica in _chosen(service, query, crew):
                    if replica.pod not in followed:
                        followed.add(replica.pod)
                        tasks.spawn(pump(replica), name=f"logs of {replica.pod}")
                await watcher.changed.wait()
                watcher.changed.clear()

    tasks.spawn(gather(), name=f"logs of {service}")
    try:
        while True:
            yield await queue.get()
    finally:
        await tasks.close()


async def _lines(
    replica: Replica, crew: Crew, *, follow: bool, tail: int | None, since: datetime | None
) -> AsyncIterator[LogLine]:
    query = {"stdout": "true", "stderr": "true", "timestamps": "true"}
    query["tail"] = "all" if tail is None else str(tail)
    if since is not None:
        query["since"] = f"{since.timestamp():.6f}"
    if follow and replica.phase is Phase.RUNNING:
        query["follow"] = "true"
    path = f"containers/{part(replica.container)}/logs"
    demultiplexer = Demultiplexer()
    async with crew.runtime.api.open("GET", path, query=query) as answer:
        async for chunk in answer.content.iter_any():
            for stream, text in demultiplexer.feed(chunk):
                yield _line(replica, stream, text)
    for stream, text in demultiplexer.rest():
        yield _line(replica, stream, text)


def _line(replica: Replica, stream: Stream, text: str) -> LogLine:
    written, _, said = text.partition(" ")
    try:
        at = parse_time(written)
    except ValueError:
        at, said = None, text
    return LogLine(
        at=at or datetime.fromtimestamp(0, UTC), replica=replica.pod, stream=stream, text=said
    )

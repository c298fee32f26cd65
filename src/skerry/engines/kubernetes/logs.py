"""Lines of all a service's replicas, merged by time; with follow, of those to come too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.replicas import (
    deployment_of,
    labels_of,
    own_container,
    own_status,
    pods_of,
)
from skerry.errors import NotFound, SkerryError
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest
from skerry.model.process import LogLine, LogQuery, Stream

_AGAIN_SECONDS: Final = 0.5
_LONGEST_LINE: Final = 1024 * 1024
_AT_ONCE: Final = 20


@dataclass(slots=True)
class _Heard:
    """How far a replica's lines were given: the server takes whole seconds to go on from, and
    a moment alone does not say which of its lines were."""

    stamp: str = ""
    count: int = 0

    def is_fresh(self, stamp: str, skip: list[int]) -> bool:
        """Whether a line read again was not given before; `skip` holds how many at the last
        moment are still to be left out."""
        if stamp < self.stamp:
            return False
        if stamp == self.stamp and skip[0]:
            skip[0] -= 1
            return False
        self.note(stamp)
        return True

    def note(self, stamp: str) -> None:
        """A line of that moment was given, the last so far."""
        self.stamp, self.count = stamp, self.count + 1 if stamp == self.stamp else 1


@dataclass(frozen=True, slots=True)
class _Stamped:
    """A line with its moment as written: nanoseconds, which a datetime does not hold."""

    stamp: str
    line: LogLine


async def read_logs(parts: Parts, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
    """What was said, that of a container's crashed predecessor included; then (with follow)
    what is being said, from replicas as they come and go. Raises NotFound."""
    pods = await pods_of(parts, service)
    if not pods:
        await deployment_of(parts, service)
    chosen = [pod for pod in pods if query.replica in (None, pod["metadata"]["name"])]
    if query.replica is not None and not chosen:
        subject = service.at(parts.cell.cell)
        raise NotFound(f"has no replica {query.replica}", subject=subject, hint="skerry status")
    said = await _said(parts, chosen, query)
    lines = sorted((each for lines in said for each in lines), key=lambda each: each.stamp)
    if query.tail is not None:
        lines = lines[len(lines) - min(query.tail, len(lines)) :]
    for each in lines:
        yield each.line
    if not query.follow:
        return
    heard: dict[str, _Heard] = {pod["metadata"]["name"]: _Heard() for pod in chosen}
    for stamped in (each for lines in said for each in lines):
        heard[stamped.line.replica].note(stamped.stamp)
    async for line in _Follower(parts, service, query, heard=heard).lines():
        yield line


async def _said(parts: Parts, pods: list[dict[str, Any]], query: LogQuery) -> list[list[_Stamped]]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(pod: dict[str, Any]) -> list[_Stamped]:
        async with slots:
            return await _of_one(parts, pod, query)

    return list(await asyncio.gather(*(one(pod) for pod in pods)))


async def _of_one(parts: Parts, pod: dict[str, Any], query: LogQuery) -> list[_Stamped]:
    """The last lines of one replica: its container's, and where those are not enough and it
    was started again, those of the one before."""
    options: dict[str, str] = {}
    if query.tail is not None and not query.follow:
        options["tailLines"] = str(query.tail)
    if query.since is not None:
        options["sinceTime"] = _written(query.since)
    lines = await _read(parts, pod, options)
    enough = query.tail is not None and len(lines) >= query.tail
    if own_status(pod).get("restartCount") and not enough:
        lines = [*await _read(parts, pod, {**options, "previous": "true"}), *lines]
    if query.since is not None:
        lines = [each for each in lines if each.line.at >= query.since]
    return lines


async def _read(parts: Parts, pod: Manifest, options: dict[str, str]) -> list[_Stamped]:
    """Nothing for a container that has not started, or is gone."""
    found = []
    try:
        async for each in _stream(parts, pod, options):
            found.append(each)
    except SkerryError:
        return found
    return found


async def _stream(parts: Parts, pod: Manifest, options: dict[str, str]) -> AsyncIterator[_Stamped]:
    metadata = pod["metadata"]
    path = f"{parts.client.path_of('Pod', metadata['namespace'], metadata['name'])}/log"
    asked = {"container": own_container(pod), "timestamps": "true", **options}
    rest = b""
    chunks = cast("Any", parts.client.stream(path, asked))
    async with aclosing(chunks):
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                yield _stamped(metadata["name"], line)
    if rest:
        yield _stamped(metadata["name"], rest)


class _Follower:
    """The lines to come of one service's replicas."""

    def __init__(
        self, parts: Parts, service: ServiceKey, query: LogQuery, *, heard: dict[str, _Heard]
    ) -> None:
        self._parts = parts
        self._service = service
        self._query = query
        self._heard = heard
        self._queue: asyncio.Queue[LogLine] = asyncio.Queue(maxsize=1000)
        self._tasks = Tasks()
        self._pods: dict[str, dict[str, Any]] = {}

    async def lines(self) -> AsyncIterator[LogLine]:
        """Ends never."""
        self._tasks.spawn(self._gather(), name=f"logs of {self._service}")
        try:
            while True:
                yield await self._queue.get()
        finally:
            await self._tasks.close()

    async def _gather(self) -> None:
        """Follow every replica from when it is there. A server that is away is waited for."""
        client, service = self._parts.client, self._service
        while True:
            events = client.watch("Pod", namespace=service.namespace, labels=labels_of(service))
            try:
                async with aclosing(cast("Any", events)):
                    async for event in events:
                        if event.type == "DELETED":
                            self._pods.pop(event.object["metadata"]["name"], None)
                        elif event.type != "BOOKMARK":
                            for pod in event.items or (event.object,):
                                self._take(pod)
            except SkerryError:
                pass
            await self._parts.clock.sleep(_AGAIN_SECONDS)

    def _take(self, pod: dict[str, Any]) -> None:
        if not pod:
            return
        name = pod["metadata"]["name"]
        if self._query.replica not in (None, name):
            return
        known = name in self._pods
        self._pods[name] = pod
        if not known:
            self._tasks.spawn(self._pump(name), name=f"logs of {name}")

    async def _pump(self, name: str) -> None:
        """One replica, from container to container. What a container says when its pod is
        being removed is read to its end."""
        heard, carried = self._heard.setdefault(name, _Heard()), ""
        while (pod := self._pods.get(name)) is not None:
            status = own_status(pod)
            container = str(status.get("containerID", ""))
            # One that ended before anybody looked has lines too, once.
            if "running" in (status.get("state") or {}) or container != carried:
                await self._carry(pod, heard)
                carried = container
            await self._parts.clock.sleep(_AGAIN_SECONDS)

    async def _carry(self, pod: dict[str, Any], heard: _Heard) -> None:
        options = {"follow": "true"}
        if heard.stamp:
            options["sinceTime"] = heard.stamp[:19] + "Z"
        skip = [heard.count]
        try:
            async for each in _stream(self._parts, pod, options):
                if heard.is_fresh(each.stamp, skip):
                    await self._queue.put(each.line)
        except SkerryError:
            return  # it ended, or the server is away: look again


def _stamped(replica: str, line: bytes) -> _Stamped:
    stamp, _, text = line.decode("utf-8", "replace").partition(" ")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        stamp, text, at = "", line.decode("utf-8", "replace"), _EPOCH
    said = LogLine(at=at, replica=replica, stream=Stream.STDOUT, text=text)
    return _Stamped(_fixed(stamp), said)


def _fixed(stamp: str) -> str:
    """With nine digits after the point, so that texts compare as moments do: the server leaves
    zeros at the end out."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{whole}.{fraction:0<9}Z" if stamp else ""


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

"""Watches that keep a board as the cell is."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, cast

from skerry.engines.kubernetes.board import Board, Name, names
from skerry.engines.kubernetes.client.watching import WatchEvent
from skerry.engines.kubernetes.kept import OWNED
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.replicas import labels_of
from skerry.engines.kubernetes.shaping import (
    shape_autoscaler,
    shape_claim,
    shape_deployment,
    shape_event,
    shape_pod,
    shape_replica_set,
    shape_whole,
)
from skerry.errors import NotFound, SkerryError, own_fault
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.objects import STACK
from skerry.model.world import Scope

log = logging.getLogger(__name__)
_AGAIN_SECONDS: Final = 2.0
Shape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one watch looks at, and what is kept of each object."""

    kind: str
    shape: Shape
    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    @property
    def place(self) -> dict[str, Any]:
        """As the client's list and watch take it."""
        return {"namespace": self.namespace, "labels": self.labels, "fields": self.fields}


WIDE: Final[tuple[Source, ...]] = (
    Source(kind="Deployment", shape=shape_deployment, labels=OWNED),
    Source(kind="ReplicaSet", shape=shape_replica_set, labels=OWNED),
    Source(kind="Pod", shape=shape_pod, labels=OWNED),
    Source(kind="HorizontalPodAutoscaler", shape=shape_autoscaler, labels=OWNED),
    Source(kind="PersistentVolumeClaim", shape=shape_claim, labels=OWNED),
    Source(kind="Event", shape=shape_event, fields="type=Warning"),
)
"""The whole cell, cut to what is looked at; of Events only warnings, for they have no labels."""


def narrow(services: Sequence[ServiceKey], *, whole: bool = True) -> tuple[Source, ...]:
    """A few services, their Deployments whole."""
    found = []
    for service in services:
        place: dict[str, Any] = {"namespace": service.namespace, "labels": labels_of(service)}
        found += [
            Source(kind="Deployment", shape=shape_whole if whole else shape_deployment, **place),
            Source(kind="ReplicaSet", shape=shape_replica_set, **place),
            Source(kind="Pod", shape=shape_pod, **place),
        ]
    for namespace in sorted({service.namespace for service in services}):
        found.append(Source(kind="Event", shape=shape_event, namespace=namespace))
    return tuple(found)


def beside(services: Sequence[ServiceKey]) -> tuple[Source, ...]:
    """What changes so rarely that looking now and then does."""
    return tuple(
        Source(kind=kind, shape=shape, namespace=service.namespace, labels=labels_of(service))
        for service in services
        for kind, shape in (
            ("HorizontalPodAutoscaler", shape_whole),
            ("PersistentVolumeClaim", shape_whole),
        )
    )


async def read_sources(parts: Parts, board: Board, sources: Sequence[Source]) -> None:
    """List each source once, several at a time, onto the board."""

    async def one(source: Source) -> None:
        listed = parts.client.list(source.kind, **source.place)
        items = [source.shape(raw) async for raw in listed]
        board.sync(source.kind, items, known=())

    await asyncio.gather(*(one(each) for each in sources))


class Informer:
    """A board kept by watches. `start`, then `synced`; `problem` says what keeps it from
    being up to date. `rung` is set at each change and lowered by who looks."""

    def __init__(self, parts: Parts, sources: Sequence[Source]) -> None:
        self.board = Board(self._ring)
        self._parts = parts
        self._sources = sources
        self._tasks = Tasks()
        self._missing = len(sources)
        self._all_here = asyncio.Event()
        self._problems: dict[Source, SkerryError] = {}
        self._bells: dict[asyncio.Event, Scope] = {}

    @property
    def problem(self) -> str:
        """Why what is shown is the last seen; empty when it is not."""
        return next((str(each) for each in self._problems.values()), "")

    def start(self) -> None:
        """Open the watches."""
        for source in self._sources:
            self._tasks.spawn(self._follow(source), name=f"watch of {source.kind}s")

    async def close(self) -> None:
        """End them."""
        await self._tasks.close()

    async def synced(self) -> None:
        """Return once every list was read. Raises what keeps one from being read, when that
        will not pass by itself."""
        while not self._all_here.is_set():
            for error in self._problems.values():
                raise error
            await self._parts.clock.sleep(0.01)

    def listen(self, scope: Scope) -> asyncio.Event:
        """An event set at each change in scope, until `forget`."""
        bell = asyncio.Event()
        self._bells[bell] = scope
        return bell

    def forget(self, bell: asyncio.Event) -> None:
        """Nobody listens to it any more."""
        self._bells.pop(bell, None)

    async def refresh(self, scope: Scope) -> None:
        """Bring the Deployments in scope to at least this moment: what was applied before is
        not missed by a watch that lags."""
        if scope.services is not None:
            await asyncio.gather(*(self._refresh_one(each) for each in scope.services))
        elif scope.stack is not None:
            labels = f"{OWNED},{STACK}={scope.stack}"
            async for raw in self._parts.client.list("Deployment", labels=labels):
                self.board.put(shape_deployment(raw))

    async def _refresh_one(self, service: ServiceKey) -> None:
        path = self._parts.client.path_of("Deployment", service.namespace, service.name)
        try:
            self.board.put(shape_deployment(await self._parts.client.get(path)))
        except NotFound:
            self.board.drop("Deployment", (service.namespace, service.name))

    async def _follow(self, source: Source) -> None:
        here: set[Name] = set()
        first = True
        while True:
            events = self._parts.client.watch(source.kind, shape=source.shape, **source.place)
            try:
                async with aclosing(cast("Any", events)):
                    async for event in events:
                        self._problems.pop(source, None)
                        self._take(source, event, here)
                        if first and event.type == "SYNC":
                            first = False
                            self._arrived()
            except SkerryError as error:
                self._problems[source] = error
                self._ring_all()
            except Exception:
                # A watch that ended for good would show for ever what was seen last.
                log.exception("the watch of %ss met a fault of Skerry's own", source.kind)
                self._problems[source] = own_fault(f"cell/{self._parts.name}")
                self._ring_all()
            await self._parts.clock.sleep(_AGAIN_SECONDS)

    def _take(self, source: Source, event: WatchEvent, here: set[Name]) -> None:
        if event.type == "SYNC":
            self.board.sync(source.kind, event.items, known=here)
            here.clear()
            here.update(names(event.items))
        elif event.type in {"ADDED", "MODIFIED"}:
            self.board.put(event.object)
            here |= names((event.object,))
        elif event.type == "DELETED":
            for name in names((event.object,)):
                here.discard(name)
                self.board.drop(source.kind, name)

    def _arrived(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all_here.set()

    def _ring(self, service: ServiceKey) -> None:
        for bell, scope in self._bells.items():
            if scope.services is None or service in scope.services:
                bell.set()

    def _ring_all(self) -> None:
        for bell in self._bells:
            bell.set()

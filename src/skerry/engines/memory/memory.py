"""What a cell in memory keeps beside its objects: releases, small facts, and who writes."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from skerry.engines.writers import Writers
from skerry.model.change import Release
from skerry.model.keys import ServiceKey
from skerry.model.world import Finding


class Memory:
    """The part of the port that runs nothing."""

    def __init__(self, cell: str) -> None:
        self._releases: dict[ServiceKey, dict[int, Release]] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}
        self._writers = Writers(cell)

    async def record(self, *releases: Release) -> None:
        """Write releases, or their verdicts."""
        for release in releases:
            self._releases.setdefault(release.service, {})[release.number] = release

    async def releases(self, service: ServiceKey) -> tuple[Release, ...]:
        """Its releases, newest first."""
        known = self._releases.get(service, {})
        return tuple(known[number] for number in sorted(known, reverse=True))

    def newest(self, service: ServiceKey) -> Release | None:
        """Its newest release."""
        known = self._releases.get(service)
        return known[max(known)] if known else None

    def writing(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Be the only writer of these until the block ends. Raises Conflict."""
        return self._writers.writing(services, by=by, stack=stack)

    async def remember(self, name: str, fact: Mapping[str, Any] | None) -> None:
        """Keep a small document, or forget it (None)."""
        if fact is None:
            self._facts.pop(name, None)
        else:
            self._facts[name] = fact

    async def recall(self, name: str) -> Mapping[str, Any] | None:
        """What was kept under this name."""
        return self._facts.get(name)

    async def verify(self) -> AsyncIterator[Finding]:
        """Nothing can differ here: what is wanted and what is there are the same objects."""
        nothing: tuple[Finding, ...] = ()
        for finding in nothing:
            yield finding

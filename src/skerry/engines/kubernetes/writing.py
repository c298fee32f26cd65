"""A block in which these services are this process' alone to write."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from skerry.engines.kubernetes.index import Entry, Index
from skerry.engines.kubernetes.leases import Lease, Leases
from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.ports import Clock

log = logging.getLogger(__name__)

FEW: Final = 4
"""Up to so many services have a lease each; more share one."""
FLUSH_SECONDS: Final = 15.0
"""While many are written: a writer killed between two flushes has spoilt entries behind it,
which cost a look each."""


@dataclass(slots=True, kw_only=True, eq=False)
class Block:
    """One that is under way. `before` are the entries of the index as they were when nobody
    else could write them any more, and are put back for what is not changed; `touched` are the
    services whose objects may be otherwise since, `settled` the entries of those that were only
    judged. `crowded` are namespaces of which many services are in the block; and "", the place
    of namespaces themselves, where there are many of those. `unjudged` are those whose release
    has no verdict yet: their entries, in `noted`, wait for it."""

    services: frozenset[ServiceKey]
    by: str
    stack: str | None
    leases: list[Lease] = field(default_factory=list)
    before: Mapping[ServiceKey, Entry] = field(default_factory=dict)
    touched: set[ServiceKey] = field(default_factory=set)
    settled: dict[ServiceKey, Entry] = field(default_factory=dict)
    unjudged: set[ServiceKey] = field(default_factory=set)
    noted: dict[ServiceKey, Entry] = field(default_factory=dict)
    crowded: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        counts = Counter(each.namespace for each in self.services)
        crowded = {name for name, count in counts.items() if count > FEW}
        self.crowded = frozenset(crowded | {""} if len(counts) > FEW else crowded)

    @property
    def many(self) -> bool:
        """Whether one lease stands for all of them."""
        return self.stack is not None or len(self.services) > FEW

    def lease_of(self, service: ServiceKey, cell: str) -> Lease:
        """The lease that covers a service."""
        if self.many:
            return self.leases[0]
        return next(each for each in self.leases if each.subject == service.at(cell))


class Writing:
    """The blocks of one process in one cell."""

    def __init__(self, leases: Leases, index: Index, *, clock: Clock, cell: str) -> None:
        self._leases = leases
        self._index = index
        self._clock = clock
        self._cell = cell
        self._blocks: dict[ServiceKey, Block] = {}

    @asynccontextmanager
    async def hold(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None
    ) -> AsyncIterator[None]:
        """Raises Conflict, naming who holds which."""
        block = Block(services=frozenset(services), by=by, stack=stack)
        tasks = Tasks()
        try:
            await self._begin(block)
            self._blocks.update(dict.fromkeys(block.services, block))
            for lease in block.leases:
                tasks.spawn(self._leases.keep(lease), name=f"lease {lease.name}")
            if block.many:
                tasks.spawn(self._flush_often(), name="index")
            yield
        finally:
            for service in block.services:
                if self._blocks.get(service) is block:
                    del self._blocks[service]
            await asyncio.shield(self._end(block, tasks))

    async def check(self, service: ServiceKey) -> Block | None:
        """Before a write: the block the service is in, if any, its lease still ours. Raises
        Conflict."""
        block = self._blocks.get(service)
        if block is not None:
            await self._leases.check(block.lease_of(service, self._cell))
            block.touched.add(service)
        return block

    def note(self, service: ServiceKey, entry: Entry | None) -> None:
        """The service was written; this is its entry from now on. While its release has no
        verdict the entry stays spoilt: a writer that leaves before that is noticed by the next
        plan, which looks at the service."""
        block = self._blocks.get(service)
        if block is not None:
            block.touched.add(service)
            if entry is not None and service in block.unjudged:
                block.noted[service] = entry
                entry = entry.spoilt
        self._index.put(service, entry)

    def recorded(self, release: Release) -> None:
        """A release was written, or its verdict."""
        block = self._blocks.get(release.service)
        if block is None:
            return
        if release.verdict is Verdict.DEPLOYING:
            block.unjudged.add(release.service)
            return
        block.unjudged.discard(release.service)
        if (entry := block.noted.pop(release.service, None)) is not None:
            self._index.put(release.service, entry)
        elif release.verdict is Verdict.DEPLOYED:
            entry = Entry(inputs=release.inputs, release=str(release.number))
            block.settled[release.service] = entry

    async def settle(self, service: ServiceKey) -> None:
        """Write the entry now, unless a block will."""
        if service not in self._blocks:
            await self._index.flush()

    async def _begin(self, block: Block) -> None:
        """1. Say that we are at them. 2. Nobody else is. 3. Their entries, which are nobody
        else's now, are worth nothing. Stop on error: until then none of them was touched."""
        if not block.many:
            await _all(self._take(block, each) for each in sorted(block.services))
            before, marks = await self._index.look(block.services)
            await _all(self._leases.check_one(each, marks) for each in block.services)
        else:
            lease = await self._leases.take_many(block.services, by=block.by, stack=block.stack)
            block.leases.append(lease)
            await self._index.mark(lease.name, block.by)
            await self._leases.check_many(lease, block.services, stack=block.stack)
            before, _ = await self._index.look(block.services)
        block.before = before
        await self._index.spoil(block.services, before)

    async def _take(self, block: Block, service: ServiceKey) -> None:
        block.leases.append(await self._leases.take(service, by=block.by))

    async def _flush_often(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_SECONDS)
            try:
                await self._index.flush()
            except SkerryError:
                continue  # the block's end tries again

    async def _end(self, block: Block, tasks: Tasks) -> None:
        """The index first: once the leases are gone, others write it. An entry that could not
        be written stays spoilt, as does that of a service left half written, and costs a look."""
        try:
            if block.leases:
                await self._write_index(block)
        except SkerryError as error:
            log.warning("the index of %s is behind: %s", self._cell, error)
        finally:
            self._index.forget(block.services)
            await tasks.close()
        for lease in block.leases:
            try:
                await self._leases.give_up(lease)
            except SkerryError as error:
                log.warning("lease %s ends by itself: %s", lease.name, error)

    async def _write_index(self, block: Block) -> None:
        if any(lease.lost for lease in block.leases):
            self._index.forget(block.services)  # others are at them: it is theirs to write
        else:
            for service, entry in {**block.before, **block.settled}.items():
                if service not in block.touched:
                    self._index.put(service, entry)
        if block.many:
            await self._index.lift(block.leases[0].name)
        else:
            await self._index.flush()


async def _all(acts: Iterable[Awaitable[None]]) -> None:
    """All of them, to their ends, and then the first error."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result

"""Every object compared with what was applied, and the index put right.

The census finds what deserves a second look, from metadata alone. Only that is looked at by
itself, when nobody writes it, with a dry run of what was applied. What is confirmed is written
on the service's Deployment (`inventory.DRIFT`) and its index entry is spoilt: the next plan
takes these objects for others than they were applied, and an apply repairs them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from skerry.engines.kubernetes.census import Census, take_census
from skerry.engines.kubernetes.examining import Case, Examiner
from skerry.engines.kubernetes.index import Entries, Entry, Index
from skerry.engines.kubernetes.inventory import DRIFT, VERIFY_MANAGER
from skerry.engines.kubernetes.kept import service_hash
from skerry.engines.kubernetes.leases import Leases, covered
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.records import Records
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.world import Finding, Trouble

_AT_ONCE: Final = 32


@dataclass(slots=True, kw_only=True)
class Books:
    """The index as it was before anything was looked at, and what it should say instead."""

    before: Entries
    right: dict[ServiceKey, Entry | None] = field(default_factory=dict)

    def compare(self, service: ServiceKey, entry: Entry) -> Finding | None:
        """With what the objects say. An entry without what only `verify` reads is no fault."""
        known = self.before.get(service)
        if known == entry:
            return None
        self.right[service] = entry
        if known is not None and (known.inputs, known.release) == (entry.inputs, entry.release):
            return None
        said = "did not know it" if known is None else f"said {known.inputs or 'nothing'}"
        return Finding(
            trouble=Trouble.INDEX,
            key=ObjectKey("Deployment", *service),
            service=service,
            reason=f"the index {said}; it says {entry.inputs} now, as the object does",
        )


class Verify:
    """`Engine.verify`."""

    def __init__(self, parts: Parts, *, index: Index, leases: Leases, records: Records) -> None:
        self._parts = parts
        self._index = index
        self._leases = leases
        self._examiner = Examiner(parts, records)

    async def run(self) -> AsyncIterator[Finding]:
        """What is not as it should be, and confirmed to be so. Raises EngineUnavailable."""
        books = Books(before=await self._index.read())
        census = await take_census(self._parts.client)
        busy = await self._busy({*census.services, *census.objects, *books.before})
        for service, keys in census.bereft():
            if service not in busy and service not in books.before:
                for key in keys:
                    yield _orphan(key, service)
        async for finding in self._examine(census, books, busy):
            yield finding
        for finding in _missing(census, books, busy):
            yield finding
        await self._put_right(books)

    async def _put_right(self, books: Books) -> None:
        """The entries that are wrong, where nobody wrote them since we looked; and no marks of
        writers that are dead and forgotten."""
        now, marks = await self._index.look({*books.before, *books.right})
        left = await self._leases.forget_dead()
        busy = await self._busy(books.right)
        for service, entry in books.right.items():
            if service not in busy and now.get(service) == books.before.get(service):
                self._index.put(service, entry)
        await self._index.flush()
        for name in sorted(marks.keys() - left):
            await self._index.lift(name)

    async def _busy(self, services: Collection[ServiceKey]) -> set[ServiceKey]:
        """Those somebody writes now: how they are is not how they will be."""
        by_hash = {service_hash(each): each for each in services}
        busy: set[ServiceKey] = set()
        for lease in await self._leases.live():
            while (service := covered(lease, by_hash)) is not None:
                busy.add(by_hash.pop(service_hash(service)))
        return busy

    async def _examine(
        self, census: Census, books: Books, busy: Collection[ServiceKey]
    ) -> AsyncIterator[Finding]:
        suspicious: list[ServiceKey] = []
        for service in census.services:
            if service in busy:
                continue
            if census.suspects(service, books.before) or census.services[service].drift:
                suspicious.append(service)
            elif finding := books.compare(service, census.services[service].entry):
                yield finding
        suspicious.sort()
        for first in range(0, len(suspicious), _AT_ONCE):
            some = suspicious[first : first + _AT_ONCE]
            looks = (self._look(each, census.suspects(each, books.before), books) for each in some)
            for findings in await asyncio.gather(*looks):
                for finding in findings:
                    yield finding

    async def _look(
        self, service: ServiceKey, keys: Collection[ObjectKey], books: Books
    ) -> list[Finding]:
        case = await self._examiner.examine(service, keys, known=books.before.get(service))
        if case is None:
            return []  # it went meanwhile
        await self._mark(case)
        if any(not _can_wait(each) for each in case.findings):
            books.right[service] = case.entry.spoilt
            return case.findings
        if case.findings:
            return case.findings
        finding = books.compare(service, case.entry)
        return [finding] if finding else []

    async def _mark(self, case: Case) -> None:
        """Say on the Deployment what was found, or that nothing is any more."""
        marks = case.marks()
        if marks == dict(case.drift):
            return
        written = orjson.dumps(marks, option=orjson.OPT_SORT_KEYS).decode() if marks else None
        path = self._parts.client.path_of("Deployment", *case.service)
        body = {"metadata": {"annotations": {DRIFT: written}}}
        try:
            await self._parts.client.patch(path, body, query={"fieldManager": VERIFY_MANAGER})
        except NotFound:
            return


def _missing(census: Census, books: Books, busy: Collection[ServiceKey]) -> Iterable[Finding]:
    for service in sorted(books.before):
        if service not in census.services and service not in busy:
            books.right[service] = None
            yield Finding(
                trouble=Trouble.MISSING,
                key=ObjectKey("Deployment", *service),
                service=service,
                reason="was applied and is not there any more",
            )


def _can_wait(finding: Finding) -> bool:
    """Whether the next change of the service, whenever that is, is soon enough: a hashed object
    that nothing lists harms nobody, and a replica may still read it."""
    return finding.trouble is Trouble.ORPHAN and finding.key.kind in {"ConfigMap", "Secret"}


def _orphan(key: ObjectKey, service: ServiceKey) -> Finding:
    return Finding(
        trouble=Trouble.ORPHAN,
        key=key,
        service=service,
        reason=f"is labelled as an object of service {service}, which is not there",
    )

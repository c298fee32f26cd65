"""A store that forgets at the end of the test. Passes tests/conformance/test_stores.py."""

import copy
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from skerry.errors import Conflict, NotFound
from skerry.integrations.store.history import AUDIT_FLOOR, DEPLOYED_FLOOR, History
from skerry.model.access import AuditEntry, Token
from skerry.model.change import Release, Verdict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest, key_of
from skerry.model.progress import Operation, OperationState, Progress


class MemoryStore:
    """The ports ObjectStore and Ledger on dictionaries."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history or History()
        self._objects: dict[ObjectKey, Manifest] = {}
        self._facts: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        self._releases: dict[ServiceKey, dict[int, Release]] = defaultdict(dict)
        self._operations: dict[str, Operation] = {}
        self._said: dict[str, list[Progress]] = defaultdict(list)
        self._audit: list[AuditEntry] = []
        self._audited = 0
        self._tokens: dict[str, Token] = {}
        self._at_work: dict[tuple[str, ServiceKey], str] = {}

    async def close(self) -> None:
        """Nothing to let go of."""

    async def objects(self) -> tuple[Manifest, ...]:
        return tuple(copy.deepcopy(list(self._objects.values())))

    async def write(self, puts: Sequence[Manifest], deletes: Sequence[ObjectKey]) -> None:
        new = {key_of(manifest): copy.deepcopy(manifest) for manifest in puts}
        for key in deletes:
            self._objects.pop(key, None)
        self._objects.update(new)

    async def facts(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        return copy.deepcopy(self._facts[kind])

    async def put_fact(self, kind: str, key: str, fact: Mapping[str, Any] | None) -> None:
        if fact is None:
            self._facts[kind].pop(key, None)
        else:
            self._facts[kind][key] = copy.deepcopy(fact)

    async def record(self, release: Release) -> None:
        of_service = self._releases[release.service]
        known = of_service.get(release.number)
        of_service[release.number] = (
            replace(known, verdict=release.verdict, verdict_reason=release.verdict_reason)
            if known
            else copy.deepcopy(release)
        )
        numbers = sorted(of_service, reverse=True)
        deployed = [n for n in numbers if of_service[n].verdict is Verdict.DEPLOYED]
        kept = {*numbers[: self._history.releases], *deployed[:DEPLOYED_FLOOR]}
        self._releases[release.service] = {n: of_service[n] for n in numbers if n in kept}

    async def releases(
        self, service: ServiceKey | None = None, *, newest_only: bool = False
    ) -> tuple[Release, ...]:
        services = sorted(self._releases) if service is None else [service]
        return tuple(
            self._releases[one][number]
            for one in services
            for number in sorted(self._releases[one], reverse=True)[: 1 if newest_only else None]
        )

    async def open_operation(self, operation: Operation) -> None:
        if operation.id in self._operations:
            raise Conflict("is already known", subject=f"operation/{operation.id}")
        self._operations[operation.id] = copy.deepcopy(operation)
        for id in list(self._operations)[: -self._history.operations]:
            if self._operations[id].state is not OperationState.RUNNING:
                del self._operations[id]
                self._said.pop(id, None)

    async def say(self, operation: str, progress: Progress) -> Progress:
        await self.operation(operation)
        numbered = replace(progress, number=len(self._said[operation]) + 1)
        self._said[operation].append(numbered)
        return numbered

    async def end_operation(self, operation: Operation) -> None:
        known = await self.operation(operation.id)
        self._operations[operation.id] = replace(
            known,
            state=operation.state,
            error=operation.error,
            hint=operation.hint,
            ended=operation.ended,
        )

    async def operation(self, id: str, *, whole: bool = True) -> Operation:
        if id not in self._operations:
            raise NotFound("is not known", subject=f"operation/{id}")
        return _as_asked(self._operations[id], whole=whole)

    async def operations(
        self, *, running: bool = False, whole: bool = True, limit: int = 50
    ) -> tuple[Operation, ...]:
        newest_first = reversed(list(self._operations.values()))
        wanted = [o for o in newest_first if not running or o.state is OperationState.RUNNING]
        return tuple(_as_asked(each, whole=whole) for each in wanted[:limit])

    async def said(self, operation: str, *, after: int = 0) -> tuple[Progress, ...]:
        return tuple(self._said[operation][after:])

    async def audit(self, entry: AuditEntry) -> None:
        self._audited += 1
        self._audit.append(replace(entry, number=self._audited))
        oldest = entry.at - timedelta(days=self._history.audit_days)
        most = max(self._history.audit_entries, AUDIT_FLOOR)
        self._audit = [
            known
            for known in self._audit[-most:]
            if known.at >= oldest or known.number > self._audited - AUDIT_FLOOR
        ]

    async def audited(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        newest_first = reversed(self._audit)
        wanted = [entry for entry in newest_first if before is None or entry.number < before]
        return tuple(wanted[:limit])

    async def put_token(self, token: Token) -> None:
        if any(known.identity.name == token.identity.name for known in self._tokens.values()):
            raise Conflict("the name is taken", subject=f"token/{token.identity.name}")
        self._tokens[token.id] = token

    async def token(self, digest: str) -> Token | None:
        return next((known for known in self._tokens.values() if known.digest == digest), None)

    async def tokens(self) -> tuple[Token, ...]:
        return tuple(sorted(self._tokens.values(), key=lambda token: token.identity.name))

    async def drop_token(self, id: str) -> None:
        if self._tokens.pop(id, None) is None:
            raise NotFound("is not known", subject=f"token/{id}")

    @asynccontextmanager
    async def writing(
        self, service: ServiceKey, *, cell: str = "", operation: str = ""
    ) -> AsyncIterator[None]:
        if (cell, service) in self._at_work:
            raise Conflict(
                f"is being changed: operation {self._at_work[cell, service]}",
                subject=service.at(cell) if cell else f"service/{service.namespace}/{service.name}",
            )
        self._at_work[cell, service] = operation
        try:
            yield
        finally:
            del self._at_work[cell, service]


def _as_asked(operation: Operation, *, whole: bool) -> Operation:
    return operation if whole else replace(operation, request={})

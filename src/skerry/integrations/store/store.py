"""The ports ObjectStore and Ledger, each call one transaction."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Connection

from skerry.integrations.store import access, objects, operations, releases
from skerry.integrations.store.database import Database
from skerry.integrations.store.history import History
from skerry.integrations.store.writing import Writers
from skerry.model.access import AuditEntry, Token
from skerry.model.change import Release
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest
from skerry.model.progress import Operation, Progress


class Store:
    """Everything durable of one server. Every method may raise Unavailable.

    What a call wrote survives a power cut once the call has returned; what an operation
    says (`say`) survives a crash of the server.
    """

    def __init__(self, database: Database, *, history: History) -> None:
        self._database = database
        self._history = history
        self._writers = Writers(self.operation)

    def fence(self, check: Callable[[Connection], None]) -> None:
        """Let every write be checked within its transaction: see `ElectedLeader.fence`."""
        self._database.fence(check)

    async def close(self) -> None:
        """Finish what was asked for and let go."""
        await self._database.close()

    # ObjectStore

    async def objects(self) -> tuple[Manifest, ...]:
        """Every object wanted, in the order first written."""
        return await self._database.read(objects.every)

    async def write(self, puts: Sequence[Manifest], deletes: Sequence[ObjectKey]) -> None:
        """Delete and put, all or nothing."""
        puts, deletes = tuple(puts), tuple(deletes)
        await self._database.write(lambda c: objects.write(c, puts, deletes))

    async def facts(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Everything remembered of a kind, by key."""
        return await self._database.read(lambda c: objects.remembered(c, kind))

    async def put_fact(self, kind: str, key: str, fact: Mapping[str, Any] | None) -> None:
        """Remember, or forget (None)."""
        await self._database.write(lambda c: objects.remember(c, kind, key, fact=fact))

    async def record(self, release: Release) -> None:
        """Write a release, or its verdict: the rest of a release never changes."""
        await self._database.write(lambda c: releases.record(c, release, history=self._history))

    async def releases(
        self, service: ServiceKey | None = None, *, newest_only: bool = False
    ) -> tuple[Release, ...]:
        """Releases of one service or of all, newest first within each service."""
        return await self._database.read(
            lambda c: releases.listed(c, service, newest_only=newest_only)
        )

    # Ledger

    async def open_operation(self, operation: Operation) -> None:
        """Write a new operation. Raises Conflict when its id is taken."""
        await self._database.write(
            lambda c: operations.start(c, operation, keep=self._history.operations)
        )

    async def say(self, operation: str, progress: Progress) -> Progress:
        """Append to what an operation says; returns it numbered. Raises NotFound."""
        return await self._database.write_quickly(lambda c: operations.say(c, operation, progress))

    async def end_operation(self, operation: Operation) -> None:
        """Write how it ended. Raises NotFound."""
        await self._database.write(lambda c: operations.end(c, operation))

    async def operation(self, id: str, *, whole: bool = True) -> Operation:
        """One operation; not `whole`, without its request. Raises NotFound."""
        return await self._database.read(lambda c: operations.one(c, id, whole=whole))

    async def operations(
        self, *, running: bool = False, whole: bool = True, limit: int = 50
    ) -> tuple[Operation, ...]:
        """Operations, newest first; with `running`, only those not ended; not `whole`, without
        their requests."""
        return await self._database.read(
            lambda c: operations.listed(c, running=running, whole=whole, limit=limit)
        )

    async def said(self, operation: str, *, after: int = 0) -> tuple[Progress, ...]:
        """What an operation said, from the number after."""
        return await self._database.read(lambda c: operations.said(c, operation, after=after))

    async def audit(self, entry: AuditEntry) -> None:
        """Append one; nothing changes one afterwards."""
        await self._database.write(lambda c: access.append(c, entry, history=self._history))

    async def audited(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Entries, newest first, those numbered below `before`."""
        return await self._database.read(lambda c: access.entries(c, limit=limit, before=before))

    async def put_token(self, token: Token) -> None:
        """Keep a token. Raises Conflict when its name is taken."""
        await self._database.write(lambda c: access.put_token(c, token))

    async def token(self, digest: str) -> Token | None:
        """The token with this digest, or None."""
        return await self._database.read(lambda c: access.token(c, digest))

    async def tokens(self) -> tuple[Token, ...]:
        """All tokens, by name."""
        return await self._database.read(access.every_token)

    async def drop_token(self, id: str) -> None:
        """Forget one. Raises NotFound."""
        await self._database.write(lambda c: access.drop_token(c, id))

    def writing(
        self, service: ServiceKey, *, cell: str = "", operation: str = ""
    ) -> AbstractAsyncContextManager[None]:
        """Hold the service of that cell for one writer. Raises Conflict at once, naming who is
        at it."""
        return self._writers.hold(service, cell=cell, operation=operation)

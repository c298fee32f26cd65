"""A ledger in memory: operations and what they say, until the process ends."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from skerry.errors import Conflict, NotFound, Refused
from skerry.model.access import AuditEntry, Token
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation, OperationState, Progress


class PassingLedger:
    """The port Ledger for one command. Nobody else asks it: it has no tokens, and keeps no
    audit, for what was done is in the releases of the cells."""

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._said: dict[str, list[Progress]] = defaultdict(list)
        self._at_work: dict[tuple[str, ServiceKey], str] = {}

    async def open_operation(self, operation: Operation) -> None:
        """Write a new one. Raises Conflict when its id is taken."""
        if operation.id in self._operations:
            raise Conflict("is already known", subject=f"operation/{operation.id}")
        self._operations[operation.id] = operation

    async def say(self, operation: str, progress: Progress) -> Progress:
        """Append to what an operation says. Raises NotFound."""
        await self.operation(operation)
        numbered = replace(progress, number=len(self._said[operation]) + 1)
        self._said[operation].append(numbered)
        return numbered

    async def end_operation(self, operation: Operation) -> None:
        """Write how it ended. Raises NotFound."""
        await self.operation(operation.id)
        self._operations[operation.id] = operation

    async def operation(self, id: str, *, whole: bool = True) -> Operation:
        """One operation. Raises NotFound."""
        found = self._operations.get(id)
        if found is None:
            raise NotFound("is not known", subject=f"operation/{id}")
        return found if whole else replace(found, request={})

    async def operations(
        self, *, running: bool = False, whole: bool = True, limit: int = 50
    ) -> tuple[Operation, ...]:
        """Newest first."""
        found = [
            each
            for each in reversed(self._operations.values())
            if not running or each.state is OperationState.RUNNING
        ]
        return tuple(each if whole else replace(each, request={}) for each in found[:limit])

    async def said(self, operation: str, *, after: int = 0) -> tuple[Progress, ...]:
        """What an operation said, from the number after."""
        return tuple(self._said[operation][after:])

    async def audit(self, entry: AuditEntry) -> None:
        """Kept nowhere."""

    async def audited(
        self, *, limit: int = 100, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """None."""
        return ()

    async def put_token(self, token: Token) -> None:
        """Raises Refused: there is nobody to present one to."""
        raise Refused("tokens are a server's", subject=f"token/{token.identity.name}")

    async def token(self, digest: str) -> Token | None:
        """None."""
        return None

    async def tokens(self) -> tuple[Token, ...]:
        """None."""
        return ()

    async def drop_token(self, id: str) -> None:
        """Raises NotFound."""
        raise NotFound("is not known", subject=f"token/{id}")

    @asynccontextmanager
    async def writing(
        self, service: ServiceKey, *, cell: str = "", operation: str = ""
    ) -> AsyncIterator[None]:
        """Hold the service of that cell in this process; the cell's lease holds it in all."""
        if (cell, service) in self._at_work:
            raise Conflict(
                f"is being changed: operation {self._at_work[cell, service]}",
                subject=service.at(cell),
            )
        self._at_work[cell, service] = operation
        try:
            yield
        finally:
            del self._at_work[cell, service]

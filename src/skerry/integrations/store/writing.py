"""One writer for each service."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from skerry.errors import Conflict, SkerryError
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation


class Writers:
    """Who is at work on which service, within this process: there is one server a database."""

    def __init__(self, operation: Callable[[str], Awaitable[Operation]]) -> None:
        self._operation = operation
        self._at_work: dict[tuple[str, ServiceKey], str] = {}

    @asynccontextmanager
    async def hold(self, service: ServiceKey, *, cell: str, operation: str) -> AsyncIterator[None]:
        """Be its only writer in that cell. Raises Conflict at once when somebody is."""
        if (cell, service) in self._at_work:
            raise await self._conflict(service, cell)
        self._at_work[cell, service] = operation
        try:
            yield
        finally:
            del self._at_work[cell, service]

    async def _conflict(self, service: ServiceKey, cell: str) -> Conflict:
        holder = self._at_work[cell, service]
        try:
            found = await self._operation(holder)
            who = f"{found.kind} by {found.by} since {found.at:%H:%M:%S} (operation {holder})"
        except SkerryError:  # carry on: the conflict matters more than who
            who = f"operation {holder}" if holder else "another operation"
        return Conflict(
            f"is being changed: {who}",
            subject=service.at(cell) if cell else f"service/{service.namespace}/{service.name}",
            hint=f"wait until it has ended: skerry status {service}",
        )

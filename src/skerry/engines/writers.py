"""Who writes which services, where one process is all there is."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from skerry.errors import Conflict
from skerry.model.keys import ServiceKey
from skerry.model.stack import tenant_key


class Writers:
    """The writers at work in a cell. Both engines that live in one process keep one."""

    def __init__(self, cell: str) -> None:
        self._cell = cell
        self._services: dict[ServiceKey, str] = {}
        self._stacks: dict[str, str] = {}

    @asynccontextmanager
    async def writing(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None = None
    ) -> AsyncIterator[None]:
        """Be the only writer of these until the block ends. Raises Conflict."""
        for service in services:
            self._check(service, stack)
        if stack is not None:
            self._check_stack(stack)
            self._stacks[stack] = by
        self._services.update(dict.fromkeys(services, by))
        try:
            yield
        finally:
            for service in services:
                del self._services[service]
            if stack is not None:
                del self._stacks[stack]

    def _check(self, service: ServiceKey, stack: str | None) -> None:
        holder = self._services.get(service)
        for name, wave in self._stacks.items():
            if name != stack and service == tenant_key(name, service.name):
                holder = wave
        if holder is not None:
            raise taken(service.at(self._cell), holder)

    def _check_stack(self, stack: str) -> None:
        if stack in self._stacks:
            raise taken(f"stack/{stack}@{self._cell}", self._stacks[stack])
        for service, holder in self._services.items():
            if service == tenant_key(stack, service.name):
                raise taken(service.at(self._cell), holder)


def taken(subject: str, holder: str) -> Conflict:
    """The subject is another writer's for now."""
    return Conflict(f"is being changed by {holder}", subject=subject, hint="skerry operations")

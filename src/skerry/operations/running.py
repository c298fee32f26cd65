"""Operations under way: written down before they start, outliving whoever asked.

An operation is in the ledger before its first act and stays `running` there until it has
ended: a server that dies leaves it so, and the next one takes it up again (`resume.py`).
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from skerry.errors import OWN_FAULT, DeployFailed, SkerryError
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation, OperationState, Progress, Stage
from skerry.operations.concerned import namespaces_of
from skerry.operations.insisting import persist
from skerry.operations.voice import Voice
from skerry.ports import Clock, Ledger

log = logging.getLogger(__name__)
Work = Callable[[Operation, Voice], Awaitable[None]]
QUIET_SECONDS = 10.0


class Running:
    """The operations of this server."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tasks = Tasks()
        self._changed = asyncio.Event()
        self._ends: dict[tuple[str, ServiceKey], int] = {}
        self._ended = 0
        self._at_work: set[tuple[str, ServiceKey]] = set()

    @property
    def ended(self) -> int:
        """How many operations have ended so far: a mark for `start`."""
        return self._ended

    def draft(
        self, kind: str, *, by: str, subject: str, request: dict[str, Any], cell: str = ""
    ) -> Operation:
        """A new operation, not yet written, in that cell."""
        now = self._clock.now()
        id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        return Operation(
            id=id,
            kind=kind,
            by=by,
            at=now,
            subject=subject,
            cell=cell,
            request=request,
            namespaces=namespaces_of(request),
        )

    def busy(self, cell: str) -> frozenset[ServiceKey]:
        """The services of a cell that operations are at work on."""
        return frozenset(service for where, service in self._at_work if where == cell)

    async def start(
        self, operation: Operation, services: Iterable[ServiceKey], work: Work, *, seen: int
    ) -> Operation | None:
        """Take the services, write the operation, begin. None when one of the services was
        changed after the mark `seen`: look again. Raises Conflict when one is being changed."""
        wanted = sorted(set(services))
        if any(self._ends.get((operation.cell, service), 0) > seen for service in wanted):
            return None
        async with AsyncExitStack() as stack:
            await self._take(stack, operation, wanted)
            await self._ledger.open_operation(operation)
            held = stack.pop_all()
        voice = Voice(self._ledger, self._clock, operation=operation.id, heard=self._notify)
        self._spawn(operation, voice, work, held=held, services=wanted)
        return operation

    async def resume(
        self, operation: Operation, services: Iterable[ServiceKey], work: Work
    ) -> None:
        """Go on with an operation another server left. Returns once it is under way."""
        wanted = sorted(set(services))
        said = await self._ledger.said(operation.id)
        async with AsyncExitStack() as stack:
            await self._take(stack, operation, wanted)
            held = stack.pop_all()
        voice = Voice(
            self._ledger, self._clock, operation=operation.id, heard=self._notify, earlier=said
        )
        self._spawn(operation, voice, work, held=held, services=wanted)

    async def follow(
        self, id: str, *, after: int = 0
    ) -> AsyncIterator[Progress | Operation | None]:
        """What an operation says from the number after, as it says it; at its end the
        operation itself. None now and then while it is quiet. Raises NotFound."""
        while True:
            changed = self._changed
            operation = await self._ledger.operation(id, whole=False)
            for progress in await self._ledger.said(id, after=after):
                after = progress.number
                yield progress
            if operation.state is not OperationState.RUNNING:
                yield operation
                return
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield None

    async def wait(self, id: str) -> Operation:
        """The operation, once it has ended."""
        async for each in self.follow(id):
            if isinstance(each, Operation):
                return each
        raise AssertionError("an operation ends")

    async def close(self) -> None:
        """Stop where they are; the next start takes them up again."""
        await self._tasks.close()

    async def _take(
        self, stack: AsyncExitStack, operation: Operation, services: Iterable[ServiceKey]
    ) -> None:
        for service in services:
            await stack.enter_async_context(
                self._ledger.writing(service, cell=operation.cell, operation=operation.id)
            )

    def _spawn(
        self,
        operation: Operation,
        voice: Voice,
        work: Work,
        *,
        held: AsyncExitStack,
        services: list[ServiceKey],
    ) -> None:
        taken = {(operation.cell, each) for each in services}
        self._at_work |= taken

        async def carry_out() -> None:
            async with held:
                try:
                    await self._end(await self._outcome(operation, voice, work))
                finally:
                    self._at_work -= taken
                    self._ended += 1
                    self._ends.update(((operation.cell, each), self._ended) for each in services)

        self._tasks.spawn(carry_out(), name=f"operation {operation.id}")

    async def _outcome(self, operation: Operation, voice: Voice, work: Work) -> Operation:
        """Run it to its end. An error ends the operation, never the server."""
        try:
            await work(operation, voice)
        except SkerryError as error:
            lines = error.last_lines if isinstance(error, DeployFailed) else ()
            await voice.say(Stage.FAILED, str(error), last_lines=lines)
            cause = error.cause
            if error.subject and error.subject != operation.subject:
                cause = str(error)
            return replace(operation, state=OperationState.FAILED, error=cause, hint=error.hint)
        except Exception:
            log.exception(
                "operation %s (%s) met a fault of Skerry's own", operation.id, operation.kind
            )
            await voice.say(Stage.FAILED, OWN_FAULT)
            return replace(
                operation, state=OperationState.FAILED, error=OWN_FAULT, hint="skerry doctor"
            )
        return replace(operation, state=OperationState.DONE)

    async def _end(self, operation: Operation) -> None:
        ended = replace(operation, ended=self._clock.now())
        await persist(self._clock, lambda: self._ledger.end_operation(ended))
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

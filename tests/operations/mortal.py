"""A process that dies at its Nth call to the world, before or after the call takes effect."""

import inspect
from collections.abc import AsyncIterator
from typing import Any


class Death(BaseException):
    """SIGKILL: no handler sees it, and nothing works after it."""


class Fate:
    """Counts calls; at the Nth the process is dead. With `after`, that call still took effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at = at
        self.after = after
        self.calls = 0
        self.dead = False

    def before_call(self) -> None:
        self.calls += 1
        if self.dead or (self.calls == self.at and not self.after):
            self._die()

    def after_call(self) -> None:
        if self.dead or self.calls >= self.at:
            self._die()

    def _die(self) -> None:
        self.dead = True
        raise Death


class Mortal:
    """Stands before a port. Everything that is awaited counts as a call."""

    def __init__(self, real: Any, fate: Fate) -> None:
        self._real = real
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if inspect.iscoroutinefunction(found):
            return self._counted(found)
        if inspect.isasyncgenfunction(found):
            return self._streamed(found)
        return found

    def _counted(self, function: Any) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            self._fate.before_call()
            result = await function(*arguments, **named)
            self._fate.after_call()
            return result

        return call

    def _streamed(self, function: Any) -> Any:
        async def stream(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            async for each in function(*arguments, **named):
                self._fate.before_call()
                yield each

        return stream

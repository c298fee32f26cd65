"""Namespaces that are there before anything is put into them."""

import asyncio
from typing import Final

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.failures import ApiError
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Conflict, Forbidden
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY

_EXISTS: Final = "AlreadyExists"
FRESH_SECONDS: Final = 20.0


class Namespaces:
    """Of one cell. Many who need the same one at the same time make it once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._making: dict[str, asyncio.Lock] = {}
        self._ensured: dict[str, tuple[float, bool]] = {}

    async def ensure(self, name: str, *, lost: float | None = None) -> bool:
        """Have it there. Whether we made it a moment ago: then nothing is in it that is not
        ours. Asked for once in a process, unless it was not there for a request sent later
        than that, at `lost`."""
        clock = self._parts.clock
        async with self._making.setdefault(name, asyncio.Lock()):
            at, made = self._ensured.get(name, (float("-inf"), False))
            if name not in self._ensured or (lost is not None and lost > at):
                made = await self._make(name)
                at = clock.monotonic()
                self._ensured[name] = (at, made)
        return made and clock.monotonic() - at < FRESH_SECONDS

    async def _make(self, name: str) -> bool:
        """Who may not make namespaces may still use those that are there."""
        try:
            return await ensure_namespace(self._parts.client, name)
        except Forbidden:
            return False


async def ensure_namespace(client: Client, name: str) -> bool:
    """Make a team's namespace, or Skerry's own; whether there was none. One that exists stays
    as it is, whoever made it, and none is ever removed: others may live in it."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {MANAGED_BY: FIELD_MANAGER}},
    }
    try:
        await client.create(manifest)
    except Conflict as error:
        if not exists(error):
            raise
        return False
    return True


def exists(error: Conflict) -> bool:
    """Whether something could not be made because it is there."""
    return isinstance(error.__cause__, ApiError) and error.__cause__.reason == _EXISTS

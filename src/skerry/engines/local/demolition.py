"""Takes away all one instance made on the machine, and nothing else."""

import asyncio
from typing import Final

from skerry.engines.local.crew import Crew
from skerry.engines.local.replica import Replica
from skerry.engines.local.runtime import Found
from skerry.engines.local.state import REPLICAS
from skerry.engines.local.tidying import clear_volumes

# Somebody is waiting for `skerry down`; work in progress was drained or is given up.
_LONGEST_GRACE_SECONDS: Final = 10.0


async def demolish(crew: Crew, *, volumes: bool) -> None:
    """Stop and remove containers, then networks, volumes when told to, then the route.

    Raises EngineUnavailable, ApiError at the first thing that does not go: what is left is
    found by its label the next time."""
    known = {one.container: one for one in crew.state.replicas.values()}
    found = await crew.runtime.list()
    await asyncio.gather(*(_end(one, known.get(one.name), crew) for one in found))
    for pod in await crew.state.store.facts(REPLICAS):
        await crew.state.forget(pod)
    crew.state.replicas.clear()
    for namespace in await crew.networks.existing():
        await crew.networks.remove(namespace)
    # Those of services deleted with their volumes a moment ago may still be there.
    await clear_volumes(crew)
    if volumes:
        for name in await crew.runtime.volumes():
            await crew.runtime.remove_volume(name)
            await crew.state.doom(name, None)
    await crew.book.release()


async def _end(found: Found, known: Replica | None, crew: Crew) -> None:
    grace = known.care.grace_seconds if known else _LONGEST_GRACE_SECONDS
    async with crew.slots:
        if found.state == "running":
            await crew.runtime.stop(found.name, grace_seconds=min(grace, _LONGEST_GRACE_SECONDS))
        await crew.runtime.remove(found.name)

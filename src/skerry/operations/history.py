"""What was deployed, when, by whom, and how it ended."""

from dataclasses import dataclass

from skerry.errors import NotFound
from skerry.model.change import Release
from skerry.model.keys import ServiceKey
from skerry.model.world import Scope
from skerry.observer.understand import understand
from skerry.operations.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A service's releases, newest first, and the number of the one that is wanted now."""

    service: ServiceKey
    releases: tuple[Release, ...]
    current: int | None


async def history(platform: Platform, service: ServiceKey) -> History:
    """It outlives the service. Raises NotFound for one that never was."""
    releases = await platform.engine.releases(service)
    scope = Scope(services=frozenset({service}))
    state = understand(await platform.engine.observe(scope)).services.get(service)
    if state is None and not releases:
        raise NotFound(
            "was never here", subject=service.at(platform.engine.cell.cell), hint="skerry status"
        )
    current = state.release if state is not None else None
    return History(service=service, releases=releases, current=current)

"""What is asked of all cells at once: the operations of one cell, in each that is meant.

Documents are loaded once. A cell that does not answer, or refuses, is a reply of its own; a
request that no cell could have answered raises, as with one cell.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from skerry.errors import NotFound, Refused
from skerry.model.access import Identity
from skerry.model.cell import EngineKind
from skerry.model.keys import ServiceKey
from skerry.model.objects import digest_of
from skerry.model.progress import Operation
from skerry.model.world import CellReport, Snapshot
from skerry.operations import delete, deploy
from skerry.operations.cells import LOOK_SECONDS, PLAN_SECONDS, Replies, reach
from skerry.operations.deploy import Begun, Permit, Planned, Request
from skerry.operations.fleet import Fleet
from skerry.operations.history import History
from skerry.operations.history import history as look_back
from skerry.operations.platform import Platform
from skerry.operations.status import status as look
from skerry.operations.volumes import Volume
from skerry.operations.volumes import volumes as find_volumes

T = TypeVar("T")
Digests = str | Mapping[str, str] | None
ACT_SECONDS: Final = PLAN_SECONDS


async def plan(fleet: Fleet, request: Request, *, cells: Sequence[str] = ()) -> Replies[Planned]:
    """What applying would change, in each cell the documents mean. Raises InvalidDocuments,
    Forbidden, NotFound."""
    loaded, meant = await _load(fleet, request, cells)
    found = await reach(
        meant, lambda platform: deploy.plan(platform, loaded), within_seconds=PLAN_SECONDS
    )
    return found.some()


def digest(planned: Replies[Planned]) -> str:
    """Of all plans together; of one alone its own."""
    digests = {platform.name: each.plan.digest for platform, each in planned.good}
    return next(iter(digests.values())) if len(digests) == 1 else digest_of(sorted(digests.items()))


async def apply(
    fleet: Fleet,
    request: Request,
    *,
    cells: Sequence[str] = (),
    expected: Digests = None,
    permit: Permit | None = None,
) -> Replies[Begun]:
    """Begin in each cell the documents mean, as soon as its own plan is made. `expected` are
    digests of plans, by cell where there are several: exactly those, and no other cell."""
    loaded, meant = await _load(fleet, request, cells)
    if isinstance(expected, Mapping):
        meant = tuple(each for each in meant if each.name in expected)
    elif expected is not None and len(meant) > 1:
        raise Refused(
            f"one plan's digest is given, and {len(meant)} cells are meant",
            subject=f"repository/{request.sources.name}",
            hint="give a digest for each cell, or name one: --cell",
        )
    once = _Once(permit)

    async def begin(platform: Platform) -> Begun:
        wanted = expected if not isinstance(expected, Mapping) else expected[platform.name]
        begun = await deploy.begin(platform, loaded, expected=wanted, permit=once.permit)
        if begun.operation is None and platform.cells.cell.engine is EngineKind.KUBERNETES:
            await platform.cells.ready()  # declared, and so known, with nothing in it yet
        return begun

    return (await reach(meant, begin, within_seconds=ACT_SECONDS)).some()


async def status(
    fleet: Fleet,
    *,
    cells: Sequence[str] = (),
    namespace: str | None = None,
    name: str | None = None,
    by: Identity,
) -> Replies[Snapshot]:
    """The services the token sees, cell by cell."""
    found = await reach(
        fleet.platforms(cells),
        lambda platform: look(platform, namespace=namespace, name=name, by=by),
        within_seconds=LOOK_SECONDS,
    )
    return found.some()


async def change(
    fleet: Fleet,
    service: ServiceKey,
    act: Callable[[Platform], Awaitable[Operation]],
    *,
    cells: Sequence[str] = (),
) -> Replies[Operation]:
    """Begin a change of one service, in each cell it is in. Raises NotFound when it is in none
    that answered."""
    platforms = fleet.platforms(cells) or (fleet.only(),)
    return (await reach(platforms, act, within_seconds=ACT_SECONDS)).where_found()


async def down(
    fleet: Fleet,
    *,
    repository: str | None,
    volumes: bool,
    cells: Sequence[str] = (),
    by: Identity,
) -> Replies[Operation]:
    """Begin to remove a repository's services, or all, in each cell."""
    found = await reach(
        fleet.platforms(cells),
        lambda each: delete.down(each, repository=repository, volumes=volumes, by=by),
        within_seconds=ACT_SECONDS,
    )
    return found.some()


async def history(
    fleet: Fleet, service: ServiceKey, *, cells: Sequence[str] = ()
) -> Replies[History]:
    """A service's releases, in each cell that ever had it."""
    found = await reach(
        fleet.platforms(cells),
        lambda platform: look_back(platform, service),
        within_seconds=LOOK_SECONDS,
    )
    return found.where_found()


async def volumes(
    fleet: Fleet, *, cells: Sequence[str] = (), by: Identity
) -> Replies[tuple[Volume, ...]]:
    """The volumes the token sees, cell by cell."""
    found = await reach(
        fleet.platforms(cells),
        lambda platform: find_volumes(platform, by=by),
        within_seconds=LOOK_SECONDS,
    )
    return found.some()


async def home(fleet: Fleet, service: ServiceKey, *, cells: Sequence[str] = ()) -> Platform:
    """The one cell a service is in: what reaches into a replica needs one. Raises Refused,
    listing them, when it is in several; NotFound."""
    platforms = fleet.platforms(cells)
    if len(platforms) == 1:
        await platforms[0].cells.open()
        return platforms[0]
    found = (
        await reach(platforms, lambda each: _has(each, service), within_seconds=LOOK_SECONDS)
    ).some()
    there = [platform for platform, here in found.good if here]
    if len(there) == 1:
        return there[0]
    if not there:
        raise NotFound("is in no cell that answered", subject=str(service), hint="skerry status")
    raise Refused(
        f"is in {len(there)} cells: {', '.join(each.name for each in there)}",
        subject=str(service),
        hint=f"name one: --cell {there[0].name}",
    )


async def reports(fleet: Fleet, *, cells: Sequence[str] = ()) -> Replies[CellReport]:
    """Every cell at a glance."""
    return await reach(
        fleet.platforms(cells), lambda each: each.engine.report(), within_seconds=LOOK_SECONDS
    )


async def _has(platform: Platform, service: ServiceKey) -> bool:
    return service in await platform.engine.index()


async def _load(
    fleet: Fleet, request: Request, cells: Sequence[str]
) -> tuple[Request, tuple[Platform, ...]]:
    repository = await asyncio.to_thread(fleet.load, request.sources)
    meant = fleet.meant(repository, cells, by=request.by)
    if not meant:
        raise Refused(
            "no cell is known, and the documents declare none",
            subject=f"repository/{repository.name}",
            hint="write a cell document: docs/fleet.md",
        )
    return replace(request, repository=repository), meant


class _Once:
    """Several cells, one permission: the first that is ready asks for it."""

    def __init__(self, ask: Permit | None) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()

    async def permit(self, subject: str) -> None:
        """Raises what was answered."""
        async with self._asking:
            if self._ask is not None:
                await self._ask(subject)
                self._ask = None

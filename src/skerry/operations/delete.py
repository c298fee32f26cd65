"""Removing services: one, a repository's, or all. Those that depend on others go first."""

import asyncio
from collections.abc import Iterable

from skerry.errors import Conflict, DeployFailed, NotFound, SkerryError
from skerry.model.access import Identity
from skerry.model.cell import EngineKind
from skerry.model.keys import ServiceKey
from skerry.model.objects import REPOSITORY, annotation, owner_of
from skerry.model.progress import Operation, Stage
from skerry.model.world import EVERYTHING, Observation, Scope
from skerry.operations import scopes
from skerry.operations.alone import alone
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.operations.single import begin
from skerry.operations.steps import deployment_of
from skerry.operations.voice import Voice
from skerry.operations.waiting import wait_until_gone
from skerry.planner.layers import layers
from skerry.planner.removal import dependencies

DEADLINE_SECONDS = 300.0


async def delete(
    platform: Platform, service: ServiceKey, *, volumes: bool, by: Identity
) -> Operation:
    """Begin to remove a service; its volumes stay unless told otherwise. Raises NotFound,
    Conflict."""
    seen = await platform.engine.observe(Scope(services=frozenset({service})))
    if service not in {owner_of(each) for each in seen.objects}:
        raise NotFound(
            "is not here", subject=service.at(platform.engine.cell.cell), hint="skerry status"
        )
    return await begin(
        platform,
        service,
        "delete",
        by=by,
        request={"layers": [[list(service)]], "volumes": volumes},
        work=lambda operation, voice: remove(platform, operation, voice),
    )


async def down(
    platform: Platform, *, repository: str | None, volumes: bool, by: Identity
) -> Operation:
    """Begin to remove every service, or those of one repository; with `volumes`, also the
    volumes services left behind. Raises Forbidden, Conflict when one is being changed."""
    scopes.require_all(by)
    async with platform.planning:
        ordered = _ordered(await platform.engine.observe(EVERYTHING), repository)
        operation = platform.running.draft(
            "down",
            by=by.name,
            subject=f"repository/{repository}" if repository else f"cell/{_cell(platform)}",
            cell=platform.name,
            request={
                "layers": [[list(service) for service in layer] for layer in ordered],
                "volumes": volumes,
            },
        )
        started = await platform.running.start(
            operation,
            [service for layer in ordered for service in layer],
            lambda operation, voice: remove(platform, operation, voice),
            seen=platform.running.ended,
        )
    if started is None:
        raise Conflict("its services are being changed", subject=operation.subject)
    return started


async def destroy(fleet: Fleet) -> None:
    """Remove from the machine what its cell made there beside services. Nothing where it is
    none. Raises Conflict while services run on it."""
    for platform in fleet.platforms():
        if platform.cells.cell.engine is EngineKind.LOCAL:
            if await platform.engine.index():
                raise Conflict("services still run", subject="gateway", hint="skerry down")
            await platform.cells.destroy()


@alone
async def remove(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Layer by layer. One that does not go stops nothing; raises DeployFailed at the end."""
    failures: dict[ServiceKey, SkerryError] = {}

    async def one(service: ServiceKey) -> None:
        try:
            await _remove(platform, service, voice, volumes=operation.request["volumes"])
        except SkerryError as error:
            failures[service] = error

    for layer in operation.request["layers"]:
        await asyncio.gather(*(one(ServiceKey(*service)) for service in layer))
    if failures:
        said = "; ".join(f"{service}: {error.cause}" for service, error in failures.items())
        raise DeployFailed(f"not all is gone: {said}", hint="skerry status; then try again")
    if not operation.request["layers"]:
        await voice.say(Stage.DONE, "nothing to remove")


async def _remove(platform: Platform, service: ServiceKey, voice: Voice, *, volumes: bool) -> None:
    said = "removed, with its volumes" if volumes else "removed"
    await voice.say(Stage.APPLYING, said, service=service)
    await platform.engine.delete(service, volumes=volumes)
    await wait_until_gone(platform, service, voice, deadline_seconds=DEADLINE_SECONDS)
    await voice.say(Stage.DONE, "gone", service=service)


def _ordered(observation: Observation, repository: str | None) -> list[list[ServiceKey]]:
    """Owners of anything, clients before what they depend on. What has no Deployment any more
    (a volume left behind) tells its repository by itself."""
    objects: dict[ServiceKey, list[object]] = {}
    workloads = {}
    mine: set[ServiceKey] = set()
    for manifest in observation.objects:
        owner = owner_of(manifest)
        if owner is None:
            continue
        objects.setdefault(owner, []).append(manifest)
        if repository is None or annotation(manifest, REPOSITORY) == repository:
            mine.add(owner)
        if (workload := deployment_of([manifest])) is not None:
            workloads[owner] = workload
    depends = {
        service: dependencies(workloads[service]) if service in workloads else ()
        for service in mine
    }
    depths = layers(depends)
    numbers: Iterable[int] = sorted(set(depths.values()), reverse=True)
    return [sorted(each for each in mine if depths[each] == number) for number in numbers]


def _cell(platform: Platform) -> str:
    return platform.engine.cell.cell

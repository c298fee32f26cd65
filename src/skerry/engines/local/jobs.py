"""One-off containers from Job manifests: `before:` commands and `skerry run`."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import JOB, container_name, labels_of
from skerry.engines.local.creation import ImageMissing, Plan, create
from skerry.engines.local.crew import Crew
from skerry.engines.local.sessions import AttachedSession, attach
from skerry.engines.local.workload import read_workload
from skerry.errors import Conflict, NotFound
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest, key_of, owner_of

_ATTACHED: Final = {
    "OpenStdin": True,
    "StdinOnce": True,
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
}


async def run_job(
    job: Manifest, crew: Crew, *, tty: bool, beside: Sequence[Manifest] = ()
) -> AttachedSession:
    """Make, attach to and start the job's container. Closing the session removes it.
    `beside` are objects it may refer to that are not applied yet.

    Raises NotFound for a secret or file nobody set, DeployFailed without the image,
    Conflict when the engine refuses it, EngineUnavailable."""
    service = owner_of(job)
    if service is None:
        raise NotFound("is not a job of Skerry's", subject=f"job/{job['metadata']['name']}")
    pod = f"{job['metadata']['name']}-{token_hex(3)}"
    name = container_name(crew.settings, service.namespace, pod)
    crossing = await _place(service, crew)
    address = crew.book.take(service, crossing=crossing) if crew.routed else None
    plan = Plan(
        name=name,
        service=service,
        template=job["spec"]["template"],
        labels=labels_of(crew.settings, service, role=JOB, pod=pod),
        address=address,
        extra={**_ATTACHED, "Tty": tty},
        beside={key_of(manifest): manifest for manifest in beside},
    )

    async def leave() -> None:
        crew.jobs.discard(name)
        await crew.runtime.remove(name)
        crew.book.give_back(address)

    crew.jobs.add(name)
    try:
        await _create(plan, crew)
        session = await attach(crew.runtime.api, name, tty=tty, leave=leave, sleep=crew.clock.sleep)
        await crew.networks.joined(service.namespace)
        return session
    except ApiError as error:
        await leave()
        raise Conflict(error.message, subject=f"service/{service}") from error
    except BaseException:
        await leave()
        raise


async def _create(plan: Plan, crew: Crew) -> None:
    while True:
        try:
            return await create(plan, crew)
        except ImageMissing as missing:
            await crew.images.pull(str(missing), said=lambda: None)


async def _place(service: ServiceKey, crew: Crew) -> bool:
    if not crew.routed:
        return False
    await crew.networks.ensure(service.namespace)
    deployment = crew.state.deployment(service)
    workload = deployment and read_workload(deployment, crew.state.objects)
    if not workload or not workload.crossing:
        return False
    if await crew.book.blocks(service, workload.replicas):
        await crew.router.settled()
    return True

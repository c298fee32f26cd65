"""Volumes: what `down` asks about or keeps."""

from dataclasses import dataclass

from skerry.model.access import Identity
from skerry.model.keys import ServiceKey
from skerry.model.objects import REPOSITORY, annotation, owner_of
from skerry.operations.platform import Platform
from skerry.operations.steps import deployment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume, and whose it is."""

    name: str
    service: ServiceKey
    repository: str | None


async def volumes(platform: Platform, *, by: Identity) -> tuple[Volume, ...]:
    """Those the token sees, also of services that are gone."""
    observation = await platform.engine.observe()
    repositories = {}
    for manifest in observation.objects:
        if (workload := deployment_of([manifest])) is not None:
            repositories[owner_of(workload)] = annotation(workload, REPOSITORY)
    found = []
    for manifest in observation.objects:
        owner = owner_of(manifest)
        if manifest["kind"] == "PersistentVolumeClaim" and owner and by.sees(owner.namespace):
            repository = annotation(manifest, REPOSITORY) or repositories.get(owner)
            name = manifest["metadata"]["name"]
            found.append(Volume(name=name, service=owner, repository=repository))
    return tuple(sorted(found, key=lambda volume: (volume.service, volume.name)))

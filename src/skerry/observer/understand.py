"""A look at a cell, understood."""

from collections.abc import Iterable

from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import INPUTS, Manifest, annotation, key_of, owner_of
from skerry.model.world import Observation, Snapshot
from skerry.observer.deployment import Sight, service_state
from skerry.observer.events import Events


def understand(observation: Observation) -> Snapshot:
    """Every service that has a Deployment, with its state. Objects nobody owns are left out."""
    objects = {key_of(each): each for each in observation.objects if owner_of(each) is not None}
    pods = _by_owner(observation.pods)
    events = Events(observation.events)
    services = {}
    inputs = {}
    for key, manifest in objects.items():
        service = owner_of(manifest)
        if key.kind != "Deployment" or service is None:
            continue
        autoscaler = ObjectKey("HorizontalPodAutoscaler", key.namespace, key.name)
        sight = Sight(
            service=service,
            deployment=manifest,
            autoscaler=objects.get(autoscaler),
            pods=pods.get(service, ()),
            release=observation.releases.get(service),
            override=observation.overrides.get(service),
            events=events,
        )
        services[service] = service_state(sight, now=observation.at)
        inputs[service] = annotation(manifest, INPUTS) or ""
    return Snapshot(
        cell=observation.cell,
        at=observation.at,
        objects=objects,
        services=services,
        inputs=inputs,
        releases=observation.releases,
    )


def _by_owner(pods: Iterable[Manifest]) -> dict[ServiceKey, list[Manifest]]:
    found: dict[ServiceKey, list[Manifest]] = {}
    for pod in pods:
        owner = owner_of(pod)
        if owner is not None:
            found.setdefault(owner, []).append(pod)
    return found

"""Counts set by hand, and restarts: changes of the live objects that no release knows of."""

from typing import Any

from skerry.engines.kubernetes.overrides import (
    OVERRIDE,
    SCALE_MANAGER,
    document_of,
    giving_back,
    overriding,
)
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.replicas import deployment_of
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import RESTARTED_AT, Manifest, annotation, key_of, owner_of
from skerry.model.world import Override

_AS_SCALER = {"fieldManager": SCALE_MANAGER}
_AS_RESTARTER = {"fieldManager": "skerry-restart"}


async def scale(parts: Parts, service: ServiceKey, override: Override | None) -> None:
    """Put a count in force, or what the document says (None). Raises NotFound.

    The autoscaler's bounds come first, the Deployment's annotation last: a crash in between
    leaves no count that nobody knows of.
    """
    deployment = await deployment_of(parts, service)
    autoscaler = await _autoscaler(parts, service)
    if override is None:
        await _give_back(parts, deployment, autoscaler)
        return
    if autoscaler is not None and override.replicas > 0:
        await _patch(parts, autoscaler, overriding(autoscaler, override))
    await _patch(parts, deployment, overriding(deployment, override))


async def restart(parts: Parts, service: ServiceKey) -> None:
    """Roll every replica: a new mark on the pod template, which no release has and no apply
    takes away. Raises NotFound."""
    deployment = await deployment_of(parts, service)
    mark = {RESTARTED_AT: parts.clock.now().isoformat()}
    body = {"spec": {"template": {"metadata": {"annotations": mark}}}}
    path = parts.client.path_of("Deployment", service.namespace, service.name)
    await parts.client.patch(path, {**_uid(deployment), **body}, query=_AS_RESTARTER)


async def _give_back(parts: Parts, deployment: Manifest, autoscaler: Manifest | None) -> None:
    bounds: dict[str, int] = {}
    if autoscaler is not None:
        bounds = document_of(autoscaler)
        if annotation(autoscaler, OVERRIDE) is not None:
            await _patch(parts, autoscaler, giving_back(autoscaler))
    if annotation(deployment, OVERRIDE) is None:
        return
    patch = giving_back(deployment)
    if bounds:  # from nothing the autoscaler would never come back by itself
        live = int(deployment["spec"].get("replicas", 1))
        least, most = bounds.get("minReplicas", 1), bounds["maxReplicas"]
        patch["spec"] = {"replicas": min(max(live, least), most)}
    await _patch(parts, deployment, patch)


async def _autoscaler(parts: Parts, service: ServiceKey) -> dict[str, Any] | None:
    path = parts.client.path_of("HorizontalPodAutoscaler", service.namespace, service.name)
    try:
        found = await parts.client.get(path)
    except NotFound:
        return None
    return found if owner_of(found) == service else None


async def _patch(parts: Parts, live: Manifest, body: dict[str, Any]) -> None:
    key: ObjectKey = key_of(live)
    path = parts.client.path_of(key.kind, key.namespace, key.name)
    await parts.client.patch(path, body, query=_AS_SCALER)


def _uid(live: Manifest) -> dict[str, Any]:
    """Says which object is meant: one made anew under the same name is another."""
    return {"metadata": {"uid": live["metadata"]["uid"]}}

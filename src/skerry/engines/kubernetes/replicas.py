"""The pods of one service: all of them, or the one to reach into."""

from typing import Any, Final

from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Conflict, NotFound
from skerry.model.keys import ServiceKey
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY, SERVICE, Manifest, owner_of

_ENDED: Final = frozenset({"Failed", "Succeeded"})


def labels_of(service: ServiceKey) -> str:
    """The selector of everything of a service in its own namespace."""
    return f"{MANAGED_BY}={FIELD_MANAGER},{SERVICE}={service.name}"


async def deployment_of(parts: Parts, service: ServiceKey) -> dict[str, Any]:
    """The service's Deployment. Raises NotFound when there is none of Skerry's."""
    path = parts.client.path_of("Deployment", service.namespace, service.name)
    try:
        found = await parts.client.get(path)
    except NotFound:
        raise _missing(parts, service) from None
    if owner_of(found) != service:
        raise _missing(parts, service)
    return found


async def pods_of(parts: Parts, service: ServiceKey) -> list[dict[str, Any]]:
    """Every pod of the service, ended ones included."""
    listed = parts.client.list("Pod", namespace=service.namespace, labels=labels_of(service))
    return [pod async for pod in listed]


async def reachable(parts: Parts, service: ServiceKey, replica: str | None) -> dict[str, Any]:
    """The replica named, or the best that runs: ready before not ready, then the newest.
    Raises NotFound, or Conflict when none runs."""
    pods = await pods_of(parts, service)
    named = [pod for pod in pods if replica in (None, pod["metadata"]["name"])]
    running = [pod for pod in named if runs(pod)]
    if running:
        return max(running, key=lambda pod: (is_ready(pod), pod["metadata"]["creationTimestamp"]))
    subject = service.at(parts.cell.cell)
    await deployment_of(parts, service)
    if replica is not None and not named:
        raise NotFound(
            f"has no replica {replica}", subject=subject, hint=f"skerry status {service}"
        )
    who = "none of its replicas" if replica is None else replica
    said = f"{who} runs" if replica is None else f"{who} does not run"
    raise Conflict(said, subject=subject, hint=f"skerry status {service}")


def own_container(pod: Manifest) -> str:
    """The service's own container: the template's first."""
    return str(pod["spec"]["containers"][0]["name"])


def own_status(pod: Manifest) -> dict[str, Any]:
    """How the service's own container is; empty before it is made."""
    name = own_container(pod)
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((dict(each) for each in statuses if each.get("name") == name), {})


def runs(pod: Manifest) -> bool:
    """Whether its container runs, and it is not on its way out."""
    if pod["metadata"].get("deletionTimestamp") is not None:
        return False
    ended = (pod.get("status") or {}).get("phase") in _ENDED
    return not ended and "running" in (own_status(pod).get("state") or {})


def is_ready(pod: Manifest) -> bool:
    """Whether it takes traffic."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _missing(parts: Parts, service: ServiceKey) -> NotFound:
    return NotFound("is not there", subject=service.at(parts.cell.cell), hint="skerry status")

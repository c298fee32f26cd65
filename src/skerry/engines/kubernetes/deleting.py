"""All of a service removed: what its Deployment lists, or what an earlier try left behind.

The Deployment goes early, and with it the list. A try that is cut short is finished by labels.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from skerry.engines.kubernetes.kept import OWNED
from skerry.engines.kubernetes.looking import Looks
from skerry.engines.kubernetes.order import removals
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.writing import Writing
from skerry.errors import Conflict, NotFound
from skerry.model.change import Did, Outcome
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import SERVICE, Manifest, data_of, owner_of

DATA: Final = "PersistentVolumeClaim"
KINDS: Final = (
    "Deployment",
    "HorizontalPodAutoscaler",
    "HTTPRoute",
    "Ingress",
    "Service",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    DATA,
    "RoleBinding",
    "Role",
    "ServiceAccount",
    "LimitRange",
    "ResourceQuota",
    "Namespace",
)
"""Every kind the compiler makes. What a document adds by `extra` is in the inventory."""

_TENANTED: Final = (
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Service",
    "ConfigMap",
    "Secret",
    DATA,
)
_CLUSTER: Final = frozenset({"kube-controller-manager"})


class Deleting:
    """`Engine.delete`."""

    def __init__(self, parts: Parts, looks: Looks, writing: Writing) -> None:
        self._parts = parts
        self._client = parts.client
        self._looks = looks
        self._writing = writing

    async def delete(self, service: ServiceKey, *, volumes: bool) -> tuple[Outcome, ...]:
        """Volumes stay unless told otherwise, and with them the namespace they are in."""
        await self._writing.check(service)
        found = await self._owned(service, volumes=volumes)
        kept = frozenset() if volumes else data_of(found)
        going = [key for key in found if key not in kept]
        # The entry first: one that says too much would hide that the service is gone.
        self._writing.note(service, None)
        await self._writing.settle(service)
        self._looks.forget(service)
        deleted: list[ObjectKey] = []
        for keys in removals(going):
            results = await asyncio.gather(
                *(self._delete(key, found[key]) for key in keys), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            deleted += [key for key, did in zip(keys, results, strict=True) if did is True]
        return tuple(Outcome(key=key, did=Did.DELETED) for key in sorted(deleted))

    async def _owned(self, service: ServiceKey, *, volumes: bool) -> dict[ObjectKey, str]:
        """The uid of everything of the service: what its Deployment lists; with volumes, also
        those an earlier Deployment left; without a Deployment, whatever has its labels."""
        live = await self._looks.look(service)
        found: dict[ObjectKey, str] = {}
        if not live.there:
            listed = await asyncio.gather(*(self._of_kind(kind, service) for kind in KINDS))
            found |= {key: uid for each in listed for key, uid in each.items()}
        elif volumes:
            found |= await self._of_kind(DATA, service)
        own = [ObjectKey("Deployment", *service), *live.items] if live.there else []
        rest = [key for key in own if key not in found]
        uids = await asyncio.gather(*(self._uid(service, key) for key in rest))
        return found | {key: uid for key, uid in zip(rest, uids, strict=True) if uid is not None}

    async def _of_kind(self, kind: str, service: ServiceKey) -> dict[ObjectKey, str]:
        names = f"{SERVICE} in ({service.name},{service.namespace}.{service.name})"
        found: dict[ObjectKey, str] = {}
        try:
            async for each in self._client.list(kind, labels=f"{OWNED},{names}", metadata=True):
                if owner_of(each) == service:
                    metadata = each["metadata"]
                    key = ObjectKey(kind, metadata.get("namespace", ""), metadata["name"])
                    found[key] = metadata["uid"]
        except NotFound:
            return {}  # a cluster without the Gateway API has none of its objects
        return found

    async def _uid(self, service: ServiceKey, key: ObjectKey) -> str | None:
        resource = await self._client.resource_of(key.kind)
        try:
            there = await self._client.get(
                resource.object_path(key.namespace, key.name), metadata=True
            )
        except NotFound:
            return None
        ours = owner_of({**there, "kind": key.kind}) == service
        return str(there["metadata"]["uid"]) if ours else None

    async def _delete(self, key: ObjectKey, uid: str) -> bool:
        if key.kind == "Namespace" and (strangers := await self._strangers(key.name)):
            raise Conflict(
                f"holds what is not Skerry's: {', '.join(strangers)}",
                subject=f"{key}@{self._parts.name}",
                hint=f"kubectl get all --namespace {key.name}",
            )
        return await self._client.delete(key, uid=uid)

    async def _strangers(self, namespace: str) -> list[str]:
        """Some of what others put into a tenant's namespace."""
        listed = await asyncio.gather(*(self._foreign(kind, namespace) for kind in _TENANTED))
        return sorted(name for each in listed for name in each)[:5]

    async def _foreign(self, kind: str, namespace: str) -> list[str]:
        foreign = OWNED.replace("=", "!=")
        listed = self._client.list(kind, namespace=namespace, labels=foreign, metadata=True)
        return [f"{kind}/{_name(each)}" async for each in listed if _is_somebodys(each)]


def _is_somebodys(each: Manifest) -> bool:
    """Not what the cluster puts into every namespace, and not what goes with its owner."""
    metadata = each["metadata"]
    managers = {entry.get("manager") for entry in metadata.get("managedFields") or ()}
    by_cluster = bool(managers) and managers <= _CLUSTER
    return not by_cluster and not metadata.get("ownerReferences")


def _name(each: Mapping[str, Any]) -> str:
    return str(each["metadata"]["name"])

"""The controller double, for machines with an API server and no controller manager.

Makes pods of Deployments (by ReplicaSets) and Jobs, writes their status, ends namespaces and
takes away what lost its owner. Level-based, a namespace at a time; it rolls as carefully as
Kubernetes (never fewer ready than wanted) but in one step, and knows no deadline. No
autoscaler, no endpoints, no foreground deletion: for those there is the real one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.resources import RESOURCES
from skerry.errors import NotFound, SkerryError
from skerry.model.keys import ObjectKey
from skerry.model.objects import digest_of

WATCHED = ("Deployment", "ReplicaSet", "Job", "Pod", "Namespace")
HASH = "pod-template-hash"
GONE_WITH_NAMESPACE = [row.kind for row in RESOURCES.values() if row.namespaced]

Object = dict[str, Any]


class ControllerDouble:
    """Follows what it makes and what it makes it from."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen: dict[str, dict[str, Object]] = {kind: {} for kind in WATCHED}
        self._due: set[str] = set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        await asyncio.gather(self._work(), *map(self._follow, WATCHED))

    async def _follow(self, kind: str) -> None:
        async for event in self._client.watch(kind):
            if event.type == "SYNC":
                self._seen[kind] = {}
            for one in event.items or ((event.object,) if event.object else ()):
                metadata = one["metadata"]
                if event.type == "DELETED":
                    self._seen[kind].pop(metadata["uid"], None)
                else:
                    self._seen[kind][metadata["uid"]] = one
                self._due.add(metadata.get("namespace") or metadata["name"])
            self._changed.set()

    async def _work(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            due, self._due = self._due, set()
            await asyncio.gather(*map(self._look, due))

    async def _look(self, namespace: str) -> None:
        try:
            await self._end(namespace)
            await self._collect(namespace)
            for deployment in self._of("Deployment", namespace):
                await self._roll(deployment)
            for made in self._of("ReplicaSet", namespace):
                await self._fill(made)
            for job in self._of("Job", namespace):
                await self._carry_out(job)
        except SkerryError:  # the world moved; what moved it makes the namespace due again
            self._due.add(namespace)
            await asyncio.sleep(0.05)
            self._changed.set()

    def _of(self, kind: str, namespace: str, owner: Object | None = None) -> list[Object]:
        """Objects of a namespace, or those of an owner, that are not being deleted."""
        return [
            one
            for one in list(self._seen[kind].values())
            if one["metadata"].get("namespace") == namespace
            and "deletionTimestamp" not in one["metadata"]
            and (owner is None or owner["metadata"]["uid"] in _owners(one))
        ]

    async def _roll(self, deployment: Object) -> None:
        namespace, wanted = deployment["metadata"]["namespace"], deployment["spec"]["replicas"]
        new = await self._newest(deployment)
        sets = self._of("ReplicaSet", namespace, deployment)
        old = [one for one in sets if one["metadata"]["uid"] != new["metadata"]["uid"]]
        stays = max(0, wanted - len(_ready(self._of("Pod", namespace, new))))
        recreate = deployment["spec"]["strategy"]["type"] == "Recreate"
        for one in old:
            await self._resize(one, 0 if recreate else min(stays, one["spec"]["replicas"]))
        remaining = [pod for one in old for pod in self._pods_ever(one)]
        await self._resize(new, 0 if recreate and remaining else wanted)
        pods = [pod for one in sets for pod in self._of("Pod", namespace, one)]
        await self._status(deployment, _deployment_status(deployment, pods, new, sets))

    async def _newest(self, deployment: Object) -> Object:
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        digest = digest_of(template)[:10]
        labels = {**template["metadata"]["labels"], HASH: digest}
        for one in self._of("ReplicaSet", metadata["namespace"], deployment):
            if one["metadata"]["labels"][HASH] == digest:
                return one
        revision = 1 + len(self._of("ReplicaSet", metadata["namespace"], deployment))
        pod = {**template, "metadata": {**template["metadata"], "labels": labels}}
        selector = {**deployment["spec"]["selector"]["matchLabels"], HASH: digest}
        return await self._make(
            deployment,
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{metadata['name']}-{digest}",
                    "labels": labels,
                    "annotations": {"deployment.kubernetes.io/revision": str(revision)},
                },
                "spec": {"replicas": 0, "selector": {"matchLabels": selector}, "template": pod},
            },
        )

    async def _resize(self, made: Object, replicas: int) -> None:
        if made["spec"]["replicas"] != replicas:
            changed = await self._client.patch(_path(made), {"spec": {"replicas": replicas}})
            self._seen["ReplicaSet"][made["metadata"]["uid"]] = changed

    async def _fill(self, made: Object) -> None:
        wanted, template = made["spec"]["replicas"], made["spec"]["template"]
        pods = self._of("Pod", made["metadata"]["namespace"], made)
        pods.sort(key=lambda pod: (pod in _ready(pods), pod["metadata"]["name"]))
        for pod in pods[: max(0, len(pods) - wanted)]:
            await self._delete(pod)
        failure = {}
        try:
            for name in _free_names(made, self._pods_ever(made), wanted - len(pods)):
                await self._make(made, _pod(template, name))
        except NotFound:
            raise
        except SkerryError as error:  # a quota, a policy: said on the ReplicaSet, and tried again
            failure = {"conditions": [_condition("ReplicaFailure", "FailedCreate", error.cause)]}
        status = {
            "replicas": len(pods),
            "readyReplicas": len(_ready(pods)),
            "availableReplicas": len(_ready(pods)),
            "observedGeneration": made["metadata"]["generation"],
            "conditions": None,
        }
        await self._status(made, {**status, **failure})

    async def _carry_out(self, job: Object) -> None:
        if any(one["status"] == "True" for one in job["status"].get("conditions") or ()):
            return
        pods = self._pods_ever(job)
        phases = [pod["status"].get("phase") for pod in pods]
        failed, retries = phases.count("Failed"), job["spec"].get("backoffLimit", 6)
        if not pods or (failed == len(pods) <= retries):
            template = job["spec"]["template"]
            labels = {**template["metadata"].get("labels", {}), "job-name": job["metadata"]["name"]}
            metadata = {**template["metadata"], "labels": labels}
            for name in _free_names(job, pods, 1):
                await self._make(job, _pod({**template, "metadata": metadata}, name))
        status: Object = {"active": len(pods) - failed, "failed": failed, "startTime": _now()}
        if "Succeeded" in phases:
            done = _condition("Complete", "CompletionsReached", "Reached expected number")
            status |= {"succeeded": 1, "active": 0, "completionTime": _now()}
            status["conditions"] = [{**done, "type": "SuccessCriteriaMet"}, done]
        elif failed > retries:
            lost = _condition("Failed", "BackoffLimitExceeded", "Job has reached its limit")
            status["conditions"] = [{**lost, "type": "FailureTarget"}, lost]
        await self._status(job, status)

    async def _collect(self, namespace: str) -> None:
        """Take away what lost its owner."""
        there = {uid for kind in WATCHED for uid in self._seen[kind]}
        for kind in ("ReplicaSet", "Pod"):
            for one in self._of(kind, namespace):
                if _owners(one) and not there.intersection(_owners(one)):
                    await self._delete(one)

    async def _end(self, namespace: str) -> None:
        """Empty a namespace that is being deleted, and let it go."""
        for one in list(self._seen["Namespace"].values()):
            metadata = one["metadata"]
            if metadata["name"] != namespace or "deletionTimestamp" not in metadata:
                continue
            left = 0
            for kind in GONE_WITH_NAMESPACE:
                with suppress(NotFound):
                    async for each in self._client.list(kind, namespace=namespace, metadata=True):
                        left += 1
                        await self._delete(each)
            if left:
                raise NotFound("is not empty yet", subject=namespace)
            finalized = {**one, "spec": {"finalizers": []}}
            await self._client.replace(finalized, subresource="finalize")

    def _pods_ever(self, owner: Object) -> list[Object]:
        """Its pods, those being deleted too."""
        uid = owner["metadata"]["uid"]
        return [pod for pod in self._seen["Pod"].values() if uid in _owners(pod)]

    async def _make(self, owner: Object, manifest: Object) -> Object:
        metadata = owner["metadata"]
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        manifest["metadata"] |= {
            "namespace": metadata["namespace"],
            "ownerReferences": [reference],
        }
        made = await self._client.create(manifest)
        self._seen[made["kind"]].setdefault(made["metadata"]["uid"], made)
        return made

    async def _delete(self, one: Object) -> None:
        if "deletionTimestamp" not in one["metadata"]:
            metadata = one["metadata"]
            key = ObjectKey(one["kind"], metadata["namespace"], metadata["name"])
            await self._client.delete(key, uid=metadata["uid"])

    async def _status(self, one: Object, status: Object) -> None:
        before = one.get("status") or {}
        if any(before.get(name) != value for name, value in status.items() if name != "startTime"):
            await self._client.patch(f"{_path(one)}/status", {"status": status})


def _deployment_status(
    deployment: Object, pods: list[Object], new: Object, sets: list[Object]
) -> Object:
    ready, wanted = len(_ready(pods)), deployment["spec"]["replicas"]
    updated = [pod for pod in pods if new["metadata"]["uid"] in _owners(pod)]
    said = "MinimumReplicasAvailable" if ready >= wanted else "MinimumReplicasUnavailable"
    available = _condition("Available", said, "", status="True" if ready >= wanted else "False")
    failures = [
        {**one, "lastUpdateTime": one["lastTransitionTime"]}
        for made in sets
        for one in (made.get("status") or {}).get("conditions") or ()
    ]
    before = {one["type"]: one for one in (deployment.get("status") or {}).get("conditions") or ()}
    same = before.get("Available", {}).get("reason") == said
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": len(pods),
        "updatedReplicas": len(updated),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready) or None,
        "conditions": [before["Available"] if same else available, *failures],
    }


def _pod(template: Object, name: str) -> Object:
    metadata = {**template["metadata"], "name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _free_names(owner: Object, pods: list[Object], count: int) -> Iterator[str]:
    taken = {pod["metadata"]["name"] for pod in pods}
    number = 0
    while count > 0:
        name = f"{owner['metadata']['name']}-{number:05}"
        number += 1
        if name not in taken:
            count -= 1
            yield name


def _ready(pods: list[Object]) -> list[Object]:
    return [
        pod
        for pod in pods
        if any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in pod["status"].get("conditions") or ()
        )
    ]


def _condition(kind: str, reason: str, message: str, *, status: str = "True") -> Object:
    times = {"lastTransitionTime": _now()}
    return {"type": kind, "status": status, "reason": reason, "message": message, **times}


def _owners(one: Mapping[str, Any]) -> set[str]:
    return {owner["uid"] for owner in one["metadata"].get("ownerReferences") or ()}


def _path(one: Mapping[str, Any]) -> str:
    metadata = one["metadata"]
    return RESOURCES[one["kind"]].object_path(metadata["namespace"], metadata["name"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

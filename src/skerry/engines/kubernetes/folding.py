"""A cluster's raw objects in the shape every engine answers in. Pure.

ReplicaSets are folded in: a pod carries our template hash when its ReplicaSet has the
Deployment's template, and a Deployment shows why no pod can be made only when that is so for
the template wanted now. Kubernetes' own condition may still be about an older one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from skerry.model.objects import TEMPLATE_HASH, Manifest, digest_of, owner_of, template_hash

_ENDED: Final = frozenset({"Failed", "Succeeded"})
_FAILURE: Final = "ReplicaFailure"
SetKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSetFacts:
    """What is needed of a ReplicaSet: its template's digest, and why it cannot make pods."""

    template: str
    deployment: str
    failure: Mapping[str, Any] | None = None


def template_digest(workload: Manifest) -> str:
    """Equal for a Deployment and the ReplicaSet made for its template, and only then: what
    Kubernetes itself compares."""
    template = workload["spec"]["template"]
    metadata = {**(template.get("metadata") or {})}
    labels = {**(metadata.get("labels") or {})}
    labels.pop(TEMPLATE_HASH, None)
    metadata["labels"] = labels
    metadata.pop("creationTimestamp", None)
    return digest_of({"metadata": metadata, "spec": template.get("spec")})


def set_facts(replica_set: Manifest) -> ReplicaSetFacts:
    """Of one ReplicaSet."""
    conditions = (replica_set.get("status") or {}).get("conditions", ())
    failure = next(
        (
            each
            for each in conditions
            if each.get("type") == _FAILURE and each.get("status") == "True"
        ),
        None,
    )
    return ReplicaSetFacts(
        template=template_digest(replica_set),
        deployment=controller_of(replica_set, "Deployment"),
        failure=failure,
    )


def controller_of(manifest: Manifest, kind: str) -> str:
    """The name of the object of this kind that made it, or nothing."""
    owners = manifest["metadata"].get("ownerReferences") or ()
    return next((each["name"] for each in owners if each.get("kind") == kind), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment with the digest of its whole template: what is kept of it may be less."""

    deployment: Manifest
    template: str

    @property
    def place(self) -> tuple[str, str]:
        """Its namespace and name."""
        metadata = self.deployment["metadata"]
        return metadata["namespace"], metadata["name"]


def fold(
    workloads: Iterable[Workload],
    sets: Mapping[SetKey, ReplicaSetFacts],
    pods: Iterable[Manifest],
) -> tuple[list[Manifest], list[Manifest]]:
    """The Deployments and their pods, as an Observation holds them. `sets` by namespace and
    name. Pods that ended and are kept by Kubernetes only as a note are left out."""
    failures: dict[tuple[str, str, str], Mapping[str, Any]] = {
        (namespace, facts.deployment, facts.template): facts.failure
        for (namespace, _), facts in sets.items()
        if facts.failure is not None
    }
    wanted: dict[tuple[str, str], tuple[str, str]] = {}
    deployments = []
    for each in workloads:
        wanted[each.place] = (each.template, template_hash(each.deployment))
        failure = failures.get((*each.place, each.template))
        deployments.append(_with_failure(each.deployment, failure))
    folded = (_folded_pod(pod, sets, wanted) for pod in pods)
    return deployments, [pod for pod in folded if pod is not None]


def with_live_count(autoscaler: Manifest, deployment: Manifest | None) -> Manifest:
    """A new autoscaler's status says 0 until its controller has looked; what is wanted
    meanwhile is what the Deployment says, and so it is afterwards."""
    replicas = None if deployment is None else deployment["spec"].get("replicas")
    if replicas is None:
        return autoscaler
    status = {**(autoscaler.get("status") or {}), "desiredReplicas": replicas}
    return {**autoscaler, "status": status}


def _with_failure(deployment: Manifest, failure: Mapping[str, Any] | None) -> Manifest:
    status = deployment.get("status") or {}
    conditions = [each for each in status.get("conditions", ()) if each.get("type") != _FAILURE]
    if _behind(deployment):
        conditions = [each for each in conditions if each.get("type") != "Progressing"]
    if failure is not None:
        conditions.append(dict(failure))
    return {**deployment, "status": {**status, "conditions": conditions}}


def _behind(deployment: Manifest) -> bool:
    """Whether its status is about an older form of it."""
    seen = (deployment.get("status") or {}).get("observedGeneration", 0)
    return int(seen) < int(deployment["metadata"].get("generation", 0))


def _folded_pod(
    pod: Manifest,
    sets: Mapping[SetKey, ReplicaSetFacts],
    wanted: Mapping[tuple[str, str], tuple[str, str]],
) -> Manifest | None:
    metadata, status = pod["metadata"], pod.get("status") or {}
    leaving = metadata.get("deletionTimestamp") is not None
    if owner_of(pod) is None or (status.get("phase") in _ENDED and not leaving):
        return None
    namespace = metadata["namespace"]
    facts = sets.get((namespace, controller_of(pod, "ReplicaSet")))
    digest, hash_ = "", ""
    if facts is not None:
        digest, hash_ = wanted.get((namespace, facts.deployment), ("", ""))
    labels = {**metadata["labels"]}
    if facts is not None and digest == facts.template:
        labels[TEMPLATE_HASH] = hash_
    return {
        **pod,
        "metadata": {**metadata, "labels": labels},
        "status": {**status, "containerStatuses": _own_first(pod, status)},
    }


def _own_first(pod: Manifest, status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Kubernetes sorts them by name; the service's own container is the template's first."""
    statuses = list(status.get("containerStatuses") or ())
    containers: Sequence[Mapping[str, Any]] = (pod.get("spec") or {}).get("containers") or ({},)
    own = containers[0].get("name")
    return sorted(statuses, key=lambda each: each.get("name") != own)

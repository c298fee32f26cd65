"""How many replicas: the autoscaler's bounds, and how many may be missing on purpose."""

from typing import Any, Final

from skerry.compiler.naming import selector
from skerry.compiler.subject import Subject
from skerry.model.objects import Manifest

_BEHAVIOUR: Final[dict[str, Any]] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 15},
            {"type": "Pods", "value": 4, "periodSeconds": 15},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    },
}
"""Up at once; down slowly, by half a minute, from the peak of the last five minutes."""


def autoscaler(subject: Subject) -> Manifest | None:
    """Between the bounds by CPU use; None where the count is fixed. The lower bound is at
    least one: a service with no replica uses no CPU that could wake it."""
    service = subject.service
    scale = service.scale
    if scale.most == scale.min:
        return None
    target = {"type": "Utilization", "averageUtilization": max(1, round(scale.cpu * 100))}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": subject.metadata(service.service),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": service.service,
            },
            "minReplicas": max(1, scale.min),
            "maxReplicas": scale.most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": _BEHAVIOUR,
        },
    }


def disruption_budget(subject: Subject) -> Manifest | None:
    """At most one replica at a time may be taken away; None for a service that has one."""
    service = subject.service
    if service.scale.most <= 1:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": subject.metadata(service.service),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(service)},
        },
    }

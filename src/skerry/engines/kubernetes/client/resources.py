"""Where each kind lives: a table for the kinds Skerry makes or reads, discovery for others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind in one version, as the API server names it."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        """`/api/v1` or `/apis/GROUP/VERSION`."""
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}"

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The path of one object, or of all in a namespace, or (None) of all there are."""
        place = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        end = f"/{quote(name, safe='')}" if name else ""
        return f"{self.root}{place}/{self.plural}{end}"

    def object_path(self, namespace: str, name: str) -> str:
        """The path of one object; no namespace means `default` where the kind has namespaces."""
        return self.path(namespace or DEFAULT_NAMESPACE, name)


def _table() -> Mapping[str, Resource]:
    rows: list[Resource] = []
    for api_version, namespaced, kinds in _KNOWN:
        for kind in kinds.split():
            plural = _PLURALS.get(kind, f"{kind.lower()}s")
            rows.append(
                Resource(kind=kind, api_version=api_version, plural=plural, namespaced=namespaced)
            )
    return {row.kind: row for row in rows}


_KNOWN: Final = (
    ("v1", False, "Namespace Node PersistentVolume"),
    (
        "v1",
        True,
        "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate "
        "ResourceQuota Secret Service ServiceAccount",
    ),
    ("apps/v1", True, "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"),
    ("autoscaling/v2", True, "HorizontalPodAutoscaler"),
    ("batch/v1", True, "CronJob Job"),
    ("policy/v1", True, "PodDisruptionBudget"),
    ("networking.k8s.io/v1", True, "Ingress NetworkPolicy"),
    ("networking.k8s.io/v1", False, "IngressClass"),
    ("rbac.authorization.k8s.io/v1", True, "Role RoleBinding"),
    ("rbac.authorization.k8s.io/v1", False, "ClusterRole ClusterRoleBinding"),
    ("gateway.networking.k8s.io/v1", True, "Gateway HTTPRoute"),
    ("gateway.networking.k8s.io/v1", False, "GatewayClass"),
    ("coordination.k8s.io/v1", True, "Lease"),
    ("discovery.k8s.io/v1", True, "EndpointSlice"),
    ("scheduling.k8s.io/v1", False, "PriorityClass"),
    ("storage.k8s.io/v1", False, "StorageClass"),
    ("apiextensions.k8s.io/v1", False, "CustomResourceDefinition"),
    (
        "admissionregistration.k8s.io/v1",
        False,
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy "
        "ValidatingAdmissionPolicyBinding",
    ),
)
_PLURALS: Final = {
    "Endpoints": "endpoints",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "GatewayClass": "gatewayclasses",
    "PriorityClass": "priorityclasses",
    "StorageClass": "storageclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
RESOURCES: Final[Mapping[str, Resource]] = _table()


def known(kind: str, api_version: str | None = None) -> Resource | None:
    """The table's row, or None where only the server knows the kind or this version of it."""
    row = RESOURCES.get(kind)
    return row if row and api_version in (None, row.api_version) else None


def discovered(listing: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The kinds in an APIResourceList (`/apis/GROUP/VERSION`), without their subresources."""
    return tuple(
        Resource(
            kind=entry["kind"],
            api_version=listing["groupVersion"],
            plural=entry["name"],
            namespaced=bool(entry["namespaced"]),
        )
        for entry in listing.get("resources") or ()
        if "/" not in entry["name"]
    )

"""What a document says in Kubernetes' own words: patches of a service's objects, and others."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, StringConstraints

from skerry.model.document import TARGET, Misfit

PATCHABLE: Final = frozenset(
    {
        "ConfigMap",
        "Deployment",
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "Ingress",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "PodIdentityAssociation",
        "Service",
        "ServiceAccount",
    }
)
"""Kinds a service consists of, in one cell or another."""
_CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "StorageVersion",
        "StorageVersionMigration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
        "VolumeSnapshotClass",
    }
)
_GROUPS: Final[Mapping[str, str]] = {
    kind: group
    for group, kinds in (
        ("", "ConfigMap Endpoints LimitRange PersistentVolumeClaim ResourceQuota Service"),
        ("", "ServiceAccount"),
        ("apps", "ControllerRevision DaemonSet StatefulSet"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("batch", "CronJob Job"),
        ("coordination.k8s.io", "Lease"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("eks.services.k8s.aws", "PodIdentityAssociation"),
        ("gateway.networking.k8s.io", "Gateway HTTPRoute"),
        ("networking.k8s.io", "Ingress NetworkPolicy"),
        ("policy", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io", "Role RoleBinding"),
    )
    for kind in kinds.split()
}
_REPLICAS: Final = frozenset({"Deployment", "ReplicaSet", "Pod"})


def whole_object(written: dict[str, Any]) -> dict[str, Any]:
    """An object that can stand beside a service. Raises Misfit (a ValueError)."""
    metadata = written.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    api_version, kind = written.get("apiVersion"), written.get("kind")
    wanted = {"apiVersion": api_version, "kind": kind, "metadata/name": name}
    for field, value in wanted.items():
        if not isinstance(value, str) or not value:
            raise Misfit(f"should be a whole object: {field} is missing", hint=f"write {field}")
    for part in ("labels", "annotations"):
        found = metadata.get(part) if isinstance(metadata, Mapping) else None
        if found is not None and not _is_texts(found):
            raise Misfit(f"metadata/{part} should be a map of texts", hint="quote its values")
    _check_kind(str(kind), group=str(api_version).rpartition("/")[0])
    return written


def _check_kind(kind: str, *, group: str) -> None:
    if kind in _CLUSTER_SCOPED or (kind != "Cluster" and kind.startswith("Cluster")):
        raise Misfit(
            f"{kind} is for a whole cluster, not for a service's namespace",
            hint=f"remove it, and let whoever runs the cluster create the {kind}",
        )
    if _GROUPS.get(kind, group) != group:
        raise Misfit(
            f"{kind} of {group} would be taken for Kubernetes' own kind of that name",
            hint="create it outside of Skerry",
        )
    if kind == "Secret":
        raise Misfit(
            "a Secret's values would stand in documents, plans and releases",
            hint="write `secrets:`, or an object that only refers to them (ExternalSecret)",
        )
    if kind in _REPLICAS or kind.endswith("List"):
        hint = "write a `service:` for it" if kind in _REPLICAS else "write its items"
        raise Misfit(f"{kind} cannot stand beside a service", hint=hint)


def _is_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())


def known_target(written: str) -> str:
    """A kind a service consists of, or one object of it. Raises Misfit (a ValueError)."""
    kind = written.partition("/")[0]
    if kind == "Secret":
        raise Misfit("a Secret's values are not for documents", hint="write `secrets:`")
    if kind not in PATCHABLE:
        hint = f"known: {', '.join(sorted(PATCHABLE))}"
        raise Misfit(f"no service consists of a {kind}", hint=hint)
    return written


Target = Annotated[str, StringConstraints(pattern=TARGET.pattern), AfterValidator(known_target)]
WholeObject = Annotated[dict[str, Any], AfterValidator(whole_object)]

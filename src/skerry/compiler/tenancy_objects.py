"""What stands around a tenant: its namespace, what it may use, whom it may talk to.

Other services share their team's namespace, which nobody's document owns; a tenant's is an
object of its own, and goes with it.
"""

from functools import lru_cache
from ipaddress import IPv4Network, ip_network
from math import ceil
from typing import Any, Final

from skerry.compiler.network import NAMESPACE_NAME
from skerry.compiler.subject import Dependency, Subject
from skerry.model.cell import Security
from skerry.model.objects import SERVICE, Manifest
from skerry.model.stack import TenantService, parse_destination
from skerry.model.units import show_bytes

SURGE_SHARE: Final = 0.25
"""Replicas a roll adds at once, of those wanted; at least one."""
_POD_SECURITY: Final = "pod-security.kubernetes.io/"
_READS: Final[list[dict[str, Any]]] = [
    {
        "apiGroups": [""],
        "resources": ["pods", "services", "configmaps"],
        "verbs": ["get", "list", "watch"],
    }
]
_DNS_PORTS: Final = [{"protocol": each, "port": 53} for each in ("UDP", "TCP")]
_DNS: Final[dict[str, Any]] = {
    "to": [
        {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "kube-system"}}},
        {"ipBlock": {"cidr": "169.254.20.10/32"}},  # where a cache of names on each node listens
    ],
    "ports": _DNS_PORTS,
}
_OWN: Final[dict[str, Any]] = {"to": [{"podSelector": {}}]}
_LINK_LOCAL: Final = IPv4Network("169.254.0.0/16")
"""Where clouds tell a machine its own credentials: open to nobody who does not name it."""


def enclosure(subject: Subject) -> list[Manifest]:
    """The objects around a tenant, the namespace first; none around other services."""
    service = subject.service
    if not isinstance(service, TenantService):
        return []
    return [
        _namespace(subject),
        _quota(subject),
        _limits(subject),
        _role(subject),
        _binding(subject),
        _egress(subject, service),
    ]


def _namespace(subject: Subject) -> Manifest:
    """With Pod Security as strict as the containers are made."""
    level = (subject.cell.security or Security.RESTRICTED).value
    shut = {_POD_SECURITY + mode: level for mode in ("enforce", "audit", "warn")}
    metadata = subject.metadata(subject.service.namespace)
    del metadata["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {**metadata, "labels": {**subject.labels, **shut}},
    }


def _quota(subject: Subject) -> Manifest:
    """Room for a roll at full scale, in which every replica before still drains, and for one
    command beside (`before:`, `skerry run`)."""
    service = subject.service
    most = service.scale.most
    pods = 2 * most + max(1, ceil(most * SURGE_SHARE)) + 1
    cpu, memory = service.resources.cpu * pods, service.resources.memory * pods
    amounts = {
        f"{side}.{name}": amount
        for side in ("requests", "limits")
        for name, amount in (("cpu", f"{cpu}m"), ("memory", show_bytes(memory)))
    }
    hard = {"pods": str(pods), **amounts, "persistentvolumeclaims": str(len(service.volumes))}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": subject.metadata(service.service),
        "spec": {"hard": hard},
    }


def _limits(subject: Subject) -> Manifest:
    """What a container gets that says nothing: under a quota it could not start otherwise."""
    resources = subject.service.resources
    amounts = {"cpu": f"{resources.cpu}m", "memory": show_bytes(resources.memory)}
    limit = {"type": "Container", "default": amounts, "defaultRequest": amounts}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": subject.metadata(subject.service.service),
        "spec": {"limits": [limit]},
    }


def _role(subject: Subject) -> Manifest:
    """Reads its own namespace's pods, services and configuration; no secrets, and no writing."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": subject.metadata(subject.service.service),
        "rules": _READS,
    }


def _binding(subject: Subject) -> Manifest:
    service = subject.service
    account = {
        "kind": "ServiceAccount",
        "name": service.service,
        "namespace": service.namespace,
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": service.service}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": subject.metadata(service.service),
        "subjects": [account],
        "roleRef": role,
    }


def _egress(subject: Subject, service: TenantService) -> Manifest:
    """Nothing in and nothing out for anything in the namespace, but: names, its own pods, what
    the stack allows, and what it depends on. What comes in is the service's own policy's to say."""
    allowed = [_allowed(each) for each in service.allow]
    targets = [_towards(each) for each in subject.depends]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": subject.metadata(f"{service.service}.walls"),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [_DNS, _OWN, *allowed, *targets],
        },
    }


@lru_cache(maxsize=256)
def _allowed(written: str) -> dict[str, Any]:
    cidr, port = parse_destination(written)
    block: dict[str, Any] = {"cidr": cidr}
    network = ip_network(cidr)
    if isinstance(network, IPv4Network) and network != _LINK_LOCAL:
        block |= {"except": [str(_LINK_LOCAL)]} if network.supernet_of(_LINK_LOCAL) else {}
    rule: dict[str, Any] = {"to": [{"ipBlock": block}]}
    if port is not None:
        rule["ports"] = [{"protocol": "TCP", "port": port}]
    return rule


def _towards(target: Dependency) -> dict[str, Any]:
    place = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: target.key.namespace}},
        "podSelector": {"matchLabels": {SERVICE: target.key.name}},
    }
    rule: dict[str, Any] = {"to": [place]}
    if target.port is not None:
        rule["ports"] = [{"protocol": "TCP", "port": target.port}]
    return rule

"""Walls between namespaces, and the doors `depends` opens in them."""

from typing import Any, Final

from skerry.compiler.naming import LABEL_LENGTH, selector
from skerry.compiler.subject import Dependency, Subject
from skerry.compiler.traffic import GATEWAY
from skerry.errors import InvalidDocuments
from skerry.model.objects import SERVICE, Manifest

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"

_OWN_NAMESPACE: Final[dict[str, Any]] = {"from": [{"podSelector": {}}]}
_FROM_GATEWAY: Final = [{"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: GATEWAY}}}]


def walls(subject: Subject) -> Manifest:
    """Who may connect: the own namespace, and the gateway where there is a route."""
    service = subject.service
    sources = [_OWN_NAMESPACE]
    if service.routed is not None:
        port = {"protocol": "TCP", "port": service.listens}
        sources.append({"from": _FROM_GATEWAY, "ports": [port]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": subject.metadata(service.service),
        "spec": {
            "podSelector": {"matchLabels": selector(service)},
            "policyTypes": ["Ingress"],
            "ingress": sources,
        },
    }


def doors(subject: Subject) -> list[Manifest]:
    """For each dependency in another namespace: its plain name here, the opening there."""
    made: list[Manifest] = []
    for target in subject.depends:
        if target.foreign:
            made.append(_opening(subject, target))
            if target.alias:
                made.append(_alias(subject, target))
    return made


def _alias(subject: Subject, target: Dependency) -> Manifest:
    name = f"{target.key.name}.{target.key.namespace}.svc.cluster.local"
    spec: dict[str, Any] = {"type": "ExternalName", "externalName": name}
    if target.port is not None:
        spec["ports"] = [{"port": target.port, "targetPort": target.port, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": subject.metadata(target.key.name),
        "spec": spec,
    }


def _opening(subject: Subject, target: Dependency) -> Manifest:
    client = subject.service
    owner = f"{client.namespace}.{client.service}"
    if len(owner) > LABEL_LENGTH:
        said = f"{owner} is longer than {LABEL_LENGTH}, too long to own a door in another namespace"
        raise InvalidDocuments([subject.problem("depends", said, "shorten the name or the team")])
    source = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: client.namespace}},
        "podSelector": {"matchLabels": selector(client)},
    }
    rule: dict[str, Any] = {"from": [source]}
    if target.port is not None:
        rule["ports"] = [{"protocol": "TCP", "port": target.port}]
    metadata = subject.metadata(f"from.{owner}.to.{target.key.name}")
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            **metadata,
            "namespace": target.key.namespace,
            "labels": {**subject.labels, SERVICE: owner},
        },
        "spec": {
            "podSelector": {"matchLabels": {SERVICE: target.key.name}},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        },
    }

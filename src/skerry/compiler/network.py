"""Walls between namespaces, and the doors `depends` opens in them."""

from functools import lru_cache
from typing import Any, Final

from skerry.compiler.naming import LABEL_LENGTH, selector
from skerry.compiler.subject import Dependency, Subject
from skerry.errors import InvalidDocuments
from skerry.model.cell import Cell
from skerry.model.objects import SERVICE, Manifest

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"

_OWN_NAMESPACE: Final[dict[str, Any]] = {"from": [{"podSelector": {}}]}


def walls(subject: Subject) -> Manifest:
    """Who may connect: the own namespace, and where there is a route, what brings requests."""
    service, cell = subject.service, subject.cell
    sources = [_OWN_NAMESPACE]
    if service.routed is not None and (outside := _outside(cell)):
        port = {"protocol": "TCP", "port": service.listens}
        sources.append({"from": outside, "ports": [port]})
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


@lru_cache(maxsize=64)
def _outside(cell: Cell) -> list[dict[str, Any]]:
    """The cell's proxies, and networks that load balancers connect from."""
    proxies = cell.proxy_namespace
    names = [] if proxies is None else [{NAMESPACE_NAME: proxies}]
    return [
        *({"namespaceSelector": {"matchLabels": each}} for each in names),
        *({"ipBlock": {"cidr": each}} for each in cell.load_balancers),
    ]


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
    name = f"{target.key.name}.{target.key.namespace}.svc.{subject.cell.cluster_domain}"
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

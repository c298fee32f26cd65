"""The public route: an HTTPRoute of the Gateway API or an Ingress, as the cell says."""

from functools import lru_cache
from typing import Any, Final

from skerry.compiler.naming import public
from skerry.compiler.subject import Subject
from skerry.model.cell import GatewayRef, Routes
from skerry.model.objects import Manifest
from skerry.model.service import Protocol, Route

_NAMES: Final = "external-dns.alpha.kubernetes.io/hostname"
_ISSUER: Final = "cert-manager.io/cluster-issuer"
_SPEAKS_GRPC: Final = {
    "alb.ingress.kubernetes.io/backend-protocol-version": "GRPC",
    "nginx.ingress.kubernetes.io/backend-protocol": "GRPC",
}
"""An Ingress has no field for what its backend speaks."""


def route(subject: Subject) -> Manifest | None:
    """What gives the service its URL in this cell; None without one."""
    found = public(subject.service, subject.cell)
    if found is None:
        return None
    if subject.cell.routes is Routes.INGRESS:
        return _ingress(subject, found)
    return _http_route(subject, found)


def _http_route(subject: Subject, found: Route) -> Manifest:
    document = subject.service
    match = {"path": {"type": "PathPrefix", "value": found.path}}
    backend = {"name": document.service, "port": document.listens}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": subject.metadata(document.service, _names(subject)),
        "spec": {
            "parentRefs": _parents(subject.cell.gateway),
            "hostnames": [subject.host],
            "rules": [{"matches": [match], "backendRefs": [backend]}],
        },
    }


@lru_cache(maxsize=64)
def _parents(gateway: GatewayRef) -> list[dict[str, str]]:
    section = {"sectionName": gateway.section} if gateway.section else {}
    return [{"name": gateway.name, "namespace": gateway.namespace, **section}]


def _ingress(subject: Subject, found: Route) -> Manifest:
    document, ingress = subject.service, subject.cell.ingress
    tls: dict[str, Any] = {"hosts": [subject.host]}
    annotations = dict(_names(subject))
    if document.protocol is Protocol.GRPC:
        annotations.update(_SPEAKS_GRPC)
    if ingress.issuer is not None:
        annotations[_ISSUER] = ingress.issuer
        tls["secretName"] = f"{document.service}-tls"
    backend = {"service": {"name": document.service, "port": {"number": document.listens}}}
    path = {"path": found.path, "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {
        "tls": [tls],
        "rules": [{"host": subject.host, "http": {"paths": [path]}}],
    }
    if ingress.class_name is not None:
        spec["ingressClassName"] = ingress.class_name
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": subject.metadata(document.service, annotations),
        "spec": spec,
    }


def _names(subject: Subject) -> dict[str, str]:
    return {_NAMES: subject.host or ""} if subject.cell.external_dns else {}

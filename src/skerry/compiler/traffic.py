"""How requests reach a service: the Service inside the cell, the route from outside."""

from typing import Any, Final

from skerry.compiler.naming import selector
from skerry.compiler.subject import Subject
from skerry.model.objects import Manifest
from skerry.model.service import Protocol

GATEWAY: Final = "skerry"
"""The Gateway every route hangs on, and the namespace it is in."""
_PARENTS: Final = [{"name": GATEWAY, "namespace": GATEWAY}]
# What Kubernetes wants each protocol called; plain TCP has no name.
_APP_PROTOCOL: Final = {Protocol.HTTP: "http", Protocol.GRPC: "kubernetes.io/h2c"}


def service(subject: Subject) -> Manifest | None:
    """The name and port others in the namespace use; None for a worker."""
    document = subject.service
    if document.listens is None:
        return None
    port: dict[str, Any] = {
        "name": document.protocol.value,
        "port": document.listens,
        "targetPort": document.listens,
        "protocol": "TCP",
    }
    if document.protocol in _APP_PROTOCOL:
        port["appProtocol"] = _APP_PROTOCOL[document.protocol]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": subject.metadata(document.service),
        "spec": {"type": "ClusterIP", "selector": selector(document), "ports": [port]},
    }


def route(subject: Subject) -> Manifest | None:
    """The public route; None without one."""
    document = subject.service
    public = document.routed
    if public is None:
        return None
    match = {"path": {"type": "PathPrefix", "value": public.path}}
    backend = {"name": document.service, "port": document.listens}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": subject.metadata(document.service),
        "spec": {
            "parentRefs": _PARENTS,
            "hostnames": [subject.host],
            "rules": [{"matches": [match], "backendRefs": [backend]}],
        },
    }

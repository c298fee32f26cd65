"""How requests reach a service inside the cell, and from load balancers outside of it."""

from typing import Any, Final

from skerry.compiler.naming import selector
from skerry.compiler.subject import Subject
from skerry.model.objects import Manifest
from skerry.model.service import Protocol

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
    on_nodes = subject.cell.node_ports and document.routed is not None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": subject.metadata(document.service),
        "spec": {
            "type": "NodePort" if on_nodes else "ClusterIP",
            "selector": selector(document),
            "ports": [port],
        },
    }

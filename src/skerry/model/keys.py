"""Who is meant: a service, an object, a subject of a message.

Subjects read `kind/namespace/name@cell` wherever a person sees them.
"""

from typing import NamedTuple

DEFAULT_NAMESPACE = "default"


class ServiceKey(NamedTuple):
    """A service within one cell. Written `name` in the default namespace, else `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return self.name if self.namespace == DEFAULT_NAMESPACE else f"{self.namespace}/{self.name}"

    def at(self, cell: str) -> str:
        """The subject of a message: `service/default/web@local`."""
        return f"service/{self.namespace}/{self.name}@{cell}"


class ObjectKey(NamedTuple):
    """A Kubernetes-shaped object within one cell."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


def parse_service_key(written: str) -> ServiceKey:
    """`"web"` -> default/web, `"payments/web"` -> payments/web."""
    namespace, slash, name = written.partition("/")
    return ServiceKey(namespace, name) if slash else ServiceKey(DEFAULT_NAMESPACE, namespace)

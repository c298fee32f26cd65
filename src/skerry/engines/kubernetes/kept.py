"""What Skerry keeps in the cell for itself: in one namespace, under names made from services."""

from typing import Final

from skerry.model.keys import ServiceKey
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY, digest_of
from skerry.model.stack import tenant_key

SYSTEM: Final = "skerry"
"""The namespace of index, releases, leases and facts. Not a team's: no service lives there."""

KEPT: Final = "skerry.dev/kept"  # label: what an object in SYSTEM is for
INDEX: Final = "index"
RELEASE: Final = "release"
LEASE: Final = "lease"
FACT: Final = "fact"

SHARDS: Final = 16
"""Index and records of many services are spread over so many objects: few enough to read in one
request, enough that 100,000 services stay far below the size an object may have."""

OWNED: Final = f"{MANAGED_BY}={FIELD_MANAGER}"
"""The selector of everything Skerry ever made."""


def service_hash(service: ServiceKey) -> str:
    """A service as part of a name or a label: both are shorter than its key may be."""
    return digest_of(list(service))[:16]


def shard_of(service: ServiceKey) -> int:
    """Which of the shards a service is in."""
    return int(service_hash(service)[:2], 16) % SHARDS


def stack_of(service: ServiceKey) -> str | None:
    """The stack whose tenant has this key, as far as keys tell."""
    stack = service.namespace.removesuffix(f"-{service.name}")
    return stack if stack and service == tenant_key(stack, service.name) else None


def kept_labels(what: str) -> dict[str, str]:
    """The labels of an object kept for Skerry itself."""
    return {MANAGED_BY: FIELD_MANAGER, KEPT: what}


def written(service: ServiceKey) -> str:
    """A service as a key of a ConfigMap: a namespace has no dot."""
    return f"{service.namespace}.{service.name}"


def read(key: str) -> ServiceKey:
    """What `written` wrote."""
    namespace, _, name = key.partition(".")
    return ServiceKey(namespace, name)

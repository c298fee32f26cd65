"""Names, labels and hosts: how everything a service consists of is found again."""

import re
from typing import Final

from skerry.compiler.subject import Subject
from skerry.model.cell import Cell, Routes
from skerry.model.keys import DEFAULT_NAMESPACE
from skerry.model.objects import (
    APP_NAME,
    FIELD_MANAGER,
    MANAGED_BY,
    SERVICE,
    STACK,
    TEAM,
    TENANT,
    digest_of,
)
from skerry.model.service import Route, Service
from skerry.model.stack import TenantService

TAG: Final = "tag.skerry.dev/"
LABEL_LENGTH: Final = 63
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")


def selector(service: Service) -> dict[str, str]:
    """The one label that picks a service's replicas within its namespace. Never changes:
    Kubernetes refuses a Deployment whose selector does."""
    return {SERVICE: service.service}


def pod_labels(service: Service) -> dict[str, str]:
    """Labels of replicas. Without tags: a changed tag must not roll anything."""
    made = {
        APP_NAME: service.service,
        MANAGED_BY: FIELD_MANAGER,
        SERVICE: service.service,
    }
    if isinstance(service, TenantService):
        made |= {STACK: service.stack, TENANT: service.service}
    return made


def labels(service: Service) -> dict[str, str]:
    """Labels of every object of a service."""
    made = pod_labels(service)
    if service.team:
        made[TEAM] = service.team
    for key, value in service.tags.items():
        made[TAG + sanitise(key)] = sanitise(value)
    return made


def raw_tags(service: Service) -> dict[str, str]:
    """Annotations with those tags whose value a label cannot hold as written."""
    return {
        TAG + sanitise(key): value
        for key, value in service.tags.items()
        if sanitise(value) != value
    }


def sanitise(text: str) -> str:
    """The nearest form a label can hold: at most 63 of `A-Za-z0-9._-`, alphanumeric ends."""
    return _ODD.sub("-", text)[:LABEL_LENGTH].strip("-._")


def hashed(service: Service, what: str, content: object) -> str:
    """A name that changes with the content: `web-files-3f2a9c01`."""
    return f"{service.service}-{what}-{digest_of(content)[:8]}"


def public(service: Service, cell: Cell) -> Route | None:
    """Its route from outside, or None: it has none, or the cell gives none."""
    return None if cell.routes is Routes.NONE else service.routed


def host(service: Service, cell: Cell) -> str | None:
    """The name it is found at from outside, or None without a route."""
    route = public(service, cell)
    if route is None:
        return None
    if route.host is not None:
        return route.host
    if service.namespace == DEFAULT_NAMESPACE:
        return f"{service.service}.{cell.domain}"
    return f"{service.service}.{service.namespace}.{cell.domain}"


def url(subject: Subject) -> str | None:
    """Where it answers from outside, or None: `https://web.localhost:8443/shop`."""
    route = public(subject.service, subject.cell)
    if route is None:
        return None
    https = subject.cell.https
    port = "" if https == 443 else f":{https}"
    return f"https://{subject.host}{port}{'' if route.path == '/' else route.path}"

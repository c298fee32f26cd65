"""Whom an operation changes, as its request says it."""

from collections.abc import Mapping
from typing import Any

from skerry.model.keys import ServiceKey


def services_of(request: Mapping[str, Any]) -> set[ServiceKey]:
    """Every service a request names: its own, those of its steps, those of its layers. A whole
    stack is one: a roll-out takes its tenants a wave at a time."""
    named = [request["service"]] if "service" in request else []
    named += [whole_stack(request["stack"])] if "stack" in request else []
    named += [step["service"] for step in request.get("steps", ())]
    named += [service for layer in request.get("layers", ()) for service in layer]
    return {ServiceKey(*each) for each in named}


def whole_stack(stack: str) -> ServiceKey:
    """What one roll-out of a stack at a time holds. No service can be called so."""
    return ServiceKey("*", stack)


def namespaces_of(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Their namespaces, sorted."""
    return tuple(sorted({service.namespace for service in services_of(request)}))

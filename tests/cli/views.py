"""Views as the server gives them, with the few fields a test cares about."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, str] = MappingProxyType({})
AT = "2026-03-01T12:00:00+00:00"


def service(name: str = "web", **more: Any) -> dict[str, Any]:
    namespace, slash, bare = name.rpartition("/")
    return {
        "cell": "local",
        "name": bare,
        "namespace": namespace if slash else "default",
        "state": "running",
        "reason": "every replica is ready",
        "ready": 1,
        "desired": 1,
        "release": 1,
        "image": "ghcr.io/acme/web:1.4.2",
        "url": f"https://{bare}.localhost",
        "since": AT,
        "hold": None,
        "override": None,
        **more,
    }


def replica(name: str = "web-5f6d-a", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "ready": True,
        "reason": "ready",
        "address": "10.208.0.5:8080",
        "release": 1,
        "restarts": 0,
        "since": AT,
        "draining": False,
        "updated": True,
        "failed": False,
        "last_lines": [],
        **more,
    }


def status(*services: dict[str, Any], silent: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """Of the cells its services are in, and of those that do not answer, with why."""
    names = list(dict.fromkeys(each["cell"] for each in services)) or ["local"]
    cells = [_cell(name, "") for name in names] + [_cell(*each) for each in silent.items()]
    alone = cells[0]["cell"] if len(cells) == 1 else None
    return {"cell": alone, "services": list(services), "cells": cells}


def _cell(name: str, reason: str) -> dict[str, Any]:
    return {"cell": name, "engine": "local", "reachable": not reason, "reason": reason}


def plans(*made: dict[str, Any], unreachable: Sequence[Any] = ()) -> dict[str, Any]:
    """What POST /v1/plan answers."""
    return {"digest": "d1g3st", "plans": list(made), "unreachable": list(unreachable)}


def started(*operations: dict[str, Any], unreachable: Sequence[Any] = ()) -> dict[str, Any]:
    """What a change answers."""
    return {"operations": list(operations), "unreachable": list(unreachable)}


def applied(
    made: Sequence[Any], *operations: dict[str, Any], unreachable: Sequence[Any] = ()
) -> dict[str, Any]:
    """What POST /v1/apply answers."""
    return {"plans": list(made), **started(*operations, unreachable=unreachable)}


def failure(cell: str, cause: str, **more: Any) -> dict[str, Any]:
    """A cell that did not answer."""
    body = {"code": "engine_unavailable", "subject": f"cell/{cell}", "cause": cause, "hint": ""}
    return {"cell": cell, "reason": f"cell/{cell}: {cause}", "error": {**body, **more}}


def change(name: str = "web", action: str = "create", **more: Any) -> dict[str, Any]:
    return {
        "service": name,
        "action": action,
        "reason": "it is new",
        "layer": 0,
        "diff": [],
        "warnings": [],
        **more,
    }


def plan(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "cell": "local",
        "digest": "d1g3st",
        "changes": list(changes),
        "held": [],
        "unchanged": 0,
        **more,
    }


def operation(state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "id": "op-1",
        "cell": "local",
        "kind": "apply",
        "by": "local",
        "at": AT,
        "subject": "service/default/web@local",
        "state": state,
        "error": "",
        "hint": "",
        "ended": None if state == "running" else AT,
        **more,
    }


def progress(stage: str, message: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "progress", {
        "number": 0,
        "at": AT,
        "stage": stage,
        "message": message,
        "service": "web",
        "since": None,
        "replicas": [],
        "last_lines": [],
        **more,
    }


DONE = ("end", operation("done"))

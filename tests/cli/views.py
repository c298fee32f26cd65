"""Views as the server gives them, with the few fields a test cares about."""

from typing import Any

AT = "2026-03-01T12:00:00+00:00"


def service(name: str = "web", **more: Any) -> dict[str, Any]:
    namespace, slash, bare = name.rpartition("/")
    return {
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


def status(*services: dict[str, Any]) -> dict[str, Any]:
    return {"cell": "local", "services": list(services)}


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

"""The container engine that tests use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.images.engine import ApiEngine
from tools.images.packages import CannotMake

_SOCKETS = (
    "/run/podman/podman.sock",
    f"{os.environ.get('XDG_RUNTIME_DIR', '/nonexistent')}/podman/podman.sock",
    "/run/docker.sock",
)


@contextmanager
def open_engine() -> Iterator[tuple[str | None, str]]:
    """The URL of an engine that answers, or None and the reason there is none."""
    named = os.environ.get("SKERRY_TEST_ENGINE") or os.environ.get("DOCKER_HOST")
    if named:
        yield (named, "") if _answers(named) else (None, f"no engine answers at {named}")
        return
    sockets = [f"unix://{path}" for path in _SOCKETS if Path(path).exists()]
    if found := next((url for url in sockets if _answers(url)), None):
        yield found, ""
        return
    yield None, "no container engine answers: start Podman or Docker"


def _answers(url: str) -> bool:
    try:
        status, _ = ApiEngine(url).call("GET", "/_ping")
    except CannotMake:
        return False
    return status == 200

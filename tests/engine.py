"""The container engine that tests use."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skerry.clock import SystemClock
from skerry.engines.local.host import find_engine
from skerry.errors import EngineUnavailable
from tools.images.engine import ApiEngine
from tools.images.packages import CannotMake


@contextmanager
def open_engine() -> Iterator[tuple[str | None, str]]:
    """The URL of an engine that answers, or None and the reason there is none.

    The product's own search finds it, and starts Podman's service where only Podman is there;
    such a service is ended afterwards.
    """
    named = os.environ.get("SKERRY_TEST_ENGINE") or os.environ.get("DOCKER_HOST")
    if named:
        yield (named, "") if _answers(named) else (None, f"no engine answers at {named}")
        return
    with tempfile.TemporaryDirectory(prefix="skerry-engine-") as folder:
        try:
            url = asyncio.run(_found(Path(folder)))
        except EngineUnavailable as error:
            yield None, error.cause
            return
        try:
            yield url, ""
        finally:
            _end(Path(folder, "podman.pid"))


async def _found(folder: Path) -> str:
    host = await find_engine(folder, SystemClock())
    await host.api.close()
    return host.api.url


def _answers(url: str) -> bool:
    try:
        status, _ = ApiEngine(url).call("GET", "/_ping")
    except CannotMake:
        return False
    return status == 200


def _end(pid_file: Path) -> None:
    if pid_file.exists():
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)

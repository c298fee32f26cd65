"""The inspector's own code, and a real Redis for it."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).parents[2] / "examples" / "inspector" / "app"
sys.path.insert(0, str(APP))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(done: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """What `done` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture
def redis_port(needs: Any, tmp_path: Path) -> Iterator[int]:
    """A redis-server of this test's own, with the example's configuration."""
    program = needs.program("redis-server")
    port = free_port()
    settings = APP.parent / "redis" / "redis.conf"
    told = ["--port", str(port), "--dir", str(tmp_path), "--bind", "127.0.0.1"]
    server = subprocess.Popen([program, settings, *told], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port))
        yield port
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def jobs(redis_port: int) -> Iterator[Any]:
    """The example's jobs, on that Redis."""
    import redis
    from inspector.jobs import Jobs

    with redis.Redis(port=redis_port, decode_responses=True) as connection:
        yield Jobs(connection)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

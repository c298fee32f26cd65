"""Rule 1: a deploy drops no request, from outside or between services."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.end_to_end.load import Load
from tests.end_to_end.platform import Platform
from tests.soak import soak_count

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(1500)]

TWO = """\
service: front
image: {image}
health: {{path: /healthz, interval: 1s}}
scale: {{min: 2}}
drain: {drain}
depends: [back]
---
service: back
image: {image}
health: {{path: /healthz, interval: 1s}}
scale: {{min: 2}}
drain: {drain}
"""


@pytest.fixture
def two(skerry: Platform, test_image: str) -> Platform:
    """Two services, the first of which asks the second."""
    skerry.write(TWO.format(image=test_image, drain="20s"))
    skerry.skerry("up", ".")
    return skerry


def nothing_failed(*loads: Load) -> None:
    """Every load was real, and every request of it was answered."""
    for load in loads:
        assert not load.result.failures, dict(load.result.failures)
        assert load.result.answered > 100, load.result.answered


def test_deploys_scale_downs_rollbacks_and_an_upgrade_drop_nothing(
    two: Platform, image_saying: Callable[[str], str]
) -> None:
    first, second = image_saying("one"), image_saying("two")
    with (
        Load(two.http, "front.localhost") as outside,
        Load(two.http, "front.localhost", "/fetch?url=http://back:8080/", connections=4) as inside,
    ):
        for number in range(soak_count(3, 25)):
            for name in ("front", "back"):
                two.skerry("deploy", name, "--image", (first, second)[number % 2])
        for _ in range(soak_count(1, 10)):
            for name in ("front", "back"):
                two.skerry("scale", name, "3")
                two.skerry("scale", name, "1")
        for _ in range(soak_count(1, 5)):
            for name in ("front", "back"):
                two.skerry("rollback", name)
        two.skerry("server", "upgrade-gateway")
        for name in ("front", "back"):
            two.skerry("restart", name)
    nothing_failed(outside, inside)
    assert {"one", "two"} & set(outside.result.bodies), dict(outside.result.bodies)


def test_long_answers_and_websockets_outlive_a_deploy_within_the_drain(
    two: Platform, image_saying: Callable[[str], str]
) -> None:
    seconds = 8
    streams = [Stream(two.http, seconds) for _ in range(5)]
    with sockets(two.http, 5) as open_sockets:
        for stream in streams:
            stream.start()
        deploy = two.start("deploy", "front", "--image", image_saying("one"))
        spoken = [echo(each) for each in open_sockets for _ in range(3)]
        for stream in streams:
            stream.join(60)
    said, _ = deploy.communicate(timeout=120)
    assert deploy.returncode == 0, said
    assert [stream.lines for stream in streams] == [seconds * 10] * len(streams)
    assert all(spoken)


def test_websockets_are_told_to_leave_by_the_replica_and_not_cut(
    two: Platform, image_saying: Callable[[str], str]
) -> None:
    # Held beyond the drain: the replica itself says 1001 when it is told to stop.
    two.write(TWO.format(image=image_saying("one"), drain="3s"))
    with sockets(two.http, 4) as open_sockets:
        two.skerry("apply", ".", "--yes")
        codes = [left_with(each) for each in open_sockets]
    assert codes == [1001] * len(codes)


class Stream(threading.Thread):
    """A long answer; counts the lines that came."""

    def __init__(self, port: int, seconds: int) -> None:
        super().__init__(daemon=True)
        self._port, self._seconds = port, seconds
        self.lines = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(
            "GET", f"/stream?seconds={self._seconds}", headers={"Host": "front.localhost"}
        )
        self.lines = len(connection.getresponse().read().splitlines())
        connection.close()


@contextlib.contextmanager
def sockets(port: int, count: int) -> Iterator[list]:
    """Open WebSockets to the front service."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                connect(
                    "ws://front.localhost/ws",
                    sock=_connected(port),
                    open_timeout=10,
                    ping_interval=None,
                )
            )
            for _ in range(count)
        ]


def _connected(port: int):
    import socket

    return socket.create_connection(("127.0.0.1", port), timeout=30)


def echo(websocket) -> bool:
    """Whether a message comes back."""
    websocket.send("still there?")
    return bool(websocket.recv(timeout=10) == "still there?")


def left_with(websocket) -> int:
    """The close code the other side gave."""
    try:
        websocket.recv(timeout=30)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return -1

"""The tools and the shared fixtures do what they say."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.leftovers import INSTANCE_LABEL
from tools.images.engine import ApiEngine

LIMITS = [
    {"Name": "nofile", "Soft": 4096, "Hard": 4096},
    {"Name": "nproc", "Soft": 4096, "Hard": 4096},
]


@contextmanager
def running(docker_url: str, instance: str, **asked: Any) -> Iterator[tuple[str, ApiEngine]]:
    """A container of these settings, started; removed at the end."""
    engine = ApiEngine(docker_url)
    labels = {INSTANCE_LABEL: instance}
    body = {"Labels": labels, "HostConfig": {"Ulimits": LIMITS}, **asked}
    said = call(engine, "POST", f"/containers/create?name={instance}", body)
    try:
        call(engine, "POST", f"/containers/{said['Id']}/start")
        yield said["Id"], engine
    finally:
        engine.call("DELETE", f"/containers/{said['Id']}?force=true")


def call(engine: ApiEngine, method: str, path: str, body: Any = None) -> Any:
    """A call that must succeed."""
    sent = json.dumps(body).encode() if body is not None else None
    status, said = engine.call(method, path, body=sent, kind="application/json")
    assert status < 400, said
    return json.loads(said) if said.strip() else None


def address_of(engine: ApiEngine, container: str) -> str:
    """Where it is on its network."""
    seen = call(engine, "GET", f"/containers/{container}/json")
    return next(str(net["IPAddress"]) for net in seen["NetworkSettings"]["Networks"].values())


def get(host: str, path: str) -> tuple[int, bytes]:
    """One request, once the server listens."""
    for _ in range(100):
        with closing(HTTPConnection(host, 8080, timeout=10)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except OSError:
                time.sleep(0.05)
    raise AssertionError("it never listened")


@pytest.mark.engine
def test_the_web_image_serves_and_stops_at_once_when_told(
    docker_url: str, instance: str, test_image: str
) -> None:
    with running(docker_url, instance, Image=test_image, Env=["TEXT=salut"]) as (id, engine):
        assert get(address_of(engine, id), "/") == (200, b"salut")
        assert get(address_of(engine, id), "/healthz")[0] == 200
        started = time.monotonic()
        call(engine, "POST", f"/containers/{id}/stop?t=20")
        assert time.monotonic() - started < 10
        assert call(engine, "GET", f"/containers/{id}/json")["State"]["ExitCode"] == 0


@pytest.mark.engine
def test_the_web_image_exits_with_the_code_it_is_told(
    docker_url: str, instance: str, test_image: str
) -> None:
    with running(docker_url, instance, Image=test_image, Env=["EXIT=7"]) as (id, engine):
        assert call(engine, "POST", f"/containers/{id}/wait")["StatusCode"] == 7


@pytest.mark.engine
def test_an_image_may_want_another_stop_signal(
    docker_url: str, instance: str, own_stop_signal_image: str
) -> None:
    with running(docker_url, instance, Image=own_stop_signal_image) as (id, engine):
        get(address_of(engine, id), "/")
        call(engine, "POST", f"/containers/{id}/stop?t=20")
        assert call(engine, "GET", f"/containers/{id}/json")["State"]["ExitCode"] == 0


async def test_a_fake_clock_wakes_sleepers_each_at_its_own_time() -> None:
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 3))
        group.create_task(sleeper("early", 1))
        await clock.advance(2)
        assert woken == [("early", 1.0)]
        await clock.advance(2)
    assert woken == [("early", 1.0), ("late", 3.0)]


def test_a_jump_moves_the_wall_clock_only() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.jump(hours=-2)
    assert (before - clock.now()).total_seconds() == 7200
    assert clock.monotonic() == 0

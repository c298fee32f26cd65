"""The tools and the shared fixtures do what they say."""

import asyncio
import io
import json
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.leftovers import INSTANCE_LABEL
from tools.images.engine import ApiEngine
from tools.images.layer import write_layer
from tools.images.packages import CannotMake, Packages
from tools.images.recipes import Recipe, User

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


def make_deb(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """A Debian package with these files."""
    root = folder / name
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "DEBIAN").mkdir(mode=0o755)
    about = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: b\n"
    (root / "DEBIAN" / "control").write_text(about)
    deb = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", root, deb], check=True, capture_output=True)
    return deb


RECIPE = Recipe(name="x", packages=("a",), users=(User(name="app", number=7),), command=("a",))


def layer_of(*debs: Path) -> dict[str, tarfile.TarInfo]:
    """The layer's members by name; none twice."""
    out = io.BytesIO()
    write_layer(RECIPE, debs, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as layer:
        members = layer.getmembers()
    assert len({member.name for member in members}) == len(members)
    return {member.name: member for member in members}


def test_a_layer_has_merged_folders_accounts_and_no_manuals(needs: Any, tmp_path: Path) -> None:
    needs.program("dpkg-deb")
    files = {
        "lib/old.so": b"1",
        "usr/share/man/man1/a.1": b"manual",
        "usr/share/doc/a/changelog": b"long",
        "usr/share/doc/a/copyright": b"kept",
        "usr/share/ca-certificates/mozilla/Root.crt": b"certificate",
    }
    found = layer_of(make_deb(tmp_path, "a", files))
    assert (found["lib"].issym(), found["lib"].linkname) == (True, "usr/lib")
    assert "usr/lib/old.so" in found
    assert "usr/share/man/man1/a.1" not in found
    assert "usr/share/doc/a/changelog" not in found
    assert "usr/share/doc/a/copyright" in found
    assert {"etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/sh"} <= set(found)


def test_the_same_packages_give_the_same_layer(needs: Any, tmp_path: Path) -> None:
    needs.program("dpkg-deb")
    debs = [make_deb(tmp_path, name, {f"usr/lib/{name}": b"x"}) for name in ("a", "b")]
    first, second = io.BytesIO(), io.BytesIO()
    write_layer(RECIPE, debs, first)
    write_layer(RECIPE, debs, second)
    assert first.getvalue() == second.getvalue()


def test_a_package_that_does_not_exist_is_said(needs: Any, tmp_path: Path) -> None:
    needs.program("apt-get")
    with pytest.raises(CannotMake, match=r"apt-get .* failed"):
        Packages(tmp_path, may_fetch=False).closure(["no-such-package-anywhere"])


def test_every_shell_script_is_clean(needs: Any) -> None:
    shellcheck = needs.program("shellcheck")
    scripts = sorted(Path("tools").glob("*.sh"))
    done = subprocess.run([shellcheck, "-x", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.engine
def test_the_base_image_runs_as_nobody_in_particular(
    docker_url: str, instance: str, base_image: str
) -> None:
    said = "import os, pwd, redis, ssl; print(pwd.getpwuid(os.getuid()).pw_name)"
    asked = {"Image": base_image, "User": "app", "Cmd": ["python3", "-c", said]}
    with running(docker_url, instance, **asked) as (id, engine):
        assert call(engine, "POST", f"/containers/{id}/wait")["StatusCode"] == 0

"""Finding, and starting, a container engine."""

import asyncio
import base64
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from skerry.clock import SystemClock
from skerry.engines.local.credentials import credentials_for, registry_of
from skerry.engines.local.host import Reach, find_engine, reach_of
from skerry.engines.local.podman import render_settings, service_pid, stop_service
from skerry.errors import EngineUnavailable
from tests.conftest import Needs


def settings(first_process: str, *paths: str, runc: bool = True) -> str:
    return render_settings(
        exists=lambda path: path in paths,
        which=lambda name: "/usr/sbin/runc" if runc else None,
        first_process=first_process,
    )


def test_without_systemd_cgroups_are_handled_directly() -> None:
    assert 'cgroup_manager = "cgroupfs"' in settings("init")
    assert "cgroup_manager" not in settings("systemd")


def test_old_cgroups_are_for_runc() -> None:
    assert 'runtime = "runc"' in settings("init")
    assert "runtime" not in settings("init", "/sys/fs/cgroup/cgroup.controllers")
    assert "runtime" not in settings("init", runc=False)


@pytest.mark.parametrize(
    ("url", "info", "uid", "reach"),
    [
        ("unix:///run/x.sock", {"KernelVersion": "6.1"}, 0, Reach.ROUTED),
        ("unix:///run/x.sock", {"KernelVersion": "6.1"}, 1000, Reach.PUBLISHED),
        ("tcp://10.0.0.1:2375", {"KernelVersion": "6.1"}, 0, Reach.PUBLISHED),
        ("unix:///run/x.sock", {"KernelVersion": "5.15-linuxkit"}, 0, Reach.PUBLISHED),
        (
            "unix:///run/x.sock",
            {"KernelVersion": "6.1", "SecurityOptions": ["name=rootless"]},
            0,
            Reach.PUBLISHED,
        ),
        (
            "unix:///run/x.sock",
            {"KernelVersion": "6.1", "OperatingSystem": "Docker Desktop"},
            0,
            Reach.PUBLISHED,
        ),
    ],
)
def test_addresses_are_routed_for_root_on_the_engines_own_machine(
    url: str, info: dict[str, object], uid: int, reach: Reach
) -> None:
    assert reach_of(url, info, uid=uid, kernel="6.1") is reach


async def test_a_docker_host_that_does_not_answer_is_named(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    with pytest.raises(EngineUnavailable, match=r"nobody\.sock, and nothing answers"):
        await find_engine(tmp_path, SystemClock(), environ=environ)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder; a service started in it is ended."""
    yield tmp_path
    if (pid := service_pid(tmp_path)) is not None:
        stop_service(tmp_path)
        os.waitpid(pid, 0)


@pytest.mark.engine
async def test_podmans_service_is_started_when_nothing_listens(folder: Path, needs: Needs) -> None:
    needs.root()
    needs.program("podman")
    host = await find_engine(folder, SystemClock(), environ={})
    await host.api.close()
    again = await find_engine(folder, SystemClock(), environ={})
    await again.api.close()
    assert (host.name, host.reach) == ("Podman", Reach.ROUTED)
    assert again.api.url == host.api.url
    first = service_pid(folder)
    await again.revive()
    assert service_pid(folder) == first
    os.kill(first or 0, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, first or 0, 0)
    await again.revive()
    assert await _new_service(folder) != first


async def _new_service(folder: Path) -> int:
    """The id of the service, once its program is loaded."""
    for _ in range(100):
        if (pid := service_pid(folder)) is not None:
            return pid
        await asyncio.sleep(0.02)
    raise AssertionError("no service was started")


class TestCredentials:
    def test_an_images_registry_is_found_by_its_name(self) -> None:
        assert registry_of("redis:7") == "docker.io"
        assert registry_of("acme/web") == "docker.io"
        assert registry_of("ghcr.io/acme/web:1") == "ghcr.io"
        assert registry_of("localhost:5000/web") == "localhost:5000"

    async def test_podmans_login_is_used(self, tmp_path: Path) -> None:
        found = await self._for("ghcr.io/acme/web:1", tmp_path, {"ghcr.io": "ann:secret"})
        assert found == {
            "username": "ann",
            "password": "secret",
            "serveraddress": "ghcr.io",
        }

    async def test_a_login_for_a_part_of_a_registry_wins(self, tmp_path: Path) -> None:
        logins = {"ghcr.io": "all:x", "ghcr.io/acme": "acme:y"}
        found = await self._for("ghcr.io/acme/web:1", tmp_path, logins)
        assert found and found["username"] == "acme"

    async def test_nobodys_registry_has_none(self, tmp_path: Path) -> None:
        assert await self._for("quay.io/x/y:1", tmp_path, {"ghcr.io": "a:b"}) is None

    async def test_dockers_hub_goes_by_its_old_name(self, tmp_path: Path) -> None:
        found = await self._for("redis:7", tmp_path, {"https://index.docker.io/v1/": "a:b"})
        assert found and found["username"] == "a"

    async def _for(self, image: str, folder: Path, logins: dict[str, str]) -> dict[str, str] | None:
        auths = {
            key: {"auth": base64.b64encode(value.encode()).decode()}
            for key, value in logins.items()
        }
        file = folder / "auth.json"
        file.write_text(json.dumps({"auths": auths}))
        return await credentials_for(image, environ={"REGISTRY_AUTH_FILE": str(file)}, home=folder)

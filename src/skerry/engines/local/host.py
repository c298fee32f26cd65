"""Finds this machine's container engine; starts Podman's service when only Podman is there."""

import asyncio
import os
import platform
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from skerry.engines.local.api import ApiError, ContainerApi
from skerry.engines.local.podman import (
    SOCKET,
    SYS_RESOURCE,
    has_capability,
    revive_service,
    start_service,
    stop_service,
)
from skerry.errors import EngineUnavailable
from skerry.ports import Clock

_START_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.05
_LIMITS: Final = {"Max open files": "nofile", "Max processes": "nproc"}


class Reach(StrEnum):
    """How the machine reaches its containers."""

    ROUTED = "routed"  # at their own addresses
    PUBLISHED = "published"  # through ports of 127.0.0.1: rootless, or in a virtual machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A container engine that answers, and what it asks of us. `folder`: where its service
    was started by Skerry."""

    api: ContainerApi
    name: str
    version: str
    reach: Reach
    ulimits: Mapping[str, int] = field(default_factory=dict)
    json_logs: bool = False
    folder: Path | None = None

    async def revive(self) -> None:
        """Start the service again, when it is one of ours and has died. Raises
        EngineUnavailable."""
        if self.folder is not None:
            await asyncio.to_thread(revive_service, self.folder)

    async def stop(self) -> None:
        """End the service, when it is one of ours. Containers go on."""
        if self.folder is not None:
            await asyncio.to_thread(stop_service, self.folder)


async def find_engine(
    folder: Path, clock: Clock, *, environ: Mapping[str, str] | None = None
) -> Host:
    """The engine DOCKER_HOST names, else one that listens where they do, else Podman, whose
    service is started with its socket and settings in `folder`; it outlives the server.
    Raises EngineUnavailable, saying what was tried."""
    known = os.environ if environ is None else environ
    own = folder / SOCKET
    if named := known.get("DOCKER_HOST"):
        host = await look_at(named)
        if host is None:
            raise EngineUnavailable(
                f"DOCKER_HOST says {named}, and nothing answers there",
                subject="engine",
                hint="unset DOCKER_HOST, or start what should be there",
            )
        return host
    if own.is_socket() and (host := await look_at(f"unix://{own}")):
        return replace(host, folder=folder)
    for path in _sockets(known):
        if path.is_socket() and (host := await look_at(f"unix://{path}")):
            return host
    await asyncio.to_thread(start_service, folder)
    deadline = clock.monotonic() + _START_SECONDS
    while clock.monotonic() < deadline:
        if own.is_socket() and (host := await look_at(f"unix://{own}")):
            return replace(host, folder=folder)
        await clock.sleep(_LOOK_SECONDS)
    raise EngineUnavailable(
        f"Podman's service was started and does not answer; it said: {_last_line(folder)}",
        subject="engine",
        hint="skerry doctor",
    )


async def look_at(url: str) -> Host | None:
    """What answers at a URL, or None."""
    api = ContainerApi(url)
    try:
        info = await api.call("GET", "info", seconds=10)
        podman = await api.is_podman()
    except (EngineUnavailable, ApiError):
        await api.close()
        return None
    return Host(
        api=api,
        name="Podman" if podman else "Docker",
        version=str(info.get("ServerVersion", "")),
        reach=reach_of(url, info, uid=os.geteuid(), kernel=platform.release()),
        ulimits=await asyncio.to_thread(_ulimits, url),
        json_logs=not podman,
    )


def reach_of(url: str, info: Mapping[str, Any], *, uid: int, kernel: str) -> Reach:
    """Whether container addresses are routed from here: root, on the engine's own machine."""
    options = " ".join(str(option) for option in info.get("SecurityOptions") or ())
    rootless = "rootless" in options or bool(info.get("Rootless"))
    here = url.startswith("unix://") and str(info.get("KernelVersion", "")) == kernel
    desktop = "desktop" in str(info.get("OperatingSystem", "")).lower()
    routed = uid == 0 and here and not rootless and not desktop
    return Reach.ROUTED if routed else Reach.PUBLISHED


def _sockets(environ: Mapping[str, str]) -> Iterable[Path]:
    yield Path("/run/podman/podman.sock")
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "podman/podman.sock")
        yield Path(runtime, "docker.sock")
    yield Path("/var/run/docker.sock")
    yield Path.home() / ".docker/run/docker.sock"


def _ulimits(url: str) -> dict[str, int]:
    """Limits every container must be given: an engine that may not raise its own cannot
    start a container that asks for more, and by default they do."""
    if not url.startswith("unix://"):
        return {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(url.removeprefix("unix://"))
            said = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            pid = struct.unpack("3i", said)[0]
            if has_capability(pid, SYS_RESOURCE):
                return {}
            return _hard_limits(Path(f"/proc/{pid}/limits").read_text())
        except OSError:
            return {}


def _hard_limits(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        for title, name in _LIMITS.items():
            hard = line[len(title) :].split()[1:2] if line.startswith(title) else []
            if hard and hard[0].isdigit():
                found[name] = int(hard[0])
    return found


def _last_line(folder: Path) -> str:
    try:
        lines = (folder / "podman.log").read_text(errors="replace").splitlines()
    except OSError:
        return "nothing"
    return lines[-1] if lines else "nothing"

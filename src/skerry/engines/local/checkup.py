"""What `skerry doctor` looks at in the container engine, and in the way to its containers."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from skerry.engines.local.api import ApiError
from skerry.engines.local.host import Host, Reach
from skerry.engines.local.podman import has_capability
from skerry.model.process import Check

_NET_ADMIN: Final = 12
_LITTLE_BYTES: Final = 2 << 30
_CONTROLS: Final = {"MemoryLimit": "memory", "CpuCfsQuota": "cpu", "PidsLimit": "processes"}

Which = Callable[[str], str | None]


async def look_at_engine(host: Host, reach: Reach) -> Iterable[Check]:
    """Every check of an engine that answered once. `reach` is how its containers are to be
    reached. Raises EngineUnavailable when it answers no more."""
    info = await host.api.call("GET", "info", seconds=10)
    podman = await _podman_info(host)
    here = host.api.url.startswith("unix://")
    return [
        Check(name="container engine", ok=True, message=f"{host.name} {host.version} answers"),
        *runtime_checks(info, podman),
        *network_checks(podman),
        *reach_checks(reach, possible=host.reach),
        *(storage_checks(info) if here else ()),
    ]


def runtime_checks(info: Mapping[str, Any], podman: Mapping[str, Any]) -> Iterable[Check]:
    """What starts containers, and whether limits hold."""
    runtime = str(info.get("DefaultRuntime") or "")
    path = str((podman.get("ociRuntime") or {}).get("path") or "")
    version = str(info.get("CgroupVersion") or "?")
    said = f"{runtime or 'unknown'}, cgroups v{version} by {info.get('CgroupDriver') or 'nobody'}"
    if podman and not runtime:
        hint = "apt install crun (or runc)"
        yield Check(name="runtime", ok=False, message="there is no OCI runtime", hint=hint)
    elif runtime.endswith("crun") and version == "1":
        hint = 'apt install runc, and write runtime = "runc" below [engine] in containers.conf'
        said = f"{said}: crun and old cgroups do not go together everywhere"
        yield Check(name="runtime", ok=False, stops=False, message=said, hint=hint)
    else:
        yield Check(name="runtime", ok=True, message=f"{said}, {path}" if path else said)
    if lacking := [name for key, name in _CONTROLS.items() if info.get(key) is False]:
        said = f"limits of {', '.join(lacking)} do not hold: the cgroup controller is not given"
        hint = "rootless: systemctl edit user@.service, Delegate=cpu memory pids"
        yield Check(name="limits", ok=False, stops=False, message=said, hint=hint)


def network_checks(podman: Mapping[str, Any]) -> Iterable[Check]:
    """Podman's network backend; Docker has its own."""
    backend = podman.get("networkBackend")
    if backend == "netavark":
        yield Check(name="network", ok=True, message="netavark")
    elif podman:
        yield Check(
            name="network",
            ok=False,
            message=f"Podman's networks are made by {backend or 'nobody known'}, which gives "
            "containers no fixed addresses here",
            hint="apt install netavark aardvark-dns; with no containers left: podman system reset",
        )


def reach_checks(
    reach: Reach,
    *,
    possible: Reach,
    which: Which = shutil.which,
    capable: bool | None = None,
) -> Iterable[Check]:
    """How the machine reaches containers, what that needs, and what it costs."""
    if reach is Reach.PUBLISHED:
        said = (
            "containers are reached by ports published on loopback: services find each other "
            "past the gateway, and a deploy may cut a connection between them; depends on "
            "other namespaces is refused"
        )
        yield Check(
            name="reach",
            ok=possible is Reach.PUBLISHED,
            stops=False,
            message=said,
            hint="unset SKERRY_REACH: container addresses are routed here",
        )
        return
    if which("ip") is None:
        hint = "apt install iproute2"
        yield Check(name="iproute2", ok=False, message="there is no `ip` command", hint=hint)
    else:
        yield Check(name="iproute2", ok=True, message="`ip` is there")
    if possible is Reach.PUBLISHED:
        said = "SKERRY_REACH says routed, and container addresses are not routed here"
        yield Check(name="reach", ok=False, message=said, hint="unset SKERRY_REACH")
    elif not (has_capability(os.getpid(), _NET_ADMIN) if capable is None else capable):
        said = "routes cannot be set: CAP_NET_ADMIN is missing"
        hint = "run the server as root, or SKERRY_REACH=published skerry up"
        yield Check(name="reach", ok=False, message=said, hint=hint)
    else:
        yield Check(name="reach", ok=True, message="container addresses are routed")


def storage_checks(info: Mapping[str, Any]) -> Iterable[Check]:
    """Room for images, where the engine keeps them."""
    folder = Path(str(info.get("DockerRootDir") or ""))
    if not folder.is_absolute() or not folder.exists():
        return
    free = shutil.disk_usage(folder).free
    ok = free >= _LITTLE_BYTES
    yield Check(
        name="images",
        ok=ok,
        stops=False,
        message=f"{free / 2**30:.1f} GiB free for them in {folder}",
        hint="" if ok else "podman image prune, or docker image prune",
    )


async def _podman_info(host: Host) -> Mapping[str, Any]:
    """What Podman alone says of itself; nothing of Docker."""
    if host.name != "Podman":
        return {}
    try:
        said = await host.api.call("GET", "libpod/info", seconds=10)
    except ApiError:
        return {}
    return dict(said.get("host") or {})

"""Podman's API service, started by Skerry with settings this machine needs."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from skerry.errors import EngineUnavailable

SOCKET: Final = "podman.sock"
SYS_RESOURCE: Final = 24
# In its folder: on old cgroups its helpers leave a file named `oom` where they were started.
_LAUNCH: Final = ("/bin/sh", "-c", 'cd "$0" && exec "$@"')
_EXEC_MEMORY_SECONDS: Final = 10
_NETAVARK: Final = ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark")


def start_service(folder: Path) -> int:
    """Start `podman system service`, detached: it outlives the server. Returns its process
    id, kept in `folder` as well. Raises EngineUnavailable without Podman."""
    podman = shutil.which("podman")
    if podman is None:
        raise EngineUnavailable(
            "neither Podman nor Docker is on this machine",
            subject="engine",
            hint="apt install podman",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = folder / "containers.conf"
    settings.write_text(render_settings())
    listen = folder / SOCKET
    listen.unlink(missing_ok=True)
    log = os.open(folder / "podman.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        pid = os.posix_spawn(
            _LAUNCH[0],
            [*_LAUNCH, str(folder), podman, "system", "service", "--time=0", f"unix://{listen}"],
            {**os.environ, "CONTAINERS_CONF": str(settings)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)
    (folder / "podman.pid").write_text(f"{pid}\n")
    return pid


def service_pid(folder: Path) -> int | None:
    """The process id of the service started in `folder`, if it still runs."""
    try:
        pid = int((folder / "podman.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # The id may be somebody else's by now.
    return pid if f"unix://{folder / SOCKET}".encode() in command.split(b"\0") else None


def revive_service(folder: Path) -> None:
    """Start the service again when it has died. Raises EngineUnavailable without Podman."""
    if service_pid(folder) is None:
        start_service(folder)


def stop_service(folder: Path) -> None:
    """End the service started in `folder`; nothing when there is none. Containers go on."""
    if (pid := service_pid(folder)) is not None:
        os.kill(pid, signal.SIGTERM)
    (folder / SOCKET).unlink(missing_ok=True)
    (folder / "podman.pid").unlink(missing_ok=True)


def render_settings(
    *,
    exists: Callable[[str], bool] = os.path.exists,
    which: Callable[[str], str | None] = shutil.which,
    first_process: str | None = None,
) -> str:
    """A containers.conf for what this machine is: without systemd as first process cgroups
    are handled directly; old (v1, hybrid) cgroups are runc's; events and logs go to files."""
    systemd = (first_process or _first_process()) == "systemd"
    # Podman keeps two processes for each command run in a container for so long after it
    # ended, five minutes by default: a check every five seconds would hold a hundred.
    engine = ['events_logger = "file"', f"exit_command_delay = {_EXEC_MEMORY_SECONDS}"]
    if not systemd:
        engine.append('cgroup_manager = "cgroupfs"')
    if not exists("/sys/fs/cgroup/cgroup.controllers") and which("runc"):
        engine.append('runtime = "runc"')
    sections = ["[engine]", *engine, "", "[containers]", 'log_driver = "k8s-file"']
    if any(exists(path) for path in _NETAVARK):
        sections += ["", "[network]", 'network_backend = "netavark"']
    return "\n".join(sections) + "\n"


def has_capability(pid: int, number: int) -> bool:
    """Whether a process may do that (its effective set)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _first_process() -> str:
    try:
        return Path("/proc/1/comm").read_text().strip()
    except OSError:
        return ""

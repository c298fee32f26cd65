"""Which server is meant: this machine's, or the one `SKERRY_SERVER` names."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skerry.errors import ServerUnavailable, Unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to talk to. `version` and `pid` are known of a local one only."""

    url: str
    token: str
    remote: bool = False
    version: str | None = None
    pid: int | None = None

    @property
    def alive(self) -> bool:
        """Whether the local server's process exists; a remote one is taken to."""
        return self.remote if self.pid is None else is_alive(self.pid)


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the local server keeps what it must not forget, by the server's own rule."""
    from skerry import settings

    return settings.state_folder(os.environ if environment is None else environment)


def find_target(environment: Mapping[str, str] | None = None) -> Target:
    """The server commands go to. Raises ServerUnavailable when none was ever started here,
    and Unauthenticated when a remote one is named without a token."""
    env = os.environ if environment is None else environment
    url = env.get("SKERRY_SERVER", "").rstrip("/")
    if url:
        return _remote(url, env.get("SKERRY_TOKEN", ""))
    state = state_folder(env)
    record = read_record(state)
    if record is None:
        raise ServerUnavailable(
            "no server runs on this machine",
            subject="server",
            hint="skerry up (or set SKERRY_SERVER and SKERRY_TOKEN to use another machine's)",
        )
    return Target(
        url=str(record["url"]).rstrip("/"),
        token=env.get("SKERRY_TOKEN") or _read_token(state),
        version=record.get("version"),
        pid=record.get("pid"),
    )


def read_record(state: Path) -> dict[str, Any] | None:
    """What the local server wrote about itself, or None."""
    try:
        record = json.loads((state / "server.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("url") else None


def is_alive(pid: int) -> bool:
    """Whether the process runs. One that has ended and that nobody has collected does not:
    in a container there may be nobody who ever will."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except (OSError, IndexError):
        return True  # another user's process, or a system without /proc


def _remote(url: str, token: str) -> Target:
    if not url.startswith(("http://", "https://")):
        raise ServerUnavailable(
            f"SKERRY_SERVER is {url!r}, which is not a URL",
            subject="server",
            hint="export SKERRY_SERVER=https://HOST:PORT",
        )
    if not token:
        raise Unauthenticated(
            "SKERRY_SERVER is set, but SKERRY_TOKEN is not",
            subject=url,
            hint="`skerry token create NAME` on that machine, then export SKERRY_TOKEN=...",
        )
    return Target(url=url, token=token, remote=True)


def _read_token(state: Path) -> str:
    try:
        return (state / "token").read_text().strip()
    except OSError as error:
        raise Unauthenticated(
            f"the server's token cannot be read: {error.strerror}",
            subject=str(state / "token"),
            hint="run skerry as the user who started the server, or set SKERRY_TOKEN",
        ) from error

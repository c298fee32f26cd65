"""What tests left behind: containers, networks, volumes and processes of this session."""

import json
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.images.engine import ApiEngine

INSTANCE_LABEL = "skerry.dev/instance"
_MARK = "TEST_SESSION_OF_SKERRY"
_KINDS = (("containers", "all=true&"), ("networks", ""), ("volumes", ""))


class TestSession:
    """One run of pytest. Everything it starts carries its id: processes in their environment,
    containers, networks and volumes in the instance label, `test-<id>-<number>`."""

    __test__ = False

    def __init__(self) -> None:
        self.id = secrets.token_hex(4)
        self._instances = 0
        os.environ[_MARK] = self.id

    def instance(self) -> str:
        """A new instance id."""
        self._instances += 1
        return f"test-{self.id}-{self._instances}"

    def left_in(self, docker_url: str) -> list[str]:
        """A line for each thing of this session still in the container engine; removed now."""
        engine = ApiEngine(docker_url)
        found = []
        for kind, more in _KINDS:
            for name in self._named(engine, kind, more):
                found.append(f"{kind.removesuffix('s')} {name}")
                engine.call("DELETE", f"/{kind}/{quote(name, safe='')}?force=true")
        return found

    def _named(self, engine: ApiEngine, kind: str, more: str) -> list[str]:
        filters = quote(json.dumps({"label": [INSTANCE_LABEL]}))
        status, said = engine.call(
            "GET", f"/{kind}{'/json' * (kind == 'containers')}?{more}filters={filters}"
        )
        listed: Any = json.loads(said) if status == 200 else []
        entries = listed.get("Volumes") if isinstance(listed, dict) else listed
        return [_name(entry) for entry in entries or () if self._mine(entry)]

    def _mine(self, entry: dict[str, Any]) -> bool:
        label = (entry.get("Labels") or {}).get(INSTANCE_LABEL, "")
        return str(label).startswith(f"test-{self.id}-")

    def left_running(self) -> list[str]:
        """A line for each process this session started that still runs."""
        mark = f"{_MARK}={self.id}".encode()
        mine = {str(os.getpid()), str(os.getppid())}
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                marked = mark in (process / "environ").read_bytes().split(b"\0")
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if marked and command and process.name not in mine:
                found.append(f"process {process.name} {command.strip()[:120]}")
        return found


def _name(entry: dict[str, Any]) -> str:
    names = entry.get("Names")
    return str(names[0]).lstrip("/") if names else str(entry["Name"])

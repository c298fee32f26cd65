"""Containers and volumes: the few calls the engine makes, each doing one thing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from skerry.engines.local.api import ApiError, ContainerApi, part
from skerry.engines.local.containers import INSTANCE
from skerry.engines.local.multiplex import lines_of
from skerry.errors import EngineUnavailable

# Beyond its grace a container gets this long to be killed before the call counts as lost.
_KILL_SECONDS: Final = 30.0
_FRACTION = re.compile(r"\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A container of ours in the engine's list. `state`: created, running, exited, ..."""

    name: str
    state: str
    labels: Mapping[str, str]
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A container, looked at closely."""

    id: str
    running: bool
    state: str
    exit_code: int
    out_of_memory: bool
    started: datetime | None
    finished: datetime | None
    ports: Mapping[int, int]


class Runtime:
    """The container engine, for one instance of Skerry. Raises ApiError, EngineUnavailable."""

    def __init__(self, api: ContainerApi, instance: str) -> None:
        self.api = api
        self._filter = orjson.dumps({"label": [f"{INSTANCE}={instance}"]}).decode()

    async def list(self) -> tuple[Found, ...]:
        """Every container of ours, whatever its state."""
        said = await self.api.call(
            "GET", "containers/json", query={"all": "true", "filters": self._filter}
        )
        return tuple(
            Found(
                name=one["Names"][0].lstrip("/"),
                state=one["State"],
                labels=one.get("Labels") or {},
                created=datetime.fromtimestamp(one["Created"], UTC),
            )
            for one in said
        )

    async def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a container; one left over under that name is removed first."""
        try:
            await self.api.call("POST", "containers/create", query={"name": name}, body=body)
        except ApiError as error:
            if error.status != 409 and "already in use" not in error.message:
                raise
            await self.remove(name)
            await self.api.call("POST", "containers/create", query={"name": name}, body=body)

    async def put(self, name: str, archive: bytes) -> None:
        """Unpack a tar archive at the container's root."""
        path = f"containers/{part(name)}/archive"
        await self.api.call("PUT", path, query={"path": "/"}, body=archive)

    async def start(self, name: str) -> None:
        """Start a created or ended container."""
        await self.api.call("POST", f"containers/{part(name)}/start")

    async def stop(self, name: str, *, grace_seconds: float) -> None:
        """Send the image's STOPSIGNAL, and KILL after the grace; returns when it has ended."""
        try:
            await self.api.call(
                "POST",
                f"containers/{part(name)}/stop",
                query={"t": str(max(1, round(grace_seconds)))},
                seconds=grace_seconds + _KILL_SECONDS,
            )
        except ApiError as error:
            if error.status != 404:
                raise

    async def remove(self, name: str) -> None:
        """Remove a container, running or not; nothing when it is gone already."""
        try:
            await self.api.call(
                "DELETE", f"containers/{part(name)}", query={"force": "true", "v": "true"}
            )
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    async def inspect(self, name: str) -> Status | None:
        """A close look; None when there is no such container."""
        try:
            said = await self.api.call("GET", f"containers/{part(name)}/json")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        state = said["State"]
        return Status(
            id=str(said["Id"]),
            running=bool(state["Running"]),
            state=str(state["Status"]),
            exit_code=int(state["ExitCode"]),
            out_of_memory=bool(state["OOMKilled"]),
            started=parse_time(state.get("StartedAt")),
            finished=parse_time(state.get("FinishedAt")),
            ports=_published(said),
        )

    async def last_lines(self, name: str, count: int = 20) -> str:
        """The last it said, both streams, without times; empty when that cannot be had."""
        query = {"stdout": "true", "stderr": "true", "tail": str(count)}
        try:
            async with self.api.open(
                "GET", f"containers/{part(name)}/logs", query=query, seconds=5
            ) as answer:
                said = await answer.content.read(256 * 1024)
        except (ApiError, EngineUnavailable):
            return ""
        return "\n".join(text for _, text in lines_of(said)[-count:])

    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume, unless it is there."""
        try:
            await self.api.call("GET", f"volumes/{part(name)}")
        except ApiError as error:
            if error.status != 404:
                raise
            await self.api.call(
                "POST", "volumes/create", body={"Name": name, "Labels": dict(labels)}
            )

    async def remove_volume(self, name: str) -> None:
        """Remove a volume and its data; nothing when it is gone already."""
        try:
            await self.api.call("DELETE", f"volumes/{part(name)}", query={"force": "true"})
        except ApiError as error:
            if error.status != 404:
                raise

    async def volumes(self) -> tuple[str, ...]:
        """Every volume of ours."""
        said = await self.api.call("GET", "volumes", query={"filters": self._filter})
        return tuple(one["Name"] for one in said.get("Volumes") or ())


def parse_time(written: str | None) -> datetime | None:
    """The engine's time, of nanoseconds; None for its year 1."""
    if not written or written.startswith("0001-"):
        return None
    shortened = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), written)
    return datetime.fromisoformat(shortened).astimezone(UTC)


def _published(said: Mapping[str, Any]) -> dict[int, int]:
    ports = (said.get("NetworkSettings") or {}).get("Ports") or {}
    return {
        int(inside.partition("/")[0]): int(bindings[0]["HostPort"])
        for inside, bindings in ports.items()
        if bindings
    }

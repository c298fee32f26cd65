"""A client that speaks ASGI to the app: no port, no process, every byte seen."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import FastAPI

from skerry.api.app import create_app
from skerry.model.access import Role
from skerry.operations.tokens import issue
from tests.fakes.store import MemoryStore
from tests.operations.world import FakeSecrets, Site, World, fleet_of, world


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """Server-sent events: (id, name, data)."""
        found = []
        for block in self.body.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in lines:
                found.append((lines.get("id", ""), lines["event"], json.loads(lines["data"])))
        return found


@dataclass
class Api:
    """An app over a world, and a token for every role."""

    app: FastAPI
    world: World
    store: MemoryStore
    secrets: FakeSecrets
    tokens: dict[str, str]
    stopped: list[bool] = field(default_factory=list)

    async def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        token: str | None = "admin",
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """One request as this role, or with no token."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", **(headers or {})}
        if token is not None:
            given["authorization"] = f"Bearer {self.tokens.get(token, token)}"
        scope = _scope("http", url, given) | {"method": method}
        return await asyncio.wait_for(_http(self.app, scope, content), 30)

    async def ended(self, operation: str) -> Any:
        """The `end` event of an operation."""
        answer = await self.call("GET", f"/v1/operations/{operation}/events")
        return answer.events[-1][2]

    async def socket(self, url: str, *sent: Any, token: str | None = "admin") -> list[Any]:
        """A WebSocket: send these frames, and return all messages that came. None hangs up."""
        headers = {} if token is None else {"authorization": f"Bearer {self.tokens[token]}"}
        scope = _scope("websocket", url, headers)
        scope["extensions"] = {"websocket.http.response": {}}
        frames = [{"type": "websocket.connect"}]
        frames += [
            {"type": "websocket.disconnect"}
            if each is None
            else {"type": "websocket.receive", "bytes" if isinstance(each, bytes) else "text": each}
            for each in sent
        ]
        return await asyncio.wait_for(_websocket(self.app, scope, frames), 30)


def _scope(kind: str, url: str, headers: dict[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 7575),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def _http(app: FastAPI, scope: dict[str, Any], content: bytes) -> Answer:
    asked = [{"type": "http.request", "body": content}]
    got: list[Any] = []

    async def receive() -> Any:
        if asked:
            return asked.pop(0)
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        got.append(message)

    try:
        await app(scope, receive, send)
    except Exception:
        if not got:
            raise
    headers = {name.decode(): value.decode() for name, value in got[0]["headers"]}
    return Answer(got[0]["status"], headers, b"".join(each.get("body", b"") for each in got[1:]))


async def _websocket(app: FastAPI, scope: dict[str, Any], frames: list[Any]) -> list[Any]:
    got: list[Any] = []

    async def receive() -> Any:
        if frames:
            return frames.pop(0)
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        got.append(message)

    await app(scope, receive, send)
    return got


class FakeBuilder:
    """Builds whatever it is given."""

    async def has(self, image: str) -> bool:
        return image == "localhost/skerry/here:1"

    async def build(self, context: Any, *, image: str, containerfile: str) -> Any:
        from skerry.model.process import BuildLine

        async for chunk in context:
            yield BuildLine(text=f"{len(chunk)} bytes")


@asynccontextmanager
async def api(*, cells: Sequence[Any] = (), **kind: Any) -> AsyncIterator[Api]:
    """The API over the memory engine, or over these cells, with these tokens: admin, deployer,
    viewer (all namespaces); payer and peeker (deployer and viewer of `payments` only)."""
    store, secrets = MemoryStore(), FakeSecrets()
    async with world(ledger=store, secrets=secrets, **kind) as here:
        here.platform.cells.builder = FakeBuilder()  # type: ignore[misc]  # the fake's field
        stopped: list[bool] = []
        fleet = fleet_of(here.platform)
        if cells:
            cast(Site, fleet.site).cells = sorted(cells, key=lambda each: str(each.cell.cell))
        app = create_app(fleet, stop=lambda: stopped.append(True))
        made = Api(app, here, store, secrets, {}, stopped)
        for name, role, namespaces in (
            ("admin", Role.ADMIN, ()),
            ("deployer", Role.DEPLOYER, ()),
            ("viewer", Role.VIEWER, ()),
            ("payer", Role.DEPLOYER, ("payments",)),
            ("peeker", Role.VIEWER, ("payments",)),
            ("island", Role.ADMIN, ("payments",)),
        ):
            made.tokens[name], _ = await issue(
                store,
                here.platform.clock,
                name=name,
                role=role,
                namespaces=frozenset(namespaces),
            )
        yield made

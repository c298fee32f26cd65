"""A connection to a replica's port, and what a look at every object finds."""

import json
from collections.abc import AsyncIterator

from skerry.clock import SystemClock
from skerry.engines.memory.engine import MemoryEngine
from skerry.errors import Conflict
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.world import Finding, Trouble
from skerry.ports import Tunnel
from tests.api.client import api
from tests.api.test_api import WEB, applied
from tests.api.test_fleet import fleet_api
from tests.operations.fleets import Dead, cluster
from tests.operations.world import MemoryCell

FORWARD = "/v1/services/default/web/forward"


class Refusing:
    """A tunnel to a port nobody listens on."""

    async def read(self) -> AsyncIterator[bytes]:
        raise Conflict("connection refused", subject="replica/web-1:1")
        yield b""

    async def write(self, data: bytes) -> None:
        """Goes nowhere."""

    async def close(self) -> None:
        """Nothing is open."""


class RefusingEngine(MemoryEngine):
    """Its replicas listen nowhere."""

    async def forward(
        self, service: ServiceKey, port: int | None, *, replica: str | None = None
    ) -> Tunnel:
        return Refusing()


class FindingEngine(MemoryEngine):
    """Somebody was at one of its objects."""

    async def verify(self) -> AsyncIterator[Finding]:
        yield Finding(
            trouble=Trouble.DRIFT,
            key=ObjectKey("Service", "shop", "web"),
            service=ServiceKey("shop", "web"),
            reason="spec.ports is not as it was applied",
        )


async def test_bytes_go_both_ways_until_the_client_hangs_up() -> None:
    async with api() as here:
        await applied(here)
        said = await here.socket(FORWARD, "a text frame means nothing", b"ping", None)
        assert said[0]["type"] == "websocket.accept"
        assert [each.get("bytes") for each in said[1:2]] in ([b"ping"], [])


async def test_a_service_that_is_not_here_is_refused_as_http() -> None:
    async with api() as here:
        (start, *_) = await here.socket("/v1/services/default/no/forward?port=80")
        assert start["status"] == 404


async def test_a_port_nobody_listens_on_is_said_in_the_stream() -> None:
    cell = MemoryCell(RefusingEngine(cluster("eu-1").cell, SystemClock()))
    async with fleet_api(cell) as here:
        said = await here.socket(f"{FORWARD}?port=1")
        assert said[0]["type"] == "websocket.accept"
        assert json.loads(said[1]["text"])["error"]["cause"] == "connection refused"
        assert said[-1]["type"] == "websocket.close"


async def test_findings_are_told_by_cell_and_silent_cells_by_name() -> None:
    cell = MemoryCell(FindingEngine(cluster("eu-1").cell, SystemClock()))
    async with fleet_api(cell, Dead("dead-1")) as here:
        view = (await here.call("GET", "/v1/verify")).json
        assert view["findings"] == [
            {
                "cell": "eu-1",
                "trouble": "drift",
                "object": "Service/shop/web",
                "service": "shop/web",
                "reason": "spec.ports is not as it was applied",
            }
        ]
        assert [each["cell"] for each in view["unreachable"]] == ["dead-1"]


async def test_where_all_is_well_nothing_is_found() -> None:
    async with api() as here:
        await applied(here, WEB)
        view = (await here.call("GET", "/v1/verify")).json
        assert view == {"findings": [], "unreachable": []}

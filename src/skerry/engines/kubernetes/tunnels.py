"""One port of a replica, through the API server."""

from collections.abc import AsyncIterator
from typing import Final

import aiohttp

from skerry.engines.kubernetes.channels import V4, Channels
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.replicas import reachable
from skerry.errors import Conflict, EngineUnavailable
from skerry.model.keys import ServiceKey
from skerry.model.objects import Manifest

_DATA: Final = 0
_ERROR: Final = 1
_PORT_BYTES: Final = 2
_FRAME: Final = 32 * 1024


class PortTunnel:
    """A connection to a port of a pod. Implements ports.Tunnel."""

    def __init__(self, channels: Channels, *, subject: str) -> None:
        self._channels = channels
        self._subject = subject
        self._closed = False

    async def read(self) -> AsyncIterator[bytes]:
        """What it sends, until it closes. Raises Conflict with what the machine says when
        nothing listens there, EngineUnavailable when the way to it breaks."""
        greetings = {_DATA, _ERROR}  # each channel first repeats the port
        try:
            async for channel, data in self._channels.frames():
                if channel in greetings:
                    greetings.discard(channel)
                    data = data[_PORT_BYTES:]
                if channel == _ERROR and data:
                    raise Conflict(_plain(data), subject=self._subject, hint="skerry status")
                if channel == _DATA and data:
                    yield data
        except (aiohttp.ClientError, OSError) as error:
            if not self._closed:
                said = f"the connection through the API server broke: {error}"
                raise EngineUnavailable(said, subject=self._subject) from error

    async def write(self, data: bytes) -> None:
        """Send."""
        for start in range(0, len(data), _FRAME):
            await self._channels.send(_DATA, data[start : start + _FRAME])

    async def close(self) -> None:
        """Hang up."""
        self._closed = True
        await self._channels.close()


async def forward(
    parts: Parts, service: ServiceKey, port: int | None, *, replica: str | None = None
) -> PortTunnel:
    """A connection to a port of a running replica; the service's own when None. Raises
    NotFound, or Conflict when none runs, or the service listens on no port."""
    pod = await reachable(parts, service, replica)
    number = port if port is not None else _own_port(pod, subject=service.at(parts.cell.cell))
    metadata = pod["metadata"]
    path = f"{parts.client.path_of('Pod', metadata['namespace'], metadata['name'])}/portforward"
    # Only the version every release since 1.8 speaks: newer ones wrap another protocol in it.
    socket = await parts.client.websocket(path, [("ports", str(number))], (V4,))
    return PortTunnel(Channels(socket), subject=f"replica/{metadata['name']}:{number}")


def _own_port(pod: Manifest, *, subject: str) -> int:
    ports = pod["spec"]["containers"][0].get("ports") or ()
    if not ports:
        said = "listens on no port; name one"
        raise Conflict(said, subject=subject, hint="skerry forward NAME PORT")
    return int(ports[0]["containerPort"])


def _plain(data: bytes) -> str:
    said = data.decode("utf-8", "replace").strip()
    return said.rpartition("failed to connect to ")[2] or said

"""The kubelet's door of the pod double, which the API server leads logs, commands and
connections through: HTTPS, and Kubernetes' channel protocol over WebSockets.

Nodes that declare `ExtendWebSocketsToKubelet` get the client's WebSocket as it is. Connections
to a port of a pod go to that port of this machine.
"""

import asyncio
import ssl
import struct
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from tests.cluster.authority import Authority
from tests.cluster.containers import Command, Container, arguments, environment

FEATURE: Final = "ExtendWebSocketsToKubelet"
_SPOKEN: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_ERROR, _RESIZE, _CLOSE = 3, 4, 255
Place = tuple[str, str]


class Kubelet:
    """Serves every pod of the double. `pods` are those there are, by namespace and name."""

    def __init__(self) -> None:
        self.port = 0
        self.pods: dict[Place, Mapping[str, Any]] = {}
        self.containers: dict[Place, Container] = {}
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen, at a port the kernel chose."""
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/exec/{namespace}/{pod}/{container}", self._exec)
            app.router.add_route(method, "/attach/{namespace}/{pod}/{container}", self._attach)
            app.router.add_route(method, "/portForward/{namespace}/{pod}", self._forward)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="skerry-kubelet-") as folder:
            context.load_cert_chain(*Authority(Path(folder)).server("kubelet"))
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """End what runs."""
        for container in self.containers.values():
            if container.process:
                container.process.kill()
        if self._runner:
            await self._runner.cleanup()

    def container(self, pod: Mapping[str, Any]) -> Container:
        """The container of a pod, made with its first use."""
        place = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.pods[place] = pod
        return self.containers.setdefault(place, Container())

    def forget(self, pod: Mapping[str, Any]) -> None:
        """The pod is gone: its process ends, its log too."""
        place = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.pods.pop(place, None)
        if (container := self.containers.pop(place, None)) is not None:
            if container.process:
                container.process.kill()
            container.end()

    async def run(self, pod: Mapping[str, Any], started: Any) -> int:
        """Run a pod's own command to its end, its output in the log; its exit code."""
        container = self.container(pod)
        tty = bool(pod["spec"]["containers"][0].get("tty"))
        command = container.process = Command(arguments(pod), environment(pod), tty=tty)
        try:
            await command.start()
        except OSError as error:
            container.say(f"{error}\n".encode())
            container.end()
            return 127
        await started()
        async for _, data in command.output():
            container.say(data)
        code = await command.wait()
        container.end()
        return code

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        container, query = self._found(request), request.query
        response = web.StreamResponse()
        response.content_type = "text/plain"
        await response.prepare(request)
        follow = query.get("follow") == "true"
        since, tail = query.get("sinceTime", "")[:19], query.get("tailLines")
        old = container.previous if query.get("previous") == "true" else list(container.lines)
        skipped = max(0, len(old) - int(tail)) if tail is not None else 0

        async def give(stamp: str, line: bytes) -> None:
            if stamp[:19] >= since:
                marked = f"{stamp} ".encode() if query.get("timestamps") == "true" else b""
                await response.write(marked + line)

        with suppress(ConnectionError):
            if query.get("previous") == "true":
                for stamp, line in old[skipped:]:
                    await give(stamp, line)
                return response
            number = 0
            async for stamp, line in container.read(follow=follow):
                number += 1
                if number > skipped:
                    await give(stamp, line)
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        self._found(request)
        pod = self.pods[request.match_info["namespace"], request.match_info["pod"]]
        tty = request.query.get("tty") == "1"
        command = Command(request.query.getall("command"), environment(pod), tty=tty)
        socket = await _accepted(request)
        try:
            await command.start()
        except OSError as error:
            await _say(socket, _ERROR, _failure(str(error)))
            await socket.close()
            return socket
        hearing = asyncio.ensure_future(_hear(socket, command))
        async for number, data in command.output():
            await _send(socket, number, data)
        code = await command.wait()
        await _say(socket, _ERROR, _status(code))
        hearing.cancel()
        await socket.close()
        return socket

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        """Input to the pod's own command; with a terminal its output from the start."""
        container = self._found(request)
        command = container.process
        if command is None:
            raise web.HTTPBadRequest(text="nothing to attach to")
        socket = await _accepted(request)
        hearing = asyncio.ensure_future(_hear(socket, command, ends_with_it=True))
        if request.query.get("output") == "1":
            async for _, data in container.read(follow=True):
                await _send(socket, 1, data)
        else:
            while not container.over and not hearing.done():
                await asyncio.wait({hearing}, timeout=0.05)
        await _say(socket, _ERROR, {"status": "Success"})
        hearing.cancel()
        await socket.close()
        return socket

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        port = int(request.query["port"])
        socket = await _accepted(request)
        for channel in (0, 1):
            await _send(socket, channel, struct.pack("<H", port))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            said = f"error forwarding port {port}: failed to connect to localhost:{port}: {error}"
            await _send(socket, 1, said.encode())
            await socket.close()
            return socket
        reading = asyncio.ensure_future(_carry(reader, socket))
        async for message in socket:
            if message.type is WSMsgType.BINARY and message.data[:1] == b"\0":
                writer.write(message.data[1:])
        writer.close()
        reading.cancel()
        return socket

    def _found(self, request: web.Request) -> Container:
        place = (request.match_info["namespace"], request.match_info["pod"])
        if place not in self.containers:
            raise web.HTTPNotFound(text=f'pod "{place[1]}" not found')
        return self.containers[place]


async def _accepted(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=_SPOKEN)
    await socket.prepare(request)
    return socket


async def _hear(
    socket: web.WebSocketResponse, command: Command, *, ends_with_it: bool = False
) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == 0 and data:
            await command.write(data)
        elif channel == _CLOSE:
            await command.write(b"")
        elif channel == _RESIZE:
            size = orjson.loads(data)
            command.resize(size["Height"], size["Width"])
    if ends_with_it:
        await command.write(b"")  # stdinOnce
    else:
        command.kill()


async def _carry(reader: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
    while data := await reader.read(65536):
        await _send(socket, 0, data)
    await socket.close()


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    with suppress(ConnectionError):
        await socket.send_bytes(bytes((channel,)) + data)


async def _say(socket: web.WebSocketResponse, channel: int, status: Mapping[str, Any]) -> None:
    await _send(socket, channel, orjson.dumps(status))


def _status(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    cause = {"reason": "ExitCode", "message": str(code)}
    said = f"command terminated with non-zero exit code: exit status {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": said,
        "details": {"causes": [cause]},
    }


def _failure(said: str) -> dict[str, Any]:
    return {"status": "Failure", "reason": "InternalError", "message": said, "code": 500}

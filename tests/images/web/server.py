"""A web server for tests: small, quick to start, and as badly behaved as it is told to be.

Told by the environment:
    PORT=8080            where it listens, once it does
    TEXT=hello           what / answers
    SAY=line             said on standard output at the start
    SAY_EVERY=0.1        then "tick N" that often, in seconds
    EXIT=3               exits with that code instead of serving ...
    EXIT_AFTER=0         ... after so many seconds
    LISTEN_AFTER=0       listens only then, in seconds; "never"
    READY_AFTER=0        /healthz answers 503 until then; "never"
    EAT_MIB=0            takes that much memory at the start
    IGNORE_TERM=1        goes on serving when told to stop
    STOP_SIGNAL=SIGTERM  what tells it to stop; with another one, SIGTERM ends it with code 9
    DELAY=0              seconds before each answer

Asked by path: / /healthz /slow?seconds= /stream?seconds=&every= /bytes?count= /env?name=
/headers /host /echo (POST) /crash?code= /eat?mib= /unready /ready /log?line=
/fetch?url= (http://name:port/path, answered with what that said) and /ws, a WebSocket echo.

Told to stop, it takes no new connection, finishes the answers under way, closes WebSockets
with 1001 and exits 0.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
from urllib.parse import parse_qs, urlsplit

ENV = os.environ
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 502: "Bad Gateway"}


class Server:
    """All that one process knows."""

    def __init__(self):
        self.started = time.monotonic()
        self.ready = True
        self.stopping = asyncio.Event()
        self.at_work = set()
        self.idle = set()
        self.eaten = []

    def healthy(self):
        """Whether /healthz says so."""
        after = ENV.get("READY_AFTER", "0")
        waited = after != "never" and time.monotonic() - self.started >= float(after)
        return waited and self.ready

    def eat(self, mib):
        """Take memory, and touch it."""
        self.eaten.append(b"\xff" * (int(mib) * 2**20))

    async def connection(self, reader, writer):
        """Requests one after another, until either side has had enough."""
        task = asyncio.current_task()
        try:
            while not self.stopping.is_set():
                self.idle.add(task)
                request = await read_request(reader)
                self.idle.discard(task)
                if request is None:
                    return
                self.at_work.add(task)
                await self.answer(request, reader, writer)
                self.at_work.discard(task)
                if request["headers"].get("connection", "").lower() == "close":
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.idle.discard(task)
            self.at_work.discard(task)
            writer.close()

    async def answer(self, request, reader, writer):
        """One request."""
        await asyncio.sleep(float(ENV.get("DELAY", "0")))
        path, query = request["path"], request["query"]
        if path == "/ws":
            await self.websocket(request, reader, writer)
        elif path == "/stream":
            await self.stream(query, writer)
        elif path == "/crash":
            os._exit(int(query.get("code", "3")))
        else:
            status, body = await self.page(path, query, request)
            await respond(writer, status, body, last=self.stopping.is_set())

    async def page(self, path, query, request):
        """Status and body of a plain answer."""
        if path == "/healthz":
            return (200, b"ok\n") if self.healthy() else (503, b"not ready\n")
        if path in ("/ready", "/unready"):
            self.ready = path == "/ready"
        elif path == "/slow":
            await asyncio.sleep(float(query.get("seconds", "1")))
        elif path == "/bytes":
            return 200, b"x" * int(query.get("count", "1"))
        elif path == "/env":
            return 200, ENV.get(query.get("name", ""), "").encode()
        elif path == "/headers":
            return 200, json.dumps(request["headers"]).encode()
        elif path == "/host":
            return 200, socket.gethostname().encode()
        elif path == "/echo":
            return 200, request["body"]
        elif path == "/eat":
            self.eat(query.get("mib", "1"))
        elif path == "/log":
            print(query.get("line", ""), flush=True)
        elif path == "/fetch":
            return await fetch(query["url"])
        return 200, ENV.get("TEXT", "hello").encode()

    async def stream(self, query, writer):
        """A chunk every so often, for so long."""
        every = float(query.get("every", "0.1"))
        count = round(float(query.get("seconds", "1")) / every)
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for number in range(count):
            line = b"%d\n" % number
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))
            await writer.drain()
            await asyncio.sleep(every)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def websocket(self, request, reader, writer):
        """Echo every message, until either side closes."""
        key = request["headers"].get("sec-websocket-key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        stop = asyncio.ensure_future(self.stopping.wait())
        while True:
            frame = asyncio.ensure_future(read_frame(reader))
            await asyncio.wait((frame, stop), return_when=asyncio.FIRST_COMPLETED)
            if not frame.done():
                frame.cancel()
                send_frame(writer, 8, struct.pack("!H", 1001))
                break
            opcode, payload = frame.result()
            send_frame(writer, 10 if opcode == 9 else opcode, payload)
            await writer.drain()
            if opcode == 8:
                break
        stop.cancel()
        request["headers"]["connection"] = "close"


async def read_request(reader):
    """The next request, or None when the client has left."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    body = await read_body(reader, headers)
    return {"method": method, "path": parts.path, "query": query, "headers": headers, "body": body}


async def read_body(reader, headers):
    """What came with the request."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return body


async def respond(writer, status, body, *, last):
    """A whole answer."""
    closing = "Connection: close\r\n" if last else ""
    writer.write(
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unready')}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(body)}\r\n{closing}\r\n".encode()
        + body
    )
    await writer.drain()


async def read_frame(reader):
    """A WebSocket frame's kind and content."""
    first, second = await reader.readexactly(2)
    size = second & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 128 else b"\0\0\0\0"
    payload = await reader.readexactly(size)
    return first & 15, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def send_frame(writer, opcode, payload):
    """A whole WebSocket message."""
    size = len(payload)
    length = bytes((size,)) if size < 126 else struct.pack("!BH", 126, size)
    if size > 65_535:
        length = struct.pack("!BQ", 127, size)
    writer.write(bytes((128 | opcode,)) + length + payload)


async def fetch(url):
    """What another service says, over a connection of its own."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        said = await reader.read()
        writer.close()
    except OSError as error:
        return 502, str(error).encode()
    head, _, body = said.partition(b"\r\n\r\n")
    return (int(head.split(b" ", 2)[1]), body) if head else (502, b"it said nothing")


async def stopped(server):
    """Return when told to stop."""
    name = ENV.get("STOP_SIGNAL", "SIGTERM")
    loop = asyncio.get_running_loop()
    if ENV.get("IGNORE_TERM"):
        for ignored in {name, "SIGTERM"}:
            loop.add_signal_handler(getattr(signal, ignored), lambda: None)
    else:
        if name != "SIGTERM":
            loop.add_signal_handler(signal.SIGTERM, lambda: os._exit(9))
        loop.add_signal_handler(getattr(signal, name), server.stopping.set)
    loop.add_signal_handler(signal.SIGINT, server.stopping.set)
    await server.stopping.wait()


async def tick(every):
    """Say something, forever."""
    number = 0
    while True:
        print(f"tick {number}", flush=True)
        number += 1
        await asyncio.sleep(every)


async def serve(server):
    """Listen until told to stop, then finish what is under way."""
    listener = await asyncio.start_server(
        server.connection, "0.0.0.0", int(ENV.get("PORT", "8080")), backlog=1024
    )
    await server.stopping.wait()
    listener.close()
    for task in server.idle:
        task.cancel()
    while server.at_work:
        await asyncio.wait(server.at_work)


async def main():
    """Behave."""
    server = Server()
    signals = asyncio.ensure_future(stopped(server))
    if "SAY" in ENV:
        print(ENV["SAY"], flush=True)
    if "EAT_MIB" in ENV:
        server.eat(ENV["EAT_MIB"])
    if "EXIT" in ENV:
        await asyncio.sleep(float(ENV.get("EXIT_AFTER", "0")))
        return int(ENV["EXIT"])
    ticker = asyncio.ensure_future(tick(float(ENV["SAY_EVERY"]))) if "SAY_EVERY" in ENV else None
    if ENV.get("LISTEN_AFTER") == "never":
        await server.stopping.wait()
    else:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(server.stopping.wait(), float(ENV.get("LISTEN_AFTER", "0.0001")))
        if not server.stopping.is_set():
            await serve(server)
    await signals
    if ticker:
        ticker.cancel()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

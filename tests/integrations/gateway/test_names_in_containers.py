"""Lookups from a container on a bridge, whose only name server is the gateway's."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.proxy import ProxyConfig
from tests.integrations.gateway.configs import with_names
from tests.integrations.gateway.lookups import Upstream
from tests.integrations.gateway.test_c_libraries import build
from tools.images.engine import ApiEngine

pytestmark = [pytest.mark.gateway, pytest.mark.engine]

NAMES = ("redis", "REDIS", "only4.example.com", "nobody")
FOUND = "redis 198.18.0.7\nREDIS 198.18.0.7\nonly4.example.com 192.0.2.1\nnobody nothing\n"
PYTHON = """
import socket, sys
for name in sys.argv[1:]:
    try:
        found = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    except socket.gaierror:
        print(name, "nothing")
    else:
        for entry in found:
            print(name, entry[4][0])
"""


class Bridge:
    """A network of the test's own, and an address that only this machine has."""

    def __init__(self, docker_url: str, instance: str) -> None:
        self.engine = ApiEngine(docker_url)
        self.name = f"skerry-{instance}-names"
        self.labels = {"skerry.dev/instance": instance}
        self.resolver = f"198.51.100.{os.getpid() % 250 + 1}"

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the engine answers. Fails the test when it refuses."""
        content = json.dumps(body).encode()
        size = len(content)
        status, said = self.engine.call(
            "POST", path, body=content, size=size, kind="application/json"
        )
        assert status < 300, said
        return json.loads(said) if said.strip() else None

    def run(self, image: str, command: list[str], binds: tuple[str, ...] = ()) -> str:
        """What a command in a container prints."""
        host = {
            "NetworkMode": self.name,
            "Dns": [self.resolver],
            "DnsSearch": ["."],
            "Binds": list(binds),
            "Ulimits": [{"Name": n, "Soft": 1024, "Hard": 1024} for n in ("nofile", "nproc")],
        }
        made = self.post(
            "/containers/create",
            {"Image": image, "Cmd": command, "Labels": self.labels, "Tty": True}
            | {"HostConfig": host, "Entrypoint": []},
        )
        where = f"/containers/{made['Id']}"
        try:
            self.post(f"{where}/start", {})
            self.post(f"{where}/wait", {})
            _, said = self.engine.call("GET", f"{where}/logs?stdout=1&stderr=1")
            return said.decode().replace("\r\n", "\n")
        finally:
            self.engine.call("DELETE", f"{where}?force=true")


@pytest.fixture
def bridge(docker_url: str, instance: str, needs) -> Iterator[Bridge]:
    """Made, and removed."""
    needs.root()
    made = Bridge(docker_url, instance)
    route = [needs.program("ip"), "route", "add", "local", f"{made.resolver}/32", "dev", "lo"]
    subprocess.run(route, check=True)
    try:
        made.post(
            "/networks/create", {"Name": made.name, "Driver": "bridge", "Labels": made.labels}
        )
        yield made
        made.engine.call("DELETE", f"/networks/{made.name}")
    finally:
        route[2] = "del"
        subprocess.run(route, check=True)


@pytest.mark.parametrize("library", ["glibc", "musl"])
async def test_services_and_names_with_ipv4_only_are_found_from_a_container(
    library: str, needs, bridge: Bridge, base_image: str, tmp_path: Path, cell, loopback: str
) -> None:
    command, binds = ["python3", "-c", PYTHON, *NAMES], ()
    if library == "musl":
        program = build(needs.program("musl-gcc"), tmp_path, "-static")
        command, binds = ["/lookup", *NAMES], (f"{program}:/lookup:ro",)
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {loopback}\n")
    gateway = EnvoyGateway(tmp_path / "gateway", cell, SystemClock(), resolv_conf=resolv_conf)
    try:
        await gateway.start()
        await gateway.program(with_names(ProxyConfig(), bridge.resolver, redis="198.18.0.7"))
        async with Upstream(loopback, {("only4.example.com", "A"): ["192.0.2.1"]}):
            said = await asyncio.to_thread(bridge.run, base_image, command, binds)
    finally:
        await gateway.stop()
    assert said == FOUND

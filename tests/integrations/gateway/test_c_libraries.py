"""Lookups by the C libraries themselves, as programs in containers do them."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from skerry.clock import SystemClock
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.proxy import ProxyConfig
from tests.integrations.gateway.configs import with_names
from tests.integrations.gateway.lookups import Upstream

pytestmark = pytest.mark.gateway

PROGRAM = r"""
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
int main(int count, char **names) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char text[64];
    for (int i = 1; i < count; i++) {
        if (getaddrinfo(names[i], "80", &hints, &found)) {
            printf("%s nothing\n", names[i]);
            continue;
        }
        for (; found; found = found->ai_next) {
            getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
            printf("%s %s\n", names[i], text);
        }
    }
}
"""


@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
async def test_getaddrinfo_finds_services_and_names_with_ipv4_only(
    compiler: str, needs, tmp_path: Path, cell, loopback: str
) -> None:
    needs.root()
    program = build(needs.program(compiler), tmp_path)
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {loopback}\n")
    mount = f"mount --bind {resolv_conf} /etc/resolv.conf"
    within = [needs.program("unshare"), "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    needs(works([*within, "true"]), "may not mount in a namespace of its own")

    host = loopback.rpartition(".")[0] + ".251"
    (tmp_path / "upstream").write_text(f"nameserver {host}\n")
    gateway = EnvoyGateway(
        tmp_path / "gateway", cell, SystemClock(), resolv_conf=tmp_path / "upstream"
    )
    try:
        await gateway.start()
        await gateway.program(with_names(ProxyConfig(), loopback, redis="198.18.0.7"))
        async with Upstream(host, {("only4.example.com", "A"): ["192.0.2.1"]}):
            names = ["redis", "REDIS", "only4.example.com", "nobody"]
            asking = await asyncio.create_subprocess_exec(
                *within, str(program), *names, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await asyncio.wait_for(asking.communicate(), 20)
    finally:
        await gateway.stop()
    assert said.decode().splitlines() == [
        "redis 198.18.0.7",
        "REDIS 198.18.0.7",
        "only4.example.com 192.0.2.1",
        "nobody nothing",
    ]


def works(command: list[str]) -> bool:
    """Whether a command ends well."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build(compiler: str, folder: Path, *options: str) -> Path:
    """The program, linked with this compiler's C library."""
    source, program = folder / "lookup.c", folder / "lookup"
    source.write_text(PROGRAM)
    subprocess.run(
        [compiler, *options, "-o", program, source], check=True, env={"PATH": os.environ["PATH"]}
    )
    return program

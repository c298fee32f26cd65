"""Lookups at the gateway's name tables."""

import asyncio
import socket
import struct

import pytest

from skerry.model.proxy import ProxyConfig
from tests.integrations.gateway.configs import with_names

pytestmark = pytest.mark.gateway
A, AAAA = 1, 28


def ask(server: str, name: str, kind: int, *, timeout: float = 2.0) -> tuple[int, list[str]]:
    """The response code and the addresses answered."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout)
        asking.sendto(query, (server, 53))
        answer = asking.recv(1500)
    count = struct.unpack_from(">H", answer, 6)[0]
    size = 4 if kind == A else 16
    family = socket.AF_INET if kind == A else socket.AF_INET6
    records = answer[len(query) :]
    length = len(records) // count if count else 0
    ends = [(n + 1) * length for n in range(count)]
    return answer[3] & 15, [socket.inet_ntop(family, records[end - size : end]) for end in ends]


@pytest.fixture(autouse=True)
def _root(needs) -> None:
    needs.root()


async def test_a_name_is_answered_in_both_families(gateway, loopback: str) -> None:
    await gateway.program(with_names(ProxyConfig(), loopback, redis="198.18.0.7"))
    look = asyncio.to_thread
    assert await look(ask, loopback, "redis", A) == (0, ["198.18.0.7"])
    assert await look(ask, loopback, "redis", AAAA) == (0, ["::ffff:198.18.0.7"])


async def test_lookups_are_answered_while_names_are_added(gateway, loopback: str) -> None:
    await gateway.program(with_names(ProxyConfig(), loopback, redis="198.18.0.7"))
    results: list[object] = []
    over = False

    def hammer() -> None:
        while not over:
            try:
                results.append(ask(loopback, "redis", A, timeout=1))
            except OSError as error:
                results.append(error)

    work = asyncio.create_task(asyncio.to_thread(hammer))
    for number in range(20):
        more = {f"n{n}": "198.18.0.9" for n in range(number)}
        await gateway.program(with_names(ProxyConfig(), loopback, redis="198.18.0.7", **more))
    over = True
    await work
    lost = [result for result in results if result != (0, ["198.18.0.7"])]
    assert lost == [], f"{len(lost)} of {len(results)}"

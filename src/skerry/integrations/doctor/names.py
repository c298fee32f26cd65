"""Names: whether services' names lead to this machine, and whether their certificates are
believed here."""

import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from skerry.integrations.gateway.trust import NAME, STORES
from skerry.model.cell import Cell
from skerry.model.process import Check

_PROBE: Final = "skerry-doctor"  # no service can be asked of by accident

Resolve = Callable[[str], set[str]]


def resolve(name: str) -> set[str]:
    """The addresses this machine finds for a name; none for one it does not know."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}


def look_at_names(cell: Cell, *, resolve: Resolve = resolve) -> Iterable[Check]:
    """Whether a name under the cell's domain leads to the gateway."""
    name = f"{_PROBE}.{cell.domain}"
    found = resolve(name)
    if found:
        said = f"*.{cell.domain} leads to {', '.join(sorted(found))}"
        yield Check(name="names", ok=True, message=said)
        return
    said = f"*.{cell.domain} leads nowhere on this machine"
    if cell.domain.split(".")[-1] == "localhost":
        said += "; browsers and curl know it by themselves, other programs do not"
        hint = "apt install libnss-myhostname, or: curl --resolve NAME:443:127.0.0.1"
    else:
        hint = f"add a DNS record for *.{cell.domain} with this machine's address"
    yield Check(name="names", ok=False, stops=False, message=said, hint=hint)


def look_at_trust(authority: Path, *, root: Path = Path("/")) -> Iterable[Check]:
    """Whether this machine believes the gateway's certificates. `authority`: its folder."""
    try:
        pem = (authority / "root.crt").read_text()
    except OSError:
        return  # no gateway was ever started: there is nothing to trust yet
    installed = (root / store.folder / f"{NAME}.crt" for store in STORES)
    if any(each.exists() and each.read_text() == pem for each in installed):
        yield Check(name="certificates", ok=True, message="this machine trusts the gateway's")
    else:
        said = "this machine does not trust the gateway's: https warns"
        yield Check(name="certificates", ok=False, stops=False, message=said, hint="skerry trust")

"""What each address answers: the file the gateway writes, and the answer to one question."""

import json
import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from skerry.integrations.gateway.resolver import messages
from skerry.integrations.gateway.resolver.messages import Question

NAMES_FILE = "names.json"
# Names that mean a service, wherever they are asked: one that does not exist must not be
# looked for in the world, which would learn of it, or answer.
_OURS = (messages.wire_name("svc"), messages.wire_name("cluster.local"))

Names = Mapping[bytes, bytes]  # a name in wire form -> an IPv4 address


class Tables(NamedTuple):
    """The names at each address the process listens on."""

    version: str
    at: Mapping[str, Names]


NOTHING = Tables("", {})


def read(path: str) -> Tables:
    """The tables in a file of the form `{"version": ..., "tables": {resolver: {name:
    address}}}`. Raises OSError, ValueError."""
    with open(path, "rb") as file:
        content = json.load(file)
    try:
        at = {str(resolver): _names(names) for resolver, names in content["tables"].items()}
        return Tables(str(content["version"]), at)
    except (KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"{path} holds no tables: {error!r}") from error


def signature(path: str) -> tuple[int, int] | None:
    """Differs when the file has been replaced. None when there is no file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def answer(names: Names, message: bytes, asked: Question) -> bytes | None:
    """Our own answer; None when others are to be asked.

    A name that has an address has nothing else, and says so: no error and no answer, for
    "no such name" to one family is the end of the lookup for some (musl).
    """
    if asked.group != messages.INTERNET:
        return None
    address = names.get(asked.name)
    if address is not None:
        found = address if asked.kind in (messages.A, messages.ANY) else b""
        return messages.reply(message, asked, code=messages.NO_ERROR, address=found)
    if _single(asked.name) or asked.name.endswith(_OURS):
        return messages.reply(message, asked, code=messages.NO_SUCH_NAME)
    return None


def _single(name: bytes) -> bool:
    """Whether it is one label; the root has none."""
    return name[0] > 0 and len(name) == name[0] + 2


def _names(names: Mapping[str, str]) -> Names:
    return {messages.wire_name(name): socket.inet_aton(at) for name, at in names.items()}

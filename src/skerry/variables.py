"""What a setting is made of: how its variable is read, and how the documentation shows it.

Each reader takes what is written and raises ValueError for what is not expected.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting as the documentation shows it."""

    name: str
    meaning: str
    expected: str  # with its unit
    default: str
    reason: str


def address(written: str) -> str:
    """An IP address, in its usual form."""
    return str(ip_address(written))


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(written: str) -> int:
        number = int(written) if written.isascii() and written.isdigit() else -1
        if not lowest <= number <= highest:
            raise ValueError
        return number

    return parse


def network(longest_prefix: int) -> Callable[[str], IPv4Network]:
    """An IPv4 network at least that large."""

    def parse(written: str) -> IPv4Network:
        found = IPv4Network(written)
        if found.prefixlen > longest_prefix:
            raise ValueError
        return found

    return parse


def starts(*schemes: str) -> Callable[[str], str]:
    """Text that starts with one of these."""

    def parse(written: str) -> str:
        if not written.startswith(schemes):
            raise ValueError
        return written

    return parse


def folder(written: str) -> Path:
    """An absolute path that an address can hold."""
    path = Path(written).expanduser()
    if not path.is_absolute() or "?" in written:  # a question mark ends a path in an address
        raise ValueError
    return path


def about(
    variable: str,
    parse: Callable[[str], Any],
    *,
    expected: str,
    meaning: str,
    why: str,
    shown: str = "",
) -> dict[str, Any]:
    """A setting's metadata; `shown` is the default in words, where the value says too little."""
    return {
        "variable": variable,
        "parse": parse,
        "expected": expected,
        "meaning": meaning,
        "why": why,
        "shown": shown,
    }

"""Established connections from this machine, asked of the kernel (sock_diag(7)).

The kernel filters: the cost grows with the answer, not with the connections open.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterator, Sequence

from skerry.model.proxy import Address

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_ATTRIBUTE_BYTECODE = 1
_OP_JUMP, _OP_DESTINATION = 1, 8
_ESTABLISHED, _SYN_SENT = 1, 2
_STATES = 1 << _ESTABLISHED | 1 << _SYN_SENT
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI48s")
_OP = struct.Struct("=BBH")
_CONDITION = struct.Struct("=BBHi")
# Jumps in the filter are 16 bits wide.
_AT_ONCE = 500


def connected(addresses: Sequence[Address]) -> frozenset[Address]:
    """Those addresses a process in this network namespace is connected, or just connecting,
    to. Raises OSError."""
    found: set[Address] = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        wanted = [address for address in addresses if _family(address.host) == family]
        for start in range(0, len(wanted), _AT_ONCE):
            found.update(_ask(family, wanted[start : start + _AT_ONCE]))
    return frozenset(found)


def _ask(family: socket.AddressFamily, addresses: Sequence[Address]) -> set[Address]:
    packed = {(_packed(address.host), address.port): address for address in addresses}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(5)
        kernel.send(_request(family, addresses))
        length = 4 if family == socket.AF_INET else 16
        peers = {peer for message in _messages(kernel) if (peer := _peer(message, length))}
    return {packed[peer] for peer in peers if peer in packed}


def established_sockets() -> frozenset[int]:
    """The inodes of every established TCP socket in this network namespace. Raises OSError."""
    found: set[int] = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(5)
            kernel.send(_request(family, ()))
            found.update(struct.unpack_from("=I", m, 68)[0] for m in _messages(kernel))
    return frozenset(found)


def _request(family: socket.AddressFamily, addresses: Sequence[Address]) -> bytes:
    program = _filter(family, addresses)
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _STATES, bytes(48))
    if program:
        body += struct.pack("=HH", 4 + len(program), _ATTRIBUTE_BYTECODE) + program
    size = _HEADER.size + len(body)
    return _HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0) + body


def _filter(family: socket.AddressFamily, addresses: Sequence[Address]) -> bytes:
    """A program that accepts a socket whose peer is one of the addresses: compare, and on a
    match jump to the end; past the end means no."""
    program = b""
    for address in reversed(addresses):
        host = _packed(address.host)
        condition = _CONDITION.pack(family, len(host) * 8, 0, address.port) + host
        size = _OP.size + len(condition)
        if program:
            jump = _OP.pack(_OP_JUMP, _OP.size, _OP.size + len(program))
            test = _OP.pack(_OP_DESTINATION, size, size + _OP.size)
            program = test + condition + jump + program
        else:
            program = _OP.pack(_OP_DESTINATION, size, size + _OP.size) + condition
    return program


def _messages(kernel: socket.socket) -> Iterator[bytes]:
    while True:
        data = kernel.recv(1 << 18)
        while len(data) >= _HEADER.size:
            size, kind = _HEADER.unpack_from(data)[:2]
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR:
                number = -struct.unpack_from("=i", data, _HEADER.size)[0]
                raise OSError(number, "the kernel does not list connections")
            yield data[_HEADER.size : size]
            data = data[(size + 3) & ~3 :]


def _peer(message: bytes, length: int) -> tuple[bytes, int] | None:
    """From `struct inet_diag_msg`: four bytes, ports, source (16 bytes), destination."""
    if len(message) < 40:
        return None
    port = struct.unpack_from(">H", message, 6)[0]
    return message[24 : 24 + length], port


def _family(host: str) -> socket.AddressFamily:
    version = ipaddress.ip_address(host).version
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _packed(host: str) -> bytes:
    return ipaddress.ip_address(host).packed

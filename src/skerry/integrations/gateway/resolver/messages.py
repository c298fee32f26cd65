"""DNS messages (RFC 1035), as far as this process must understand them: one question, and
answers that hold one address or nothing. Everything else is passed on unread."""

import struct
from typing import NamedTuple

HEADER = struct.Struct(">HHHHHH")
A, OPT, ANY = 1, 41, 255
INTERNET = 1
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NO_SUCH_NAME, NOT_IMPLEMENTED = range(5)
TTL_SECONDS = 5

_RESPONSE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x0400, 0x0200
_RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x0100, 0x0080
_OPCODE = 0x7800
_LONGEST_LABEL, _LONGEST_NAME = 63, 255
_RECORD = struct.Struct(">HHHIH4s")
_TO_THE_QUESTION = 0xC00C  # a name that is a pointer to offset 12, where the question is
# A client that speaks EDNS is told that we do: a name of the root, type, size, flags, no data.
_EDNS = struct.pack(">BHHIH", 0, OPT, 1232, 0, 0)


class Question(NamedTuple):
    """What is asked. `name` is in wire form and lower case: a length before each label."""

    name: bytes
    kind: int
    group: int  # the class: INTERNET, nearly always
    end: int  # where the question ends in its message


def question(message: bytes) -> Question | None:
    """The question of a query. None when it is no query with exactly one, well-formed."""
    if len(message) < HEADER.size:
        return None
    _, flags, count, *_ = HEADER.unpack_from(message)
    if flags & (_RESPONSE | _OPCODE) or count != 1:
        return None
    end = _name_end(message, HEADER.size)
    if end is None or end + 4 > len(message):
        return None
    kind, group = struct.unpack_from(">HH", message, end)
    # Lengths are below 64 and letters above: `lower` leaves the lengths alone.
    return Question(message[HEADER.size : end].lower(), kind, group, end + 4)


def wire_name(name: str) -> bytes:
    """A name as `Question.name` has it. Raises ValueError for what is no name."""
    labels = [label.encode("ascii").lower() for label in name.rstrip(".").split(".")]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > _LONGEST_NAME or not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError(f"{name!r} is not a name")
    return wire


def reply(message: bytes, asked: Question, *, code: int, address: bytes = b"") -> bytes:
    """An answer of our own: a code, and an IPv4 address, if any. The question is repeated
    byte for byte, for some clients hide a password in its capitals."""
    rest = message[asked.end :]
    edns = _EDNS if rest[:3] == _EDNS[:3] else b""
    flags = _flags(message, code) | _AUTHORITATIVE
    record = b""
    if address:
        record = _RECORD.pack(_TO_THE_QUESTION, A, INTERNET, TTL_SECONDS, 4, address)
    header = HEADER.pack(_id(message), flags, 1, bool(address), 0, bool(edns))
    return header + message[HEADER.size : asked.end] + record + edns


def complaint(message: bytes) -> bytes:
    """What to say to something that holds no question; nothing to what is an answer, or too
    short: two servers would talk for ever."""
    if len(message) < HEADER.size or message[2] & 0x80:
        return b""
    code = NOT_IMPLEMENTED if message[2] << 8 & _OPCODE else FORMAT_ERROR
    return HEADER.pack(_id(message), _flags(message, code), 0, 0, 0, 0)


def failure(message: bytes, asked: Question) -> bytes:
    """What to say when nobody answers."""
    flags = _flags(message, SERVER_FAILURE)
    return HEADER.pack(_id(message), flags, 1, 0, 0, 0) + message[HEADER.size : asked.end]


def with_id(message: bytes, id: int) -> bytes:
    """The same message under another id."""
    return struct.pack(">H", id) + message[2:]


def answers(answer: bytes, query: bytes, asked: Question) -> bool:
    """Whether this is an answer to that query: its id, and its question."""
    if len(answer) < HEADER.size or answer[:2] != query[:2] or not answer[2] & 0x80:
        return False
    if HEADER.unpack_from(answer)[2] == 0:  # some say so little with an error
        return code(answer) != NO_ERROR
    there = answer[HEADER.size : asked.end]
    return there.lower() == query[HEADER.size : asked.end].lower()


def code(message: bytes) -> int:
    """An answer's code."""
    return message[3] & 15


def truncated(message: bytes) -> bool:
    """Whether an answer says that there is more than fits."""
    return bool(message[2] << 8 & _TRUNCATED)


def _id(message: bytes) -> int:
    return message[0] << 8 | message[1]


def _flags(message: bytes, code: int) -> int:
    """Of an answer to this query."""
    kept = HEADER.unpack_from(message)[1] & (_OPCODE | _RECURSION_DESIRED)
    return int(_RESPONSE | kept | _RECURSION_AVAILABLE | code)


def _name_end(message: bytes, at: int) -> int | None:
    """Where an uncompressed name ends; a question has nothing before it to point to."""
    start = at
    while at < len(message) and at - start < _LONGEST_NAME:
        length = message[at]
        at += 1 + length
        if length == 0:
            return at
        if length > _LONGEST_LABEL:
            return None
    return None

"""Lookups as clients do them, and a name server that answers as told."""

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

Answer = tuple[str, list[str]]


async def look_up(server: str, name: str, kind: str = "A", *, tcp: bool = False) -> Answer:
    """The code, and the data of each answer: `("NOERROR", ["198.18.0.7"])`."""
    return said(await ask(server, name, kind, tcp=tcp))


async def ask(server: str, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    """The whole answer; checked to be one to this question. Raises dns.exception.Timeout."""
    query = dns.message.make_query(name, kind)
    how = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await how(query, server, timeout=5)


def said(answer: dns.message.Message) -> Answer:
    """What an answer says, shortly."""
    data = [item.to_text() for rrset in answer.answer for item in rrset]
    return dns.rcode.to_text(answer.rcode()), data


@dataclass
class Lookups:
    """What came of the same lookup repeated without a pause."""

    good: int = 0
    lost: list[str] = field(default_factory=list)


async def repeat(server: str, name: str, wanted: str, over: asyncio.Event) -> Lookups:
    """Ask until it is over; anything but the wanted address is lost."""
    came = Lookups()
    while not over.is_set():
        try:
            answer = await look_up(server, name)
        except (dns.exception.DNSException, OSError) as error:
            came.lost.append(repr(error))
            continue
        if answer == ("NOERROR", [wanted]):
            came.good += 1
        else:
            came.lost.append(repr(answer))
    return came


class Upstream:
    """A name server of the world's, on UDP and TCP: `records` maps `(name, kind)` to data; a
    name that has another kind only gets an empty answer. UDP answers over 512 bytes are cut."""

    def __init__(self, host: str, records: dict[tuple[str, str], list[str]]) -> None:
        self.host = host
        self.records = records
        self.asked: Counter[str] = Counter()
        self.senders: set[tuple[int, int]] = set()
        self.delay_seconds = 0.0
        self.code = dns.rcode.NOERROR
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Upstream":
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._udp.bind((self.host, 53))
        self._tasks.append(asyncio.create_task(self._serve_udp()))
        self._tcp = await asyncio.start_server(self._serve_tcp, self.host, 53)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tcp.close()
        self._udp.close()

    async def _serve_udp(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wire, client = await loop.sock_recvfrom(self._udp, 4096)
            self.senders.add((int.from_bytes(wire[:2], "big"), client[1]))
            answer = self._answer(wire)
            if len(answer.to_wire()) > 512:
                cut = dns.message.make_response(dns.message.from_wire(wire))
                cut.flags |= dns.flags.TC
                answer = cut
            self._tasks.append(asyncio.create_task(self._send(answer.to_wire(), client)))

    async def _send(self, wire: bytes, client: tuple[str, int]) -> None:
        await asyncio.sleep(self.delay_seconds)
        self._udp.sendto(wire, client)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        wire = self._answer(await reader.readexactly(size)).to_wire(max_size=65535)
        writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()

    def _answer(self, wire: bytes) -> dns.message.Message:
        query = dns.message.from_wire(wire)
        [asked] = query.question
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        self.asked[name] += 1
        answer = dns.message.make_response(query)
        answer.set_rcode(self.code)
        if (name, kind) in self.records:
            answer.answer.append(
                dns.rrset.from_text(asked.name, 60, "IN", kind, *self.records[name, kind])
            )
        elif not any(name == known for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

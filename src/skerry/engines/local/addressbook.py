"""The addresses given out, kept in the object store so that they stay for life."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from skerry.engines.local.addresses import (
    NAMESPACES,
    USUAL,
    Book,
    Ranges,
    belongs,
    free_slices,
    replica_address,
    with_blocks,
    with_door,
    with_network,
    with_resolver,
    within,
    without_namespace,
    without_service,
)
from skerry.engines.local.machine import Machine
from skerry.errors import Refused
from skerry.model.keys import ServiceKey, parse_service_key
from skerry.ports import ObjectStore

KIND: Final = "address"
# A rollout's surge and one-off runs need addresses too.
_SPARE_ADDRESSES: Final = 6


class AddressBook:
    """Gives out addresses and remembers them. `stable` False: no slice, no doors."""

    def __init__(
        self,
        store: ObjectStore,
        machine: Machine,
        *,
        stable: bool,
        ranges: Ranges = USUAL,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._machine = machine
        self._stable = stable
        self._ranges = ranges
        self._changed = changed
        self._used: set[IPv4Address] = set()
        self._last: dict[str, IPv4Address] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self.book = Book()

    async def open(self) -> None:
        """Read the book, and make the slice of stable addresses the machine's own. Raises
        Refused when none is free, or when what was given out lies outside the ranges."""
        self._written = {key: dict(fact) for key, fact in (await self._store.facts(KIND)).items()}
        self.book = _read(self._written)
        await self._move(within(self.book, self._ranges))
        if not self._stable:
            return
        if self.book.slice is not None:
            await self.assert_again()
            return
        for candidate in free_slices(await self._machine.taken(), within=self._ranges.stable):
            # The route is the lock between several servers on one machine.
            if await self._machine.claim(candidate):
                await self._turn(replace(self.book, slice=candidate))
                return
        raise Refused(
            f"no range of stable addresses is free in {self._ranges.stable}",
            subject="machine",
            hint="set SKERRY_ADDRESSES to another range",
        )

    async def _move(self, book: Book) -> None:
        """Give out from other ranges: walls are put up anew, a slice is chosen anew."""
        before = self.book
        if book.bridges != before.bridges:
            for network in before.networks.values():
                await self._machine.unwall(network, before.bridges)
        if before.slice is not None and book.slice is None:
            await self._machine.release(before.slice)
        await self._turn(book)

    async def assert_again(self) -> None:
        """Put back what somebody took away from the machine: the slice's route, the walls."""
        if self.book.slice is not None:
            await self._machine.claim(self.book.slice)
        for network in self.book.networks.values():
            await self._machine.wall(network, self.book.bridges)

    async def release(self) -> None:
        """Give everything back."""
        for network in self.book.networks.values():
            await self._machine.unwall(network, self.book.bridges)
        if self.book.slice is not None:
            await self._machine.release(self.book.slice)
        await self._turn(Book())

    async def network(self, namespace: str, taken: Collection[IPv4Network]) -> IPv4Network:
        """The namespace's network, walled off. `taken`: what must not be given out, beside the
        networks the machine has routes to."""
        if namespace not in self.book.networks:
            routed = await self._machine.taken()
            await self._turn(with_network(self.book, namespace, (*routed, *taken)))
        network = self.book.networks[namespace]
        await self._machine.wall(network, self.book.bridges)
        return network

    async def drop_network(self, namespace: str) -> None:
        """The namespace's network turned out to be somebody else's."""
        await self._unwall(namespace)
        networks = {name: net for name, net in self.book.networks.items() if name != namespace}
        await self._turn(replace(self.book, networks=networks))

    async def resolver(self, namespace: str) -> IPv4Address | None:
        """Where the namespace's names are answered."""
        await self._turn(with_resolver(self.book, namespace))
        return self.book.resolvers.get(namespace)

    async def door(self, service: ServiceKey) -> IPv4Address | None:
        """The service's stable address."""
        await self._turn(with_door(self.book, service))
        return self.book.doors.get(service)

    async def blocks(self, service: ServiceKey, replicas: int) -> bool:
        """Make sure that a service which crosses namespaces has blocks for its replicas; its
        namespace has a network. True when it got some just now."""
        before = self.book.blocks.get(service)
        most = replicas + max(1, replicas // 4) + _SPARE_ADDRESSES
        await self._turn(with_blocks(self.book, service, most))
        return self.book.blocks[service] != before

    async def forget(self, service: ServiceKey) -> None:
        """The service is gone."""
        await self._turn(without_service(self.book, service))

    async def forget_namespace(self, namespace: str) -> None:
        """The namespace's network is gone."""
        await self._unwall(namespace)
        await self._turn(without_namespace(self.book, namespace))

    async def _unwall(self, namespace: str) -> None:
        if network := self.book.networks.get(namespace):
            await self._machine.unwall(network, self.book.bridges)

    def take(self, service: ServiceKey, *, crossing: bool) -> IPv4Address:
        """An address for a replica, until `give_back`."""
        pool = str(service) if crossing else service.namespace
        address = replica_address(
            self.book,
            service,
            crossing=crossing,
            used=self._used,
            after=self._last.get(pool),
        )
        self._last[pool] = address
        self._used.add(address)
        return address

    def adopt(self, address: IPv4Address) -> None:
        """Note an address somebody adopted has."""
        self._used.add(address)

    def give_back(self, address: IPv4Address | None) -> None:
        """Note that an address is free."""
        if address is not None:
            self._used.discard(address)

    def placed(self, service: ServiceKey, address: IPv4Address | None, *, crossing: bool) -> bool:
        """Whether a replica stands where its service's replicas are to stand."""
        return address is None or belongs(self.book, service, address, crossing=crossing)

    async def _turn(self, book: Book) -> None:
        """Make this the book, and write what differs."""
        if book is self.book or book == self.book:
            return
        self.book = book
        self._changed()
        wanted = _written(book)
        before, self._written = self._written, wanted
        for key in before.keys() | wanted.keys():
            if before.get(key) != wanted.get(key):
                await self._store.put_fact(KIND, key, wanted.get(key))


def _written(book: Book) -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = {}
    if book.slice is not None:
        facts["slice"] = {"network": str(book.slice)}
    if book.bridges != NAMESPACES:
        facts["bridges"] = {"network": str(book.bridges)}
    for namespace, network in book.networks.items():
        facts[f"network:{namespace}"] = {"network": str(network)}
    for namespace, address in book.resolvers.items():
        facts[f"resolver:{namespace}"] = {"address": str(address)}
    for service, address in book.doors.items():
        facts[f"door:{service}"] = {"address": str(address)}
    for service, blocks in book.blocks.items():
        facts[f"blocks:{service}"] = {"networks": [str(block) for block in blocks]}
    return facts


def _read(facts: Mapping[str, Mapping[str, Any]]) -> Book:
    def of(kind: str) -> dict[str, Mapping[str, Any]]:
        return {
            key.removeprefix(f"{kind}:"): fact
            for key, fact in facts.items()
            if key.startswith(f"{kind}:")
        }

    return Book(
        slice=IPv4Network(facts["slice"]["network"]) if "slice" in facts else None,
        bridges=IPv4Network(facts["bridges"]["network"]) if "bridges" in facts else NAMESPACES,
        networks={name: IPv4Network(fact["network"]) for name, fact in of("network").items()},
        resolvers={name: IPv4Address(fact["address"]) for name, fact in of("resolver").items()},
        doors={
            parse_service_key(name): IPv4Address(fact["address"])
            for name, fact in of("door").items()
        },
        blocks={
            parse_service_key(name): tuple(IPv4Network(one) for one in fact["networks"])
            for name, fact in of("blocks").items()
        },
    )

"""Who has which address on this machine. Pure: a book in, a book out.

Two ranges, which an operator may choose. Namespaces are bridges of a /20 each within
10.208.0.0/12. Stable addresses (one per service, one resolver per namespace) come from one
/19 slice of 198.18.0.0/15, which is set aside for benchmarks inside one machine and so is
nobody's network.

Within a namespace's /20 the lower half is for replicas at large; the upper half is cut in
blocks of 16 for services that depend on something in another namespace: a door there admits
blocks, so that it need not change with each replica.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from skerry.errors import Refused
from skerry.model.keys import ServiceKey

NAMESPACES: Final = IPv4Network("10.208.0.0/12")
NAMESPACE_PREFIX: Final = 20
STABLE: Final = IPv4Network("198.18.0.0/15")
SLICE_PREFIX: Final = 19
BLOCK_PREFIX: Final = 28
BLOCK_SIZE: Final = 2 ** (32 - BLOCK_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Where networks and stable addresses are cut from."""

    bridges: IPv4Network = NAMESPACES
    stable: IPv4Network = STABLE


USUAL: Final = Ranges()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that was given out, and is remembered; `bridges` is the range of the networks."""

    slice: IPv4Network | None = None
    bridges: IPv4Network = NAMESPACES
    networks: Mapping[str, IPv4Network] = field(default_factory=dict)
    resolvers: Mapping[str, IPv4Address] = field(default_factory=dict)
    doors: Mapping[ServiceKey, IPv4Address] = field(default_factory=dict)
    blocks: Mapping[ServiceKey, tuple[IPv4Network, ...]] = field(default_factory=dict)


def free_slices(
    taken: Collection[IPv4Network], *, within: IPv4Network = STABLE
) -> Iterable[IPv4Network]:
    """Slices of the stable range nobody on the machine uses, in order."""
    for candidate in within.subnets(new_prefix=SLICE_PREFIX):
        if not any(candidate.overlaps(other) for other in taken):
            yield candidate


def within(book: Book, ranges: Ranges) -> Book:
    """A book that gives out from these ranges; what it gave out stays. Raises Refused for what
    lies outside of them: containers have it as their address."""
    outside = [net for net in book.networks.values() if not net.subnet_of(ranges.bridges)]
    if outside:
        raise _moved(f"{outside[0]} is", setting="SKERRY_BRIDGES", range=ranges.bridges)
    if book.slice is not None and not book.slice.subnet_of(ranges.stable):
        if book.doors or book.resolvers:
            raise _moved(f"{book.slice} is", setting="SKERRY_ADDRESSES", range=ranges.stable)
        book = replace(book, slice=None)
    return replace(book, bridges=ranges.bridges)


def with_network(book: Book, namespace: str, taken: Collection[IPv4Network]) -> Book:
    """A book in which the namespace has a network. `taken`: what the machine routes already.
    Raises Refused when none is left."""
    if namespace in book.networks:
        return book
    used = (*taken, *book.networks.values())
    for candidate in book.bridges.subnets(new_prefix=NAMESPACE_PREFIX):
        if not any(candidate.overlaps(other) for other in used):
            return replace(book, networks={**book.networks, namespace: candidate})
    raise Refused(
        f"no network is left in {book.bridges}",
        subject=f"namespace/{namespace}",
        hint="skerry down, then set SKERRY_BRIDGES to a larger or less used range",
    )


def with_resolver(book: Book, namespace: str) -> Book:
    """A book in which the namespace has a resolver address."""
    if book.slice is None or namespace in book.resolvers:
        return book
    return replace(book, resolvers={**book.resolvers, namespace: _next_stable(book)})


def with_door(book: Book, service: ServiceKey) -> Book:
    """A book in which the service has a stable address."""
    if book.slice is None or service in book.doors:
        return book
    return replace(book, doors={**book.doors, service: _next_stable(book)})


def with_blocks(book: Book, service: ServiceKey, addresses: int) -> Book:
    """A book in which the service has blocks for that many replicas; its namespace must have
    a network. Blocks it has stay. Raises Refused when none is left."""
    mine = book.blocks.get(service, ())
    used = {block for blocks in book.blocks.values() for block in blocks}
    free = (block for block in _upper(book.networks[service.namespace]) if block not in used)
    while len(mine) * BLOCK_SIZE < addresses:
        block = next(free, None)
        if block is None:
            raise Refused(
                "no block of addresses is left in its namespace's network",
                subject=f"service/{service}",
                hint="move services that depend on other namespaces to a namespace of their own",
            )
        mine = (*mine, block)
    return replace(book, blocks={**book.blocks, service: mine})


def without_service(book: Book, service: ServiceKey) -> Book:
    """A book that forgot the service's door and blocks."""
    return replace(
        book,
        doors={key: value for key, value in book.doors.items() if key != service},
        blocks={key: value for key, value in book.blocks.items() if key != service},
    )


def without_namespace(book: Book, namespace: str) -> Book:
    """A book that forgot the namespace and all in it."""
    return replace(
        book,
        networks={name: net for name, net in book.networks.items() if name != namespace},
        resolvers={name: at for name, at in book.resolvers.items() if name != namespace},
        doors={key: at for key, at in book.doors.items() if key.namespace != namespace},
        blocks={key: got for key, got in book.blocks.items() if key.namespace != namespace},
    )


def replica_address(
    book: Book,
    service: ServiceKey,
    *,
    crossing: bool,
    used: Collection[IPv4Address],
    after: IPv4Address | None,
) -> IPv4Address:
    """A free address for a replica, the next after the one given out last, so that none is
    used again soon after it was given up. Raises Refused when none is free."""
    network = book.networks[service.namespace]
    pool = _pool(book, service, crossing=crossing)
    start = 0 if after is None else _place(pool, after)
    size = sum(part.num_addresses for part in pool)
    reserved = {network.network_address, network.network_address + 1, network.broadcast_address}
    for offset in range(size):
        address = _at(pool, (start + offset) % size)
        if address not in used and address not in reserved:
            return address
    raise Refused("no address is left in its network", subject=f"service/{service}")


def belongs(book: Book, service: ServiceKey, address: IPv4Address, *, crossing: bool) -> bool:
    """Whether a replica of the service may have that address."""
    return any(address in part for part in _pool(book, service, crossing=crossing))


def gateway_of(network: IPv4Network) -> IPv4Address:
    """The machine's own address on a namespace's bridge."""
    return network.network_address + 1


def _moved(used: str, *, setting: str, range: IPv4Network) -> Refused:
    return Refused(
        f"should not change while services run: {used} in use, and not in {range}",
        subject=setting,
        hint=f"put {setting} back as it was; to change it, run skerry down before",
    )


def _pool(book: Book, service: ServiceKey, *, crossing: bool) -> tuple[IPv4Network, ...]:
    if crossing:
        return book.blocks.get(service, ())
    network = book.networks.get(service.namespace)
    return () if network is None else (next(network.subnets(prefixlen_diff=1)),)


def _upper(network: IPv4Network) -> Iterable[IPv4Network]:
    # The last block holds the broadcast address.
    return list(list(network.subnets(prefixlen_diff=1))[1].subnets(new_prefix=BLOCK_PREFIX))[:-1]


def _place(pool: tuple[IPv4Network, ...], address: IPv4Address) -> int:
    before = 0
    for part in pool:
        if address in part:
            return before + int(address) - int(part.network_address) + 1
        before += part.num_addresses
    return 0


def _at(pool: tuple[IPv4Network, ...], place: int) -> IPv4Address:
    for part in pool:
        if place < part.num_addresses:
            return part.network_address + place
        place -= part.num_addresses
    raise IndexError(place)


def _next_stable(book: Book) -> IPv4Address:
    assert book.slice is not None
    used = {*book.resolvers.values(), *book.doors.values()}
    # The first and last address stay unused: some stacks take them for broadcasts.
    for number in range(1, book.slice.num_addresses - 1):
        address = book.slice.network_address + number
        if address not in used:
            return address
    raise Refused("no stable address is left", hint="remove services that are not needed")

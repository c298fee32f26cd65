"""Addresses are given out once, kept, and stay within their walls."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.addresses import (
    Book,
    Ranges,
    belongs,
    free_slices,
    replica_address,
    with_blocks,
    with_door,
    with_network,
    with_resolver,
)
from skerry.errors import Refused
from skerry.model.keys import ServiceKey
from tests.engines.local.fakes import FakeMachine
from tests.fakes.store import MemoryStore

WEB = ServiceKey("default", "web")
SLICE = IPv4Network("198.18.32.0/19")


def book(*namespaces: str) -> Book:
    made = Book(slice=SLICE)
    for namespace in namespaces:
        made = with_network(made, namespace, ())
    return made


@given(st.lists(st.sampled_from("abcdef"), max_size=12))
def test_no_two_namespaces_share_an_address(namespaces: list[str]) -> None:
    networks = list(book(*namespaces).networks.values())
    assert not any(a.overlaps(b) for i, a in enumerate(networks) for b in networks[:i])


def test_a_network_the_machine_uses_is_left_alone() -> None:
    made = with_network(Book(), "default", [IPv4Network("10.208.0.0/18")])
    assert made.networks["default"] == IPv4Network("10.208.64.0/20")


def test_a_machine_without_room_is_told() -> None:
    with pytest.raises(Refused, match="no network is left"):
        with_network(Book(), "default", [IPv4Network("10.0.0.0/8")])


def test_the_second_server_gets_the_second_slice() -> None:
    taken = [IPv4Network("198.18.0.0/19")]
    assert next(iter(free_slices(taken))) == SLICE


def test_doors_and_resolvers_are_all_different_and_within_the_slice() -> None:
    made = with_resolver(book("default"), "default")
    for number in range(50):
        made = with_door(made, ServiceKey("default", f"s{number}"))
    given_out = [*made.doors.values(), *made.resolvers.values()]
    assert len(set(given_out)) == 51
    assert all(address in SLICE for address in given_out)


def test_replicas_at_large_never_stand_in_a_block() -> None:
    made = with_blocks(book("default"), WEB, 20)
    used: set[IPv4Address] = set()
    after = None
    for _ in range(2000):
        after = replica_address(made, WEB, crossing=False, used=used, after=after)
        used.add(after)
    assert not any(address in block for address in used for block in made.blocks[WEB])
    assert len(used) == 2000


def test_an_address_given_up_is_not_given_out_next() -> None:
    made = book("default")
    first = replica_address(made, WEB, crossing=False, used=set(), after=None)
    second = replica_address(made, WEB, crossing=False, used=set(), after=first)
    assert second != first


def test_blocks_grow_with_the_replicas_and_keep_what_they_had() -> None:
    small = with_blocks(book("default"), WEB, 10)
    large = with_blocks(small, WEB, 40)
    assert len(small.blocks[WEB]) == 1
    assert large.blocks[WEB][:1] == small.blocks[WEB]
    assert len(large.blocks[WEB]) == 3


def test_a_replica_of_before_the_dependency_stands_in_the_wrong_place() -> None:
    made = with_blocks(book("default"), WEB, 10)
    at_large = replica_address(made, WEB, crossing=False, used=set(), after=None)
    assert not belongs(made, WEB, at_large, crossing=True)


async def test_a_book_opened_again_says_the_same() -> None:
    store, machine = MemoryStore(), FakeMachine("198.18.0.0/19")
    first = AddressBook(store, machine, stable=True)
    await first.open()
    await first.network("default", ())
    await first.blocks(WEB, 4)
    door, resolver = await first.door(WEB), await first.resolver("default")
    second = AddressBook(store, machine, stable=True)
    await second.open()
    assert second.book == first.book
    assert (await second.door(WEB), await second.resolver("default")) == (door, resolver)
    await second.release()
    assert await machine.taken() == (IPv4Network("198.18.0.0/19"),)
    assert not await store.facts("address")


ELSEWHERE = Ranges(bridges=IPv4Network("10.64.0.0/16"), stable=IPv4Network("198.51.0.0/18"))


async def test_the_ranges_an_operator_chose_are_given_out_from() -> None:
    store, machine = MemoryStore(), FakeMachine("10.64.0.0/20")
    chosen = AddressBook(store, machine, stable=True, ranges=ELSEWHERE)
    await chosen.open()
    assert await chosen.network("default", ()) == IPv4Network("10.64.16.0/20")
    assert await chosen.door(WEB) in ELSEWHERE.stable
    again = AddressBook(store, machine, stable=True, ranges=ELSEWHERE)
    await again.open()
    assert again.book == chosen.book
    await again.release()
    assert not machine.walls
    assert not await store.facts("address")


@pytest.mark.parametrize(
    ("ranges", "setting"),
    [
        (Ranges(bridges=ELSEWHERE.bridges), "SKERRY_BRIDGES"),
        (Ranges(stable=ELSEWHERE.stable), "SKERRY_ADDRESSES"),
    ],
)
async def test_a_range_does_not_change_under_running_services(ranges: Ranges, setting: str) -> None:
    store, machine = MemoryStore(), FakeMachine()
    first = AddressBook(store, machine, stable=True)
    await first.open()
    await first.network("default", ())
    await first.door(WEB)
    changed = AddressBook(store, machine, stable=True, ranges=ranges)
    with pytest.raises(Refused, match=f"{setting}: should not change while services run"):
        await changed.open()


async def test_ranges_change_when_nothing_of_them_is_in_use() -> None:
    store, machine = MemoryStore(), FakeMachine()
    first = AddressBook(store, machine, stable=True)
    await first.open()
    changed = AddressBook(store, machine, stable=True, ranges=ELSEWHERE)
    await changed.open()
    assert changed.book.slice == IPv4Network("198.51.0.0/19")
    assert await machine.taken() == (IPv4Network("198.51.0.0/19"),)


async def test_a_wider_range_keeps_networks_and_walls_them_off_from_all_of_it() -> None:
    store, machine = MemoryStore(), FakeMachine()
    narrow = AddressBook(store, machine, stable=True, ranges=ELSEWHERE)
    await narrow.open()
    network = await narrow.network("default", ())
    wide = Ranges(bridges=IPv4Network("10.64.0.0/12"), stable=ELSEWHERE.stable)
    book = AddressBook(store, machine, stable=True, ranges=wide)
    await book.open()
    assert book.book.networks == {"default": network}
    assert machine.walls == {network}

"""Tokens: made once, known by their digest, over at their time."""

from datetime import timedelta

import pytest

from skerry.errors import Conflict, Refused, Unauthenticated
from skerry.model.access import Identity, Role
from skerry.operations.tokens import authenticate, issue
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

NOON = FakeClock().now()


@pytest.fixture
def ledger() -> MemoryStore:
    return MemoryStore()


async def test_a_token_says_who_asks(ledger: MemoryStore, clock: FakeClock) -> None:
    secret, token = await issue(
        ledger, clock, name="ci", role=Role.DEPLOYER, namespaces=frozenset({"payments"})
    )
    who = await authenticate(ledger, clock, secret)
    assert who == Identity(name="ci", role=Role.DEPLOYER, namespaces=frozenset({"payments"}))
    assert who == token.identity
    assert token.created == NOON


async def test_only_its_digest_is_kept(ledger: MemoryStore, clock: FakeClock) -> None:
    secret, _ = await issue(ledger, clock, name="ci", role=Role.ADMIN)
    assert secret.startswith("skr_")
    assert len(secret) == 4 + 43
    assert secret[4:] not in repr(await ledger.tokens())


async def test_no_two_are_alike(ledger: MemoryStore, clock: FakeClock) -> None:
    made = [await issue(ledger, clock, name=f"t{n}", role=Role.VIEWER) for n in range(50)]
    assert len({secret for secret, _ in made}) == 50
    assert len({token.id for _, token in made}) == 50


@pytest.mark.parametrize(
    "presented", ["", "skr_", "skr_" + "a" * 43, "x" * 1_000_000, "skr_ü\n" + "a" * 41, "\ud83d"]
)
async def test_what_is_not_known_is_not_let_in(
    ledger: MemoryStore, clock: FakeClock, presented: str
) -> None:
    with pytest.raises(Unauthenticated, match="is not known") as raised:
        await authenticate(ledger, clock, presented)
    assert "SKERRY_TOKEN" in raised.value.hint
    assert not presented or presented not in str(raised.value)


async def test_neither_its_digest_nor_a_part_of_it_lets_in(
    ledger: MemoryStore, clock: FakeClock
) -> None:
    secret, token = await issue(ledger, clock, name="ci", role=Role.ADMIN)
    for presented in (token.digest, f"skr_{token.digest[:43]}", secret[:-1], secret + "\n"):
        with pytest.raises(Unauthenticated):
            await authenticate(ledger, clock, presented)


async def test_it_is_over_at_its_expiry_and_not_before(
    ledger: MemoryStore, clock: FakeClock
) -> None:
    secret, _ = await issue(
        ledger, clock, name="ci", role=Role.VIEWER, expires=NOON + timedelta(seconds=60)
    )
    await clock.advance(59)
    await authenticate(ledger, clock, secret)
    await clock.advance(1)
    with pytest.raises(Unauthenticated, match=r"token/ci: has expired at .* 12:01 UTC"):
        await authenticate(ledger, clock, secret)


async def test_a_dropped_token_is_over_at_once(ledger: MemoryStore, clock: FakeClock) -> None:
    secret, token = await issue(ledger, clock, name="ci", role=Role.VIEWER)
    await ledger.drop_token(token.id)
    with pytest.raises(Unauthenticated):
        await authenticate(ledger, clock, secret)


async def test_an_expiry_that_has_passed_is_refused(ledger: MemoryStore, clock: FakeClock) -> None:
    with pytest.raises(Refused, match="expired already"):
        await issue(ledger, clock, name="ci", role=Role.VIEWER, expires=NOON)


@pytest.mark.parametrize("name", ["", "a b", "-x", "a" * 65, "a\n", "<b>"])
async def test_a_bad_name_is_refused(ledger: MemoryStore, clock: FakeClock, name: str) -> None:
    with pytest.raises(Refused, match="is no name"):
        await issue(ledger, clock, name=name, role=Role.VIEWER)


async def test_a_name_is_taken_once(ledger: MemoryStore, clock: FakeClock) -> None:
    await issue(ledger, clock, name="ci", role=Role.VIEWER)
    with pytest.raises(Conflict):
        await issue(ledger, clock, name="ci", role=Role.ADMIN)

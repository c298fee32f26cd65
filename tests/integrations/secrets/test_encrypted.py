"""Skerry's own secrets: encrypted, bound to their names, the key outside the database."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skerry.errors import NotFound, Refused, SkerryError, Unavailable
from skerry.integrations.secrets.store import FACT, LARGEST_BYTES, EncryptedSecrets
from skerry.integrations.store.open import open_store
from skerry.model.progress import Operation, Progress, Stage
from skerry.model.secret import SecretValue
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore

NOON = FakeClock().now()
PLANTED = "s3cr3t-PLANTED-value-8861"


@pytest.fixture
def facts() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key"


@pytest.fixture
def secrets(facts: MemoryStore, key_file: Path) -> EncryptedSecrets:
    return EncryptedSecrets(facts, key_file)


async def revealed(secrets: EncryptedSecrets, name: str) -> str:
    return (await secrets.resolve(f"store:{name}")).reveal()


async def test_a_secret_comes_back_also_after_a_restart(
    secrets: EncryptedSecrets, facts: MemoryStore, key_file: Path
) -> None:
    await secrets.put("db", SecretValue("pässwörd\n"))
    assert await revealed(secrets, "db") == "pässwörd\n"
    assert await revealed(EncryptedSecrets(facts, key_file), "db") == "pässwörd\n"


async def test_put_again_it_is_replaced(secrets: EncryptedSecrets) -> None:
    await secrets.put("db", SecretValue("old"))
    await secrets.put("db", SecretValue("new"))
    assert await revealed(secrets, "db") == "new"


async def test_names_are_listed_sorted(secrets: EncryptedSecrets) -> None:
    for name in ("b", "a.b-c_D"):
        await secrets.put(name, SecretValue("x"))
    assert await secrets.names() == ("a.b-c_D", "b")


async def test_namespaces_may_use_the_same_name(secrets: EncryptedSecrets) -> None:
    await secrets.put("db", SecretValue("ours"))
    await secrets.put("payments/db", SecretValue("theirs"))
    assert await secrets.names() == ("db", "payments/db")
    assert (await revealed(secrets, "db"), await revealed(secrets, "payments/db")) == (
        "ours",
        "theirs",
    )
    with pytest.raises(NotFound) as raised:
        await secrets.resolve("store:sales/db")
    assert raised.value.hint == "skerry secrets set sales/db"


async def test_a_missing_secret_names_the_command_that_sets_it(secrets: EncryptedSecrets) -> None:
    for ask in (secrets.resolve("store:db"), secrets.fingerprint("store:db"), secrets.drop("db")):
        with pytest.raises(NotFound, match="secret/db: is not set") as raised:
            await ask
        assert raised.value.hint == "skerry secrets set db"


async def test_a_dropped_secret_is_gone(secrets: EncryptedSecrets) -> None:
    await secrets.put("db", SecretValue("x"))
    await secrets.drop("db")
    assert await secrets.names() == ()
    with pytest.raises(NotFound):
        await secrets.resolve("store:db")


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", "a/b/c", "/a", "a/", "A/b", "a:b", "-a", "a#b", "ü", "a" * 129]
)
async def test_names_a_reference_cannot_hold_are_refused(
    secrets: EncryptedSecrets, name: str
) -> None:
    with pytest.raises(Refused, match="is no name"):
        await secrets.put(name, SecretValue("x"))


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("", "is empty"),
        ("a\0b", "NUL"),
        ("a" * (LARGEST_BYTES + 1), "larger than 120 KiB"),
        ("\ud83d", "not text"),
    ],
)
async def test_values_no_container_can_take_are_refused_unsaid(
    secrets: EncryptedSecrets, value: str, cause: str
) -> None:
    with pytest.raises(Refused, match=cause) as raised:
        await secrets.put("db", SecretValue(value))
    assert not value or value not in str(raised.value)


async def test_the_fingerprint_follows_the_value_and_nothing_else(
    secrets: EncryptedSecrets, facts: MemoryStore, key_file: Path, tmp_path: Path
) -> None:
    await secrets.put("a", SecretValue("same"))
    await secrets.put("b", SecretValue("same"))
    await secrets.put("c", SecretValue("other"))
    a, b, c = [await secrets.fingerprint(f"store:{name}") for name in "abc"]
    assert a == b != c
    assert len(a) == 16
    assert await EncryptedSecrets(facts, key_file).fingerprint("store:a") == a
    elsewhere = EncryptedSecrets(MemoryStore(), tmp_path / "other-key")
    await elsewhere.put("a", SecretValue("same"))
    assert await elsewhere.fingerprint("store:a") != a


async def test_a_secret_put_in_anothers_place_by_hand_does_not_open(
    secrets: EncryptedSecrets, facts: MemoryStore, key_file: Path
) -> None:
    await secrets.put("admin", SecretValue("root"))
    await secrets.put("guest", SecretValue("guest"))
    await facts.put_fact(FACT, "guest", (await facts.facts(FACT))["admin"])
    with pytest.raises(Unavailable, match="secret/guest: cannot be opened"):
        await EncryptedSecrets(facts, key_file).resolve("store:guest")


async def test_with_another_key_a_secret_does_not_open_but_can_be_set_again(
    secrets: EncryptedSecrets, facts: MemoryStore, tmp_path: Path
) -> None:
    await secrets.put("db", SecretValue("x"))
    await EncryptedSecrets(MemoryStore(), tmp_path / "other").open()
    other = EncryptedSecrets(facts, tmp_path / "other")
    with pytest.raises(Unavailable, match="cannot be opened") as raised:
        await other.resolve("store:db")
    assert "skerry secrets set db" in raised.value.hint
    await other.put("db", SecretValue("y"))
    assert await revealed(other, "db") == "y"


async def test_with_its_key_gone_no_new_one_is_made_until_the_secrets_are_deleted(
    secrets: EncryptedSecrets, facts: MemoryStore, key_file: Path
) -> None:
    await secrets.put("db", SecretValue("x"))
    key_file.unlink()
    again = EncryptedSecrets(facts, key_file)
    await again.open()
    with pytest.raises(SkerryError, match="is gone, and 1 secret is sealed with it") as raised:
        await again.put("other", SecretValue("y"))
    assert "put back your copy" in raised.value.hint
    assert not key_file.exists()
    assert await again.names() == ("db",)
    await again.drop("db")
    await again.put("other", SecretValue("y"))
    assert await revealed(again, "other") == "y"


async def test_rotation_changes_the_key_and_what_is_stored_but_no_fingerprint(
    secrets: EncryptedSecrets, facts: MemoryStore, key_file: Path
) -> None:
    for name in ("a", "b"):
        await secrets.put(name, SecretValue(f"value-{name}"))
    old_key, old_facts = key_file.read_text(), await facts.facts(FACT)
    fingerprint = await secrets.fingerprint("store:a")
    assert await secrets.rotate() == 2
    assert key_file.read_text().count("\nkey ") == 1
    assert key_file.read_text() != old_key
    again = EncryptedSecrets(facts, key_file)
    for one in (secrets, again):
        assert await revealed(one, "a") == "value-a"
        assert await revealed(one, "b") == "value-b"
        assert await one.fingerprint("store:a") == fingerprint
    key_file.write_text(old_key)
    with pytest.raises(Unavailable):
        await EncryptedSecrets(facts, key_file).resolve("store:a")
    assert old_facts != await facts.facts(FACT)


class FailsAfter(MemoryStore):
    """Takes so many facts, then none."""

    left = 1_000

    async def put_fact(self, kind: str, key: str, fact: Mapping[str, Any] | None) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("the disk is full", subject="store")
        await super().put_fact(kind, key, fact)


async def test_a_rotation_cut_short_loses_nothing_and_can_be_finished(key_file: Path) -> None:
    facts = FailsAfter()
    secrets = EncryptedSecrets(facts, key_file)
    for name in ("a", "b", "c"):
        await secrets.put(name, SecretValue(f"value-{name}"))
    facts.left = 2
    with pytest.raises(Unavailable):
        await secrets.rotate()
    facts.left = 1_000
    restarted = EncryptedSecrets(facts, key_file)
    for one in (secrets, restarted):
        assert [await revealed(one, name) for name in "abc"] == ["value-a", "value-b", "value-c"]
    await restarted.rotate()
    assert key_file.read_text().count("\nkey ") == 1
    assert await revealed(EncryptedSecrets(facts, key_file), "c") == "value-c"


async def test_a_planted_secret_is_in_no_file_no_log_and_no_repr(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    store = open_store(f"sqlite:///{tmp_path}/skerry.db", FakeClock())
    secrets = EncryptedSecrets(store, tmp_path / "key")
    await secrets.put("db", SecretValue(PLANTED))
    await secrets.put("db", SecretValue(PLANTED + "-2"))
    value = await secrets.resolve("store:db")
    operation = Operation(
        id="a", kind="secret", by="ann", at=NOON, subject="db", request={"fp": f"{value}"}
    )
    await store.open_operation(replace(operation, error=f"{value!r} {secrets!r}"))
    await store.say("a", Progress(at=NOON, stage=Stage.DONE, message=f"{value}"))
    await secrets.rotate()
    with_log = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    await store.close()
    closed = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"skerry.db", "skerry.db-wal", "key"} <= set(with_log)
    out, err = capfd.readouterr()
    for written in (*with_log.values(), *closed.values(), caplog.text.encode(), out.encode()):
        assert PLANTED.encode() not in written
    assert PLANTED not in err
    assert b"gAAAA" in with_log["skerry.db-wal"]  # what is sealed is there, so looking finds it

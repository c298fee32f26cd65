"""References find their provider."""

from pathlib import Path

import pytest

from skerry.errors import NotFound
from skerry.integrations.secrets.providers import Providers
from skerry.integrations.secrets.store import EncryptedSecrets
from skerry.model.secret import SecretValue
from tests.fakes.store import MemoryStore


@pytest.fixture
async def providers(tmp_path: Path) -> Providers:
    stored = EncryptedSecrets(MemoryStore(), tmp_path / "key")
    await stored.put("db", SecretValue("x"))
    return Providers({"store": stored})


async def test_the_prefix_picks_the_provider(providers: Providers) -> None:
    assert (await providers.resolve("store:db")).reveal() == "x"
    assert await providers.fingerprint("store:db")


async def test_an_unknown_provider_names_those_known(providers: Providers) -> None:
    with pytest.raises(NotFound, match="nobody here provides vault:") as raised:
        await providers.resolve("vault:kv/db#url")
    assert raised.value.hint == "known are: store:"


async def test_what_is_no_reference_is_not_repeated(providers: Providers) -> None:
    with pytest.raises(NotFound, match="is no reference") as raised:
        await providers.fingerprint("hunter2 hunter2")
    assert "hunter2" not in f"{raised.value} {raised.value.hint}"

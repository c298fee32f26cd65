"""`env:`: the value of whoever applies; a fingerprint that tells nothing of it."""

import pytest

from skerry.errors import NotFound
from skerry.integrations.secrets.environment import EnvironmentSecrets, NoEnvironment

PLANTED = "pl4nted-s3cret-value"


def secrets(*, key: bytes = b"k", **environ: str) -> EnvironmentSecrets:
    async def given() -> bytes:
        return key

    return EnvironmentSecrets(environ, given)


async def test_the_value_is_the_variables() -> None:
    assert (await secrets(DB=PLANTED).resolve("env:DB")).reveal() == PLANTED
    for empty in (secrets(), secrets(DB="")):
        with pytest.raises(NotFound, match="is not set in this command's environment") as raised:
            await empty.resolve("env:DB")
        assert raised.value.hint == "export DB=..."


async def test_a_fingerprint_is_of_the_value_and_the_cells_key() -> None:
    one = await secrets(DB=PLANTED).fingerprint("env:DB")
    assert one == await secrets(OTHER=PLANTED).fingerprint("env:OTHER")
    assert one != await secrets(DB="other").fingerprint("env:DB")
    assert one != await secrets(DB=PLANTED, key=b"other").fingerprint("env:DB")
    assert PLANTED not in one


async def test_a_server_has_no_environment_to_take_it_from() -> None:
    for ask in (NoEnvironment().resolve, NoEnvironment().fingerprint):
        with pytest.raises(NotFound, match="which a server does not have") as raised:
            await ask("env:DB")
        assert raised.value.hint == "skerry secrets set DB, then write store:DB"

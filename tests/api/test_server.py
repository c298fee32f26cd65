"""The server around the API: its folder, its lock, its port, its token."""

import socket
import stat
from pathlib import Path

import pytest

from skerry.api import server
from skerry.errors import Conflict, ServerUnavailable
from skerry.integrations.store.folder import open_folder
from skerry.model.access import Role
from skerry.model.secret import SecretValue
from skerry.operations.tokens import authenticate
from skerry.settings import Settings
from skerry.wiring.server import open_memory

PLANTED = "pl4nted-s3cret-value"


def test_two_servers_never_share_a_state_folder(tmp_path: Path) -> None:
    state = open_folder(tmp_path / "state")
    with server._alone(state):
        with (
            pytest.raises(Conflict, match=r"process \d+, already runs") as raised,
            server._alone(state),
        ):
            pass
        assert "SKERRY_STATE" in raised.value.hint
    with server._alone(state):
        pass


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = Settings(state=tmp_path, port=port)
        with (
            pytest.raises(ServerUnavailable, match="already in use") as raised,
            server._listening(settings),
        ):
            pass
        assert raised.value.subject == f"port/{port}"
        assert str(port) in raised.value.hint


async def test_the_local_admin_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    state = open_folder(tmp_path / "state")
    async with open_memory(state) as fleet:
        token = state.token_file.read_text().strip()
        assert stat.S_IMODE(state.token_file.stat().st_mode) == 0o600
        identity = await authenticate(fleet.ledger, fleet.clock, token)
        assert identity.role is Role.ADMIN
    async with open_memory(state):
        assert state.token_file.read_text().strip() == token
    state.token_file.unlink()
    async with open_memory(state) as fleet:
        again = state.token_file.read_text().strip()
        assert again != token
        assert [each.identity.name for each in await fleet.ledger.tokens()] == ["local-admin"]


async def test_a_secrets_value_is_in_no_file_of_the_server(tmp_path: Path) -> None:
    state = open_folder(tmp_path / "state")
    async with open_memory(state) as fleet:
        await fleet.secrets.put("db", SecretValue(PLANTED))
        assert (await fleet.references.resolve("store:db")).reveal() == PLANTED
    files = [each for each in state.folder.rglob("*") if each.is_file()]
    assert files
    assert all(PLANTED.encode() not in each.read_bytes() for each in files)

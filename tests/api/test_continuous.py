"""The webhook and the view of continuous mode; what a server that does not lead hands on."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from skerry.api.app import create_app
from skerry.api.forwarding import is_for_leader
from skerry.clock import SystemClock
from skerry.controllers.leading import Alone
from skerry.controllers.standing import Standing
from tests.api.client import Answer, _http, _scope
from tests.controllers.world import World, following, until

SECRET = "correct horse"


class Rung(World):
    """A world whose webhook can be rung; nothing polls."""

    def listen(self, **standing: Any) -> None:
        """Make its API."""

        async def secret() -> str:
            return SECRET

        found = {"continuous": self.continuous, "secret": secret, **standing}
        leadership = Alone(SystemClock(), name="a")
        self.app = create_app(self.fleet, standing=Standing(leadership=leadership, **found))

    async def ring(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One delivery."""
        scope = _scope("http", "/v1/webhook", dict(headers)) | {"method": "POST"}
        return await _http(self.app, scope, body)


def github(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={digest}"}


async def test_a_signed_push_is_looked_at_at_once(tmp_path: Path) -> None:
    async with following(tmp_path, poll_seconds=3600, kind=Rung) as world:
        world.listen()
        world.upstream.commit({**world.cell("eu-1"), **world.service("web")})
        world.continuous.start()
        await until(lambda: world.watch().commit is not None)
        commit = world.upstream.commit(world.service("web", "acme/web:2"))
        assert (await world.ring(b"{}", github(b"{}"))).status == 202
        await until(lambda: (found := world.watch().commit) is not None and found.id == commit)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 401),
        (b"{}", github(b"{}", "wrong"), 401),
        (b"{ }", github(b"{}"), 401),
        (b"{}", {"x-gitlab-token": "wrong"}, 401),
        (b"{}", {"authorization": "Bearer skr_x"}, 401),
        (b"x" * (2 << 20), github(b"x" * (2 << 20)), 413),
    ],
)
async def test_anything_else_is_refused_and_nothing_happens(
    tmp_path: Path, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with following(tmp_path, poll_seconds=3600, kind=Rung) as world:
        world.listen()
        answer = await world.ring(body, headers)
        assert answer.status == status
        assert not world.continuous._bell.is_set()


async def test_a_delivery_opens_once(tmp_path: Path) -> None:
    async with following(tmp_path, poll_seconds=3600, kind=Rung) as world:
        world.listen()
        assert (await world.ring(b"{}", github(b"{}"))).status == 202
        again = await world.ring(b"{}", github(b"{}"))
        assert (again.status, again.json["error"]["cause"]) == (401, "was delivered before")


async def test_without_a_secret_there_is_no_webhook(tmp_path: Path) -> None:
    async with following(tmp_path, poll_seconds=3600, kind=Rung) as world:
        world.listen(secret=None)
        assert (await world.ring(b"{}", github(b"{}", ""))).status == 404


@pytest.mark.parametrize(
    ("method", "path", "handed"),
    [
        ("GET", "/healthz", False),
        ("GET", "/v1/status", False),
        ("POST", "/v1/plan", False),
        ("POST", "/v1/stop", False),
        ("POST", "/v1/apply", True),
        ("DELETE", "/v1/services/default/web", True),
        ("POST", "/v1/webhook", True),
        ("GET", "/v1/reconcile", True),
        ("GET", "/v1/operations/20300601-120000-abc/events", True),
        ("GET", "/v1/operations/20300601-120000-abc", False),
    ],
)
def test_what_only_the_leader_does_is_handed_on(method: str, path: str, handed: bool) -> None:
    assert is_for_leader(method, path, whole=True) is handed


def test_a_server_whose_machine_is_a_cell_hands_on_looks_too() -> None:
    assert is_for_leader("GET", "/v1/status", whole=False)
    assert not is_for_leader("GET", "/healthz", whole=False)

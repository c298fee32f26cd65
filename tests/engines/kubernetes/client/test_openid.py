"""Id tokens and their renewal, with a provider of our own."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from skerry.engines.kubernetes.client.credentials import find_access
from skerry.engines.kubernetes.client.identity import Identity
from skerry.errors import Unauthenticated
from tests.cluster.kubeconfigs import kubeconfig, write
from tests.fakes.clock import FakeClock


def id_token(clock: FakeClock, seconds: float) -> str:
    """A token that ends so many seconds from now."""
    body = json.dumps({"exp": clock.now().timestamp() + seconds}).encode()
    return f"e30.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.c2ln"


@asynccontextmanager
async def provider(gives: list[str]) -> AsyncIterator[tuple[str, list[str]]]:
    """Its URL and the refresh tokens it was shown; it gives these id tokens, one by one."""
    shown: list[str] = []

    async def configuration(request: web.Request) -> web.Response:
        return web.json_response({"token_endpoint": f"http://{request.host}/token"})

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        shown.append(str(form["refresh_token"]))
        if not gives:
            return web.json_response({"error": "invalid_grant"}, status=400)
        said = {"id_token": gives.pop(0), "refresh_token": f"refresh-{len(shown)}"}
        return web.json_response(said)

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", configuration)
    app.router.add_post("/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", shown
    finally:
        await runner.cleanup()


def identity(folder: Path, issuer: str, **config: str) -> Identity:
    """What a kubeconfig with this provider makes."""
    given = {"idp-issuer-url": issuer, "client-id": "skerry", "client-secret": "s", **config}
    user = {"auth-provider": {"name": "oidc", "config": given}}
    file = write(folder / "config", kubeconfig({"server": "https://127.0.0.1:1"}, user))
    return find_access(None, str(file), {}).identity


async def test_a_token_that_lasts_is_used_as_it_is(tmp_path: Path, clock: FakeClock) -> None:
    token = id_token(clock, 600)
    who = identity(tmp_path, "http://127.0.0.1:1", **{"id-token": token})
    assert (await who.credentials(clock)).authorization == f"Bearer {token}"
    assert not who.renewable


async def test_a_token_that_is_over_is_renewed_once_for_all_who_wait(
    tmp_path: Path, clock: FakeClock
) -> None:
    old, new, newer = (id_token(clock, seconds) for seconds in (10, 600, 1200))
    async with provider([new, newer]) as (url, shown):
        config = {"id-token": old, "refresh-token": "refresh-0"}
        who = identity(tmp_path, url, **config)
        given = await asyncio.gather(*(who.credentials(clock) for _ in range(5)))
        assert {each.authorization for each in given} == {f"Bearer {new}"}
        clock.jump(0.5)
        assert (await who.credentials(clock)).authorization == f"Bearer {newer}"
    assert shown == ["refresh-0", "refresh-1"]


async def test_a_token_the_cluster_refused_is_renewed(tmp_path: Path, clock: FakeClock) -> None:
    new = id_token(clock, 1200)
    async with provider([new]) as (url, _):
        config = {"id-token": id_token(clock, 600), "refresh-token": "refresh-0"}
        who = identity(tmp_path, url, **config)
        assert (await who.credentials(clock, anew=True)).authorization == f"Bearer {new}"


async def test_a_login_that_is_over_names_the_provider(tmp_path: Path, clock: FakeClock) -> None:
    async with provider([]) as (url, _):
        config = {"id-token": id_token(clock, 0), "refresh-token": "refresh-0"}
        with pytest.raises(Unauthenticated, match="gives no new token") as caught:
            await identity(tmp_path, url, **config).credentials(clock)
        assert caught.value.subject == url
    without = identity(tmp_path, "http://127.0.0.1:1", **{"id-token": id_token(clock, 0)})
    with pytest.raises(Unauthenticated, match="there is no refresh token"):
        await without.credentials(clock)

"""Who may do what, on every route: generated from the OpenAPI document and the routes."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute

from skerry.api.access import OPEN, Reach, check_guarded, needs_of, routes_of
from skerry.api.app import create_app
from skerry.model.access import Role
from skerry.operations.platform import Platform
from tests.api.client import api
from tests.builders import service
from tests.operations.world import fleet_of, parts

ROLES = list(Role)
SOURCES = {
    "name": "shop",
    "texts": [{"path": "a.yaml", "text": "service: web\nimage: web:1\n"}],
}
BODIES: dict[str, Any] = {
    "plan": {"sources": SOURCES},
    "apply": {"sources": SOURCES},
    "deploy": {"image": "web:2"},
    "put": {"value": "v"},
    "make": {"name": "ci"},
    "roll_out": {"sources": SOURCES, "stack": "x1", "version": "2"},
    "resume": {"sources": SOURCES},
}


@cache
def _app() -> FastAPI:
    from skerry.clock import SystemClock
    from skerry.engines.memory.engine import MemoryEngine
    from skerry.model.cell import LOCAL
    from tests.fakes.store import MemoryStore

    platform: Platform = parts(MemoryEngine(LOCAL, SystemClock()), MemoryStore())
    return create_app(fleet_of(platform))


def _operations() -> Iterator[tuple[str, str]]:
    """Every method and path of the document."""
    for path, methods in _app().openapi()["paths"].items():
        for method in methods:
            if path not in OPEN:
                yield method.upper(), path


def _url(path: str, namespace: str = "default") -> str:
    filled = path.replace("{namespace}", namespace).replace("{name}", "web")
    url = re.sub(r"\{[a-z_]+\}", "x1", filled)
    return f"{url}?image=localhost/skerry/x:1" if "images" in url or "builds" in url else url


def _route(method: str, path: str) -> APIRoute:
    found = [
        each
        for each in routes_of(_app())
        if isinstance(each, APIRoute) and each.path == path and method in each.methods
    ]
    assert len(found) == 1
    return found[0]


OPERATIONS = sorted(_operations())


def test_the_document_is_complete() -> None:
    routed = {
        (method, each.path)
        for each in routes_of(_app())
        if isinstance(each, APIRoute) and each.path not in OPEN
        for method in each.methods
    }
    assert routed == set(OPERATIONS)
    assert len(OPERATIONS) > 25


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_without_a_token_nobody_gets_in(method: str, path: str) -> None:
    async with api() as here:
        for token in (None, "nonsense", "skr_" + "a" * 43):
            answer = await here.call(method, _url(path), {"any": "thing"}, token=token)
            assert answer.status == 401, token
            assert answer.json["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_a_role_that_does_not_reach_is_refused(method: str, path: str) -> None:
    route = _route(method, path)
    (needs,) = needs_of(route)
    async with api() as here:
        for role in ROLES[: ROLES.index(needs.role)]:
            body = BODIES.get(route.name, {}) if method in ("POST", "PUT") else None
            answer = await here.call(method, _url(path), body, token=role.value)
            assert answer.status == 403, role
            entries = await here.store.audited()
            assert len(entries) == (1 if needs.mutates else 0)
            assert all(not each.allowed and each.by == role.value for each in entries)
            here.store._audit.clear()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_a_scope_that_does_not_reach_is_refused(method: str, path: str) -> None:
    route = _route(method, path)
    (needs,) = needs_of(route)
    if needs.reach is Reach.PATH and "{namespace}" not in path and method == "GET":
        return  # lists are filtered: see below
    token = "island"  # an admin, of `payments` alone
    async with api() as here:
        body = BODIES.get(route.name, {}) if method in ("POST", "PUT") else None
        answer = await here.call(method, _url(path), body, token=token)
        if needs.reach is Reach.BODY or route.name == "plan":
            assert answer.status == 403
            named = "stack x1" if "rollouts" in path else "default"
            assert named in answer.json["error"]["cause"]
        else:
            assert answer.status == 403
            assert answer.json["error"]["code"] == "forbidden"


@pytest.mark.parametrize("path", ["exec", "run", "forward"])
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("viewer", 403), ("payer", 403)])
async def test_sockets_are_guarded_as_routes_are(path: str, token: str | None, status: int) -> None:
    async with api() as here:
        url = f"/v1/services/default/web/{path}?command=ls"
        (start, *_) = await here.socket(url, token=token)
        assert start["type"] == "websocket.http.response.start"
        assert start["status"] == status


def test_a_route_that_does_not_declare_a_role_cannot_be() -> None:
    app = _app.__wrapped__()

    @app.get("/v1/forgotten")
    async def forgotten() -> None:
        """Whoever wrote this forgot."""

    with pytest.raises(AssertionError, match="/v1/forgotten"):
        check_guarded(app)


def test_every_route_declares_its_role_once() -> None:
    routes = list(routes_of(_app()))
    assert len(routes) > 30
    assert sum(isinstance(each, APIWebSocketRoute) for each in routes) == 3
    assert all(len(needs_of(each)) == 1 for each in routes if each.path not in OPEN)


def test_something_that_answers_and_is_no_route_cannot_be() -> None:
    app = _app.__wrapped__()
    app.mount("/files", app=FastAPI())
    with pytest.raises(AssertionError, match="/files"):
        check_guarded(app)


async def test_only_what_the_token_sees_is_listed() -> None:
    async with api() as here:
        pay = service("pay").team("payments").volume("data", "/d")
        await here.world.apply(service("web").volume("data", "/d"), pay)
        for url, key in (("/v1/status", "services"), ("/v1/volumes", "volumes")):
            everything = (await here.call("GET", url)).json[key]
            mine = (await here.call("GET", url, token="peeker")).json[key]
            assert (len(everything), len(mine)) == (2, 1), url
        assert (await here.call("GET", "/v1/operations", token="peeker")).json == {"operations": []}
        (operation,) = (await here.call("GET", "/v1/operations")).json["operations"]
        for path in ("", "/events"):
            url = f"/v1/operations/{operation['id']}{path}"
            assert (await here.call("GET", url, token="peeker")).status == 403
        answer = await here.call("GET", "/v1/status?namespace=default", token="peeker")
        assert answer.status == 403


async def test_the_document_and_unknown_paths_need_a_token_too() -> None:
    async with api() as here:
        for url in ("/openapi.json", "/docs", "/redoc", "/", "/v1/nothing"):
            assert (await here.call("GET", url, token=None)).status == 401
        assert (await here.call("GET", "/openapi.json", token="viewer")).status == 200
        assert (await here.call("GET", "/docs")).status == 404
        assert (await here.call("GET", "/healthz", token=None)).json["ok"] is True

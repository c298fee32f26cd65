"""What a route asks of a token, declared once on the route.

    @router.post("/v1/services/{namespace}/{name}/restart")
    async def restart(asker: Annotated[Asker, Depends(Needs(Role.DEPLOYER))], ...): ...

A namespace in the path must be within the token's scope. Every mutation is audited once,
allowed or refused: at once where role and path decide, by `asker.permit` where the body does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute

from skerry.errors import Forbidden
from skerry.model.access import Identity, Role
from skerry.operations import scopes
from skerry.operations.auditing import note
from skerry.operations.fleet import Fleet

OPEN: Final = frozenset({"/healthz", "/v1/webhook"})


class Reach(Enum):
    """What decides whether the token's scope suffices."""

    PATH = "path"  # the namespace in the path, where there is one
    CELL = "cell"  # concerns the whole cell: only tokens for all namespaces
    BODY = "body"  # the handler decides, by what was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and for what."""

    fleet: Fleet
    identity: Identity
    action: str
    subject: str

    async def permit(self, subject: str, detail: str = "") -> None:
        """Audit a mutation that is allowed. Raises Unavailable: unaudited is undone."""
        await self._note(subject, allowed=True, detail=detail)

    async def refuse(self, error: Forbidden, subject: str = "") -> None:
        """Audit a mutation that is not; the caller raises the error."""
        await self._note(subject or self.subject, allowed=False, detail=error.cause)

    async def _note(self, subject: str, *, allowed: bool, detail: str) -> None:
        await note(
            self.fleet,
            by=self.identity.name,
            action=self.action,
            subject=subject,
            allowed=allowed,
            detail=detail,
        )


class Needs:
    """The one dependency every route declares."""

    def __init__(self, role: Role, *, reach: Reach = Reach.PATH, mutates: bool = False) -> None:
        self.role = role
        self.reach = reach
        self.mutates = mutates

    async def __call__(self, connection: HTTPConnection) -> Asker:
        """The asker, when role and scope suffice. Raises Forbidden."""
        asker = Asker(
            fleet=connection.app.state.fleet,
            identity=connection.state.identity,
            action=_action(connection),
            subject=connection.url.path,
        )
        try:
            self._check(asker.identity, connection)
        except Forbidden as error:
            if self.mutates:
                await asker.refuse(error)
            raise
        if self.mutates and self.reach is not Reach.BODY:
            await asker.permit(asker.subject)
        return asker

    def _check(self, identity: Identity, connection: HTTPConnection) -> None:
        if not identity.role.reaches(self.role):
            raise Forbidden(
                f"is for the role {identity.role}, and this needs {self.role}",
                subject=f"token/{identity.name}",
                hint=f"an admin makes another: skerry token create NAME --role {self.role}",
            )
        if self.reach is Reach.CELL:
            scopes.require_all(identity)
        if (namespace := connection.path_params.get("namespace")) is not None:
            scopes.require(identity, [namespace])


def routes_of(app: FastAPI) -> Iterator[APIRoute | APIWebSocketRoute]:
    """Every route of the API, those of included routers too. Raises AssertionError for
    anything that answers requests and is none: it would be checked by nobody."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop(0)
        router = getattr(route, "original_router", None)
        if isinstance(route, APIRoute | APIWebSocketRoute):
            yield route
        elif isinstance(router, APIRouter):
            waiting.extend(router.routes)
        else:
            path = getattr(route, "path", repr(route))
            assert path == app.openapi_url, f"{path} is no route of the API"


def needs_of(route: APIRoute | APIWebSocketRoute) -> tuple[Needs, ...]:
    """What a route declares."""
    return tuple(_needs(route.dependant))


def check_guarded(app: FastAPI) -> None:
    """Raises AssertionError for a route that does not say, exactly once, what it needs."""
    for route in routes_of(app):
        if route.path not in OPEN:
            assert len(needs_of(route)) == 1, f"{route.path} does not declare the role it needs"


def _needs(dependant: Dependant) -> list[Needs]:
    found = [dependant.call] if isinstance(dependant.call, Needs) else []
    for each in dependant.dependencies:
        found.extend(_needs(each))
    return found


def _action(connection: HTTPConnection) -> str:
    route = connection.scope.get("route")
    return str(getattr(route, "name", "") or connection.scope.get("method", "connect"))

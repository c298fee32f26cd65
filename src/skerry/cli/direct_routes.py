"""Paths of the API -> operations, in this process. What only a server can do is refused, with
the reason."""

import getpass
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from skerry.cli.direct_stacks import STACK_ROUTES, sources_of
from skerry.cli.events import Event
from skerry.cli.version import here
from skerry.errors import Refused, SkerryError
from skerry.model.access import Identity, Role
from skerry.model.keys import ServiceKey
from skerry.model.process import LogQuery
from skerry.model.progress import Progress
from skerry.model.secret import SecretKey, SecretValue
from skerry.operations import answers, everywhere, listing
from skerry.operations.deploy import Request
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.report.views import (
    error_body,
    log_line_view,
    operation_view,
    progress_view,
    service_view,
)

Query = Mapping[str, list[str]]


class Asked(NamedTuple):
    """One request: of which fleet, what the path's pattern found, the query, the body."""

    fleet: Fleet
    parts: tuple[str, ...]
    query: Query
    body: Any

    @property
    def service(self) -> ServiceKey:
        """The service of the path."""
        return ServiceKey(self.parts[0], self.parts[1])

    @property
    def by(self) -> Identity:
        """Who asks."""
        return identity()

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells named."""
        return tuple(self.query.get("cell", ()))

    def one(self, name: str) -> str | None:
        """A value of the query."""
        return next(iter(self.query.get(name, ())), None)

    def on(self, name: str) -> bool:
        """Whether a value of the query says yes."""
        return self.one(name) == "true"


Route = Callable[[Asked], Awaitable[Any]]


async def answer(fleet: Fleet, method: str, path: str, *, query: Query, body: Any) -> Any:
    """What the API would answer. Raises SkerryError."""
    for on, pattern, does in ROUTES:
        found = re.fullmatch(pattern, path)
        if on == method and found is not None:
            parts = tuple(unquote(each) for each in found.groups())
            return await does(Asked(fleet, parts, query, body))
    raise Refused(
        "is for a server, and none runs",
        subject=path,
        hint="skerry server, or set SKERRY_SERVER and SKERRY_TOKEN",
    )


async def events(
    fleet: Fleet, path: str, query: Query, *, after: str
) -> AsyncGenerator[Event, None]:
    """What the API would stream. Raises SkerryError."""
    if found := re.fullmatch(r"/v1/operations/([^/]+)/events", path):
        id = unquote(found[1])
        await listing.operation(fleet, id, by=identity())
        return _told(fleet, id, after=int(after or 0))
    if found := re.fullmatch(rf"{SERVICE}/logs", path):
        asked = Asked(fleet, tuple(unquote(each) for each in found.groups()), query, None)
        return await _logs(asked)
    raise Refused(
        "is for a server, and none runs: images are built where a container engine is",
        subject=path,
        hint="use `image:` instead of `build:`, or skerry server",
    )


def identity() -> Identity:
    """Whoever runs the command; what they may do, the cells decide."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "nobody"
    return Identity(name=name, role=Role.ADMIN)


async def _plan(asked: Asked) -> Any:
    planned = await everywhere.plan(
        asked.fleet, _request(asked.body), cells=asked.body.get("cells", ())
    )
    return answers.plans_view(planned, objects=bool(asked.body.get("objects")))


async def _apply(asked: Asked) -> Any:
    body = asked.body
    begun = await everywhere.apply(
        asked.fleet, _request(body), cells=body.get("cells", ()), expected=body.get("plan")
    )
    return answers.applied_view(begun)


async def _down(asked: Asked) -> Any:
    begun = await everywhere.down(
        asked.fleet,
        repository=asked.body.get("repository"),
        volumes=asked.body.get("volumes", False),
        cells=asked.body.get("cells", ()),
        by=identity(),
    )
    return answers.started_view(begun)


async def _status(asked: Asked) -> Any:
    found = await everywhere.status(
        asked.fleet,
        cells=asked.cells,
        namespace=asked.one("namespace"),
        name=asked.one("name"),
        by=identity(),
    )
    return answers.status_view(found, replicas=asked.on("replicas"))


async def _service(asked: Asked) -> Any:
    from skerry.operations.status import one_status

    platform = await everywhere.home(asked.fleet, asked.service, cells=asked.cells)
    state = await one_status(platform, asked.service, by=identity())
    return service_view(state, cell=platform.name, replicas=True)


async def _history(asked: Asked) -> Any:
    found = await everywhere.history(asked.fleet, asked.service, cells=asked.cells)
    return answers.history_view(str(asked.service), found)


async def _volumes(asked: Asked) -> Any:
    found = await everywhere.volumes(asked.fleet, cells=asked.cells, by=identity())
    return answers.volumes_view(found)


async def _cells(asked: Asked) -> Any:
    return answers.cells_view(await everywhere.reports(asked.fleet, cells=asked.cells))


async def _verify(asked: Asked) -> Any:
    from skerry.operations.verify import verify

    return answers.findings_view(await verify(asked.fleet, cells=asked.cells))


async def _forget(asked: Asked) -> None:
    await asked.fleet.forget(asked.parts[0])


async def _info(asked: Asked) -> Any:
    return {"version": here(), "cells": [each.name for each in asked.fleet.platforms()]}


async def _operations(asked: Asked) -> Any:
    return {"operations": []}  # those of this command alone would be known


async def _operation(asked: Asked) -> Any:
    return operation_view(await listing.operation(asked.fleet, asked.parts[0], by=identity()))


async def _change(asked: Asked) -> Any:
    verb, service, body, by = asked.parts[2], asked.service, asked.body or {}, identity()
    cells = asked.cells

    async def act(platform: Platform) -> Any:
        if verb == "deploy":
            from skerry.operations.image import deploy_image

            return await deploy_image(platform, service, body["image"], by=by)
        if verb == "rollback":
            from skerry.operations.rollback import rollback

            return await rollback(platform, service, to=body.get("to"), by=by)
        if verb == "unhold":
            from skerry.operations.unhold import unhold

            return await unhold(platform, service, by=by)
        if verb == "restart":
            from skerry.operations.restart import restart

            return await restart(platform, service, by=by)
        from skerry.operations.scale import scale

        return await scale(platform, service, replicas=body.get("replicas"), by=by)

    if body.get("for_seconds"):
        raise Refused(
            "no server would take it back when the time is over",
            subject="--for",
            hint="leave it out, and later: skerry scale NAME auto",
        )
    if verb == "rollback" and body.get("to") is not None:
        cells = ((await everywhere.home(asked.fleet, service, cells=cells)).name,)
    return answers.started_view(await everywhere.change(asked.fleet, service, act, cells=cells))


async def _delete(asked: Asked) -> Any:
    from skerry.operations.delete import delete

    async def act(platform: Platform) -> Any:
        volumes = asked.on("volumes")
        return await delete(platform, asked.service, volumes=volumes, by=identity())

    begun = await everywhere.change(asked.fleet, asked.service, act, cells=asked.cells)
    return answers.started_view(begun)


async def _secrets(asked: Asked) -> Any:
    return {"secrets": list(await asked.fleet.secrets.names())}


async def _put_secret(asked: Asked) -> None:
    name = str(SecretKey(asked.parts[0], asked.parts[1]))
    await asked.fleet.secrets.put(name, SecretValue(asked.body["value"]))


async def _drop_secret(asked: Asked) -> None:
    await asked.fleet.secrets.drop(str(SecretKey(asked.parts[0], asked.parts[1])))


async def _image(asked: Asked) -> Any:
    raise Refused(
        "images are built on a machine with a container engine, and only clusters are meant",
        subject=f"image/{asked.one('image')}",
        hint="build and push it, and write `image:` instead of `build:`",
    )


SERVICE: Final = r"/v1/services/([^/]+)/([^/]+)"
ROUTES: Final[tuple[tuple[str, str, Route], ...]] = (
    ("POST", r"/v1/plan", _plan),
    ("POST", r"/v1/apply", _apply),
    ("POST", r"/v1/down", _down),
    ("GET", r"/v1/status", _status),
    ("GET", SERVICE, _service),
    ("GET", rf"{SERVICE}/history", _history),
    ("POST", rf"{SERVICE}/(deploy|rollback|unhold|restart|scale)", _change),
    ("DELETE", SERVICE, _delete),
    ("GET", r"/v1/volumes", _volumes),
    ("GET", r"/v1/cells", _cells),
    ("GET", r"/v1/verify", _verify),
    ("DELETE", r"/v1/cells/([^/]+)", _forget),
    ("GET", r"/v1/info", _info),
    ("GET", r"/v1/operations", _operations),
    ("GET", r"/v1/operations/([^/]+)", _operation),
    ("GET", r"/v1/secrets", _secrets),
    ("PUT", r"/v1/secrets/([^/]+)/([^/]+)", _put_secret),
    ("DELETE", r"/v1/secrets/([^/]+)/([^/]+)", _drop_secret),
    ("GET", r"/v1/images", _image),
    *STACK_ROUTES,
)


def _request(body: Mapping[str, Any]) -> Request:
    return Request(
        sources=sources_of(body),
        by=identity(),
        only=tuple(body.get("only", ())),
        whole=bool(body.get("objects")),
        take_over=bool(body.get("take_over")),
        wait=bool(body.get("wait", True)),
    )


async def _told(fleet: Fleet, id: str, *, after: int) -> AsyncGenerator[Event, None]:
    last: Progress | None = None
    async for each in fleet.running.follow(id, after=after):
        if isinstance(each, Progress):
            last = each
            yield Event("progress", progress_view(each), str(each.number))
        elif each is not None:
            why = listing.failure(each, last)
            failure = None if why is None else error_body(why)
            yield Event("end", {"operation": operation_view(each), "failure": failure})


async def _logs(asked: Asked) -> AsyncGenerator[Event, None]:
    from skerry.operations.sayings import logs_everywhere

    since, tail = asked.one("since"), asked.one("tail")
    query = LogQuery(
        follow=asked.on("follow"),
        tail=None if tail is None else int(tail),
        since=None if since is None else datetime.fromisoformat(since).astimezone(),
        replica=asked.one("replica"),
    )
    said = await logs_everywhere(asked.fleet, asked.service, query, cells=asked.cells)

    async def lines() -> AsyncGenerator[Event, None]:
        try:
            async for each in said:
                if each.line is not None:
                    yield Event("line", log_line_view(each.line, cell=each.cell))
                elif each.error is not None:
                    yield Event("failed", answers.failure_view(each.cell, each.error))
        except SkerryError as error:
            yield Event("error", {"error": error_body(error)})

    return lines()

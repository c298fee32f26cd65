"""The app: routes, guard and errors put together."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, FastAPI

from skerry.api import failures
from skerry.api.access import check_guarded
from skerry.api.forwarding import Forward
from skerry.api.guard import Guard
from skerry.api.release import VERSION
from skerry.api.routes import (
    cells,
    changes,
    documents,
    images,
    operations,
    reconcile,
    rollouts,
    secrets,
    server,
    services,
    sockets,
    tokens,
    webhook,
)
from skerry.clock import SystemClock
from skerry.controllers.leading import Alone
from skerry.controllers.standing import Standing
from skerry.operations.fleet import Fleet

ROUTERS: Final[tuple[APIRouter, ...]] = (
    server.router,
    documents.router,
    cells.router,
    services.router,
    changes.router,
    rollouts.router,
    operations.router,
    images.router,
    secrets.router,
    tokens.router,
    sockets.router,
    reconcile.router,
    webhook.router,
)


def create_app(
    fleet: Fleet, *, standing: Standing | None = None, stop: Callable[[], None] | None = None
) -> FastAPI:
    """The API over a fleet. `stop` ends the server it runs in; without a standing it is the
    only one, and follows no repository.

    Raises AssertionError when a route does not declare the role it needs.
    """
    stands = standing or Standing(leadership=Alone(SystemClock(), name="server"))
    app = FastAPI(
        title="Skerry",
        version=VERSION,
        description="Every path but /healthz and /v1/webhook needs `Authorization: Bearer TOKEN`.",
        docs_url=None,
        redoc_url=None,
        responses=failures.RESPONSES,
        separate_input_output_schemas=False,
    )
    app.state.fleet = fleet
    app.state.standing = stands
    app.state.stop = stop or (lambda: None)
    for router in ROUTERS:
        app.include_router(router)
    failures.install(app)
    app.add_middleware(Forward, standing=stands)
    app.add_middleware(Guard, fleet=fleet)
    check_guarded(app)
    return app

"""The app: routes, guard and errors put together."""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, FastAPI

from skerry.api import failures
from skerry.api.access import check_guarded
from skerry.api.guard import Guard
from skerry.api.release import VERSION
from skerry.api.routes import (
    cells,
    changes,
    documents,
    images,
    operations,
    secrets,
    server,
    services,
    sockets,
    tokens,
)
from skerry.operations.fleet import Fleet

ROUTERS: Final[tuple[APIRouter, ...]] = (
    server.router,
    documents.router,
    cells.router,
    services.router,
    changes.router,
    operations.router,
    images.router,
    secrets.router,
    tokens.router,
    sockets.router,
)


def create_app(fleet: Fleet, *, stop: Callable[[], None] | None = None) -> FastAPI:
    """The API over a fleet. `stop` ends the server it runs in.

    Raises AssertionError when a route does not declare the role it needs.
    """
    app = FastAPI(
        title="Skerry",
        version=VERSION,
        description="Every path but /healthz needs `Authorization: Bearer TOKEN`.",
        docs_url=None,
        redoc_url=None,
        responses=failures.RESPONSES,
        separate_input_output_schemas=False,
    )
    app.state.fleet = fleet
    app.state.stop = stop or (lambda: None)
    for router in ROUTERS:
        app.include_router(router)
    failures.install(app)
    app.add_middleware(Guard, fleet=fleet)
    check_guarded(app)
    return app

"""Errors -> answers: always an ErrorView, never an internal."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from skerry.errors import (
    OWN_FAULT,
    Conflict,
    DeployFailed,
    EngineUnavailable,
    Forbidden,
    GatewayUnavailable,
    InvalidDocuments,
    NotFound,
    Refused,
    SkerryError,
    Unauthenticated,
    Unavailable,
)
from skerry.report.shapes import ErrorView
from skerry.report.views import error_body

log = logging.getLogger(__name__)


class TooLarge(SkerryError):
    """A request's body is over its limit."""

    code = "too_large"


_STATUS: Final[tuple[tuple[type[SkerryError], int], ...]] = (
    (TooLarge, 413),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (InvalidDocuments, 422),
    (Refused, 400),
    (DeployFailed, 422),
    (EngineUnavailable, 502),
    (GatewayUnavailable, 502),
    (Unavailable, 503),
)
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorView, "description": said}
    for status, said in (
        (400, "Not possible as asked"),
        (401, "No token, or one that is not known"),
        (403, "The token's role or scope does not reach that far"),
        (404, "The subject does not exist"),
        (409, "Somebody else is at it, or the world has moved"),
        (413, "The request is too large"),
        (422, "The request or its documents are wrong"),
        (500, "Skerry itself is at fault"),
        (502, "The container engine or the gateway does not answer"),
        (503, "Something the server needs does not answer"),
    )
}

# A route that streams events documents its errors as JSON by itself.
STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorView"}}}
    }
    for status in RESPONSES
}


def status_of(error: SkerryError) -> int:
    """The HTTP status that says the same."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)


def install(app: FastAPI) -> None:
    """Make every error of the app an ErrorView."""
    app.add_exception_handler(SkerryError, _on_skerry_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


async def _on_skerry_error(request: HTTPConnection, error: Exception) -> JSONResponse:
    assert isinstance(error, SkerryError)
    status = status_of(error)
    if status >= 500:
        log.warning("%s: %s", request.url.path, error)
    return JSONResponse({"error": error_body(error)}, status_code=status)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    """What was sent does not fit; its values are not repeated, for one may be a secret."""
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{_path(each['loc'])}: {each['msg']}" for each in error.errors()[:20])
    return _answer(request, 422, _body("invalid", said))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, SkerryError):  # raised while the body was read
        return await _on_skerry_error(request, error.__cause__)
    code = {404: "not_found", 405: "refused"}.get(error.status_code, "error")
    said = {404: "there is no such path", 405: f"does not take {request.method}"}
    body = _body(code, said.get(error.status_code, str(error.detail)))
    return _answer(request, error.status_code, body, headers=error.headers)


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, {**_body("error", OWN_FAULT), "hint": "skerry doctor"})


def _path(location: tuple[int | str, ...]) -> str:
    return "/".join(str(part) for part in location)


def _body(code: str, cause: str) -> dict[str, str]:
    return {"code": code, "cause": cause, "hint": "see /openapi.json"}


def _answer(
    request: Request,
    status: int,
    body: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    content = {"error": {**body, "subject": request.url.path}}
    return JSONResponse(content, status_code=status, headers=dict(headers or {}))

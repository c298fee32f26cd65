"""The server's error bodies -> the exceptions they were there, and back for printing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from skerry import errors

if TYPE_CHECKING:
    from skerry.report.shapes import ErrorBody

_KINDS: Final[dict[str, type[errors.SkerryError]]] = {
    kind.code: kind
    for kind in (
        errors.SkerryError,
        errors.Refused,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.NotFound,
        errors.Conflict,
        errors.Unavailable,
        errors.EngineUnavailable,
        errors.GatewayUnavailable,
        errors.ServerUnavailable,
    )
}
_HINTS: Final[dict[str, str]] = {
    "invalid": "skerry schema (the form of documents)",
    "refused": "skerry status",
    "unauthenticated": "skerry token create NAME, then export SKERRY_TOKEN=...",
    "forbidden": "skerry token list (roles and namespaces)",
    "not_found": "skerry status",
    "conflict": "skerry operations",
    "deploy_failed": "skerry status",
    "unavailable": "skerry doctor",
    "engine_unavailable": "skerry doctor",
    "gateway_unavailable": "skerry doctor",
    "server_unavailable": "skerry doctor",
}


def as_error(body: Mapping[str, Any]) -> errors.SkerryError:
    """An ErrorBody as the exception that made it; an unknown code is a plain SkerryError."""
    code = str(body.get("code", ""))
    if code == errors.InvalidDocuments.code and body.get("problems"):
        return errors.InvalidDocuments([errors.Problem(**each) for each in body["problems"]])
    said = {
        "cause": str(body.get("cause") or "the server did not say why"),
        "subject": str(body.get("subject", "")),
        "hint": str(body.get("hint", "")),
    }
    if code == errors.DeployFailed.code:
        return errors.DeployFailed(**said, last_lines=body.get("last_lines") or ())
    return _KINDS.get(code, errors.SkerryError)(**said)


def as_body(error: errors.SkerryError) -> "ErrorBody":
    """An exception as the view that is printed; never without a command that helps."""
    body: ErrorBody = {
        "code": error.code,
        "subject": error.subject,
        "cause": error.cause,
        "hint": error.hint or _HINTS.get(error.code, "skerry doctor"),
    }
    if isinstance(error, errors.InvalidDocuments):
        body["hint"] = _HINTS["invalid"]
        body["problems"] = [
            {
                "file": each.file,
                "line": each.line,
                "path": each.path,
                "message": each.message,
                "hint": each.hint,
            }
            for each in error.problems
        ]
    if isinstance(error, errors.DeployFailed):
        body["last_lines"] = list(error.last_lines)
    return body

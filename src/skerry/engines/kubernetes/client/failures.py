"""Answers that say no, made errors: with the server's reason, and a command that helps.

Every error made here has an `ApiError` as its `__cause__`, for those who need the status.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from skerry.errors import (
    Conflict,
    EngineUnavailable,
    Forbidden,
    NotFound,
    Refused,
    SkerryError,
)

_ETCD_FULL: Final = "database space exceeded"
# Said with a 500, and no fault of the server.
_NO_SUCH_FIELD: Final = "failed to create typed patch object"
_WEBHOOK: Final = "failed calling webhook"
_UNKNOWN_KIND: Final = ("could not find the requested resource", "404 page not found")
_OWNER: Final = re.compile(r'conflicts? with "(?P<manager>[^"]+)"')
_RBAC: Final = re.compile(r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"')


class ApiError(SkerryError):
    """An answer that is not what was asked for."""

    code = "engine_error"

    def __init__(self, status: int, said: Mapping[str, Any], *, subject: str = "") -> None:
        self.status = status
        self.unsure = False  # whether an earlier try of the same request may have been carried out
        self.reason = str(said.get("reason") or "")
        self.message = str(said.get("message") or f"the API server answered {status}")
        self.details: Mapping[str, Any] = said.get("details") or {}
        self.metadata: Mapping[str, Any] = said.get("metadata") or {}
        super().__init__(self.message, subject=subject)

    @property
    def lasting(self) -> bool:
        """Whether the same request will get the same answer, though the status says otherwise."""
        return _ETCD_FULL in self.message or _NO_SUCH_FIELD in self.message

    @property
    def causes(self) -> tuple[Mapping[str, Any], ...]:
        """The server's list of single faults."""
        return tuple(self.details.get("causes") or ())


def api_error(status: int, body: bytes, *, subject: str = "") -> ApiError:
    """An answer's body: a Status object, or whatever a proxy in between wrote."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        text = body[:300].decode(errors="replace").strip()
        said = {"message": f"the API server answered {status}" + (f": {text}" if text else "")}
    return ApiError(status, said, subject=subject)


def may_be_own(error: SkerryError) -> bool:
    """Whether what is in the way may be what an earlier try of the same request made."""
    return isinstance(error.__cause__, ApiError) and error.__cause__.unsure


def understood(error: ApiError) -> SkerryError:
    """The error to raise from this one, or the same one where nothing more can be said."""
    if _ETCD_FULL in error.message:
        return EngineUnavailable(
            "its database (etcd) is full and takes no writes; nothing was changed",
            subject=error.subject,
            hint="etcdctl alarm list; then compact, defragment and etcdctl alarm disarm",
        )
    if _NO_SUCH_FIELD in error.message:
        return _bad_request(error)
    if _WEBHOOK in error.message:
        return EngineUnavailable(
            f"a webhook that the cluster asks does not answer: {error.message}",
            subject=error.subject,
            hint="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        )
    by_status = _BY_STATUS.get(error.status)
    return by_status(error) if by_status else error


def _forbidden(error: ApiError) -> SkerryError:
    rbac = _RBAC.search(error.message)
    if rbac:
        where = re.search(r'in the namespace "([^"]+)"', error.message)
        place = f" --namespace {where[1]}" if where else ""
        hint = f"kubectl auth can-i {rbac['verb']} {rbac['resource']}{place}"
        return Forbidden(error.message, subject=error.subject, hint=hint)
    if any(cause.get("reason") == "NamespaceTerminating" for cause in error.causes):
        return Conflict(
            "its namespace is being deleted and takes nothing new; wait until it is gone",
            subject=error.subject,
            hint=f"kubectl get namespace {error.details.get('name', '')} -o yaml".replace(
                "  ", " "
            ),
        )
    return denied(error)


def denied(error: ApiError) -> Refused:
    """A webhook, a quota, a policy or Pod Security said no: in its own words."""
    return Refused(f"the cluster does not admit it: {error.message}", subject=error.subject)


def _not_found(error: ApiError) -> SkerryError:
    if not error.details.get("name") and any(said in error.message for said in _UNKNOWN_KIND):
        return NotFound(
            "this cluster does not know such objects",
            subject=error.subject,
            hint="kubectl api-resources",
        )
    return NotFound(error.message, subject=error.subject)


def _conflict(error: ApiError) -> SkerryError:
    taken = [cause for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not taken:
        return Conflict(error.message, subject=error.subject)
    return Conflict(
        "; ".join(_owned(cause) for cause in taken),
        subject=error.subject,
        hint="skerry apply --take-over",
    )


def _owned(cause: Mapping[str, Any]) -> str:
    owner = _OWNER.search(str(cause.get("message", "")))
    return f"{cause.get('field', '')} belongs to {owner['manager'] if owner else 'another manager'}"


def _invalid(error: ApiError) -> SkerryError:
    faults = [f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in error.causes]
    said = (
        "; ".join(fault.removeprefix("[]").removeprefix(": ") for fault in faults) or error.message
    )
    return Refused(f"the cluster finds it invalid: {said}", subject=error.subject)


def _bad_request(error: ApiError) -> SkerryError:
    if "denied the request" in error.message:
        return denied(error)
    return Refused(f"the cluster does not take it: {error.message}", subject=error.subject)


def _too_large(error: ApiError) -> SkerryError:
    return Refused(
        "it is larger than the cluster takes (about 1.5 MB an object)", subject=error.subject
    )


def _busy(error: ApiError) -> SkerryError:
    return EngineUnavailable(
        f"the API server is too busy to answer: {error.message}",
        subject=error.subject,
        hint="skerry cells",
    )


_BY_STATUS: Final = {
    400: _bad_request,
    403: _forbidden,
    404: _not_found,
    409: _conflict,
    413: _too_large,
    422: _invalid,
    429: _busy,
    503: _busy,
    504: _busy,
}

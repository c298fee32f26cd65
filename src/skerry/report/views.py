"""Models -> the dictionaries of `shapes`. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from skerry.errors import DeployFailed, InvalidDocuments, SkerryError
from skerry.model.access import AuditEntry, Token
from skerry.model.change import Change, Plan, Release
from skerry.model.objects import Manifest
from skerry.model.process import Check, LogLine
from skerry.model.progress import Operation, Progress
from skerry.model.world import ReplicaState, ServiceState, Snapshot
from skerry.report.shapes import (
    AuditView,
    ChangeView,
    CheckView,
    ErrorBody,
    LogLineView,
    OperationView,
    PlanView,
    ProgressView,
    ReleaseView,
    ReplicaView,
    ServiceView,
    TokenView,
)


def replica_view(replica: ReplicaState) -> ReplicaView:
    """One replica."""
    return {
        "name": replica.name,
        "ready": replica.ready,
        "reason": replica.reason,
        "address": replica.address,
        "release": replica.release,
        "restarts": replica.restarts,
        "since": _time(replica.since),
        "draining": replica.draining,
        "updated": replica.updated,
        "failed": replica.failed,
        "last_lines": list(replica.last_lines),
    }


def service_view(state: ServiceState, *, cell: str, replicas: bool = False) -> ServiceView:
    """One service of a cell, its replicas where they were asked for."""
    hold, override = state.hold, state.override
    view: ServiceView = {
        "cell": cell,
        "name": state.name,
        "namespace": state.namespace,
        "state": state.state.value,
        "reason": state.reason,
        "ready": state.ready,
        "desired": state.desired,
        "release": state.release,
        "image": state.image,
        "url": state.url,
        "since": _time(state.since),
        "hold": None,
        "override": None,
    }
    if hold is not None:
        view["hold"] = {"by": hold.by, "at": hold.at.isoformat(), "reason": hold.reason}
    if override is not None:
        view["override"] = {
            "replicas": override.replicas,
            "by": override.by,
            "at": override.at.isoformat(),
            "until": _time(override.until),
        }
    if replicas:
        view["replicas"] = [replica_view(each) for each in state.replicas]
    return view


def services_view(snapshot: Snapshot, *, replicas: bool = False) -> list[ServiceView]:
    """Every service of a cell, by namespace and name."""
    ordered = [snapshot.services[key] for key in sorted(snapshot.services)]
    return [service_view(each, cell=snapshot.cell, replicas=replicas) for each in ordered]


def change_view(change: Change) -> ChangeView:
    """One service's change."""
    return {
        "service": str(change.service),
        "action": change.action.value,
        "reason": change.reason,
        "layer": change.layer,
        "diff": list(change.diff),
        "warnings": list(change.warnings),
    }


def plan_view(plan: Plan, *, objects: Iterable[Manifest] | None = None) -> PlanView:
    """A plan, with all compiled objects where they are given."""
    view: PlanView = {
        "cell": plan.cell,
        "digest": plan.digest,
        "changes": [change_view(each) for each in plan.changes],
        "held": [{"service": str(each.service), "reason": each.reason} for each in plan.held],
        "unchanged": plan.unchanged,
    }
    if objects is not None:
        view["objects"] = [dict(each) for each in objects]
    return view


def release_view(release: Release, *, cell: str, current: bool) -> ReleaseView:
    """One release, without its objects."""
    return {
        "cell": cell,
        "number": release.number,
        "image": release.image,
        "by": release.by,
        "at": release.at.isoformat(),
        "reason": release.reason,
        "verdict": release.verdict.value,
        "verdict_reason": release.verdict_reason,
        "current": current,
    }


def releases_view(
    releases: Sequence[Release], *, cell: str, current: int | None
) -> list[ReleaseView]:
    """A service's releases; `current` is the number of the one that is wanted now."""
    return [release_view(each, cell=cell, current=each.number == current) for each in releases]


def operation_view(operation: Operation) -> OperationView:
    """An operation, without its request."""
    return {
        "id": operation.id,
        "cell": operation.cell,
        "kind": operation.kind,
        "by": operation.by,
        "at": operation.at.isoformat(),
        "subject": operation.subject,
        "state": operation.state.value,
        "error": operation.error,
        "hint": operation.hint,
        "ended": _time(operation.ended),
    }


def progress_view(progress: Progress) -> ProgressView:
    """One thing an operation said."""
    return {
        "number": progress.number,
        "at": progress.at.isoformat(),
        "stage": progress.stage.value,
        "message": progress.message,
        "service": progress.service,
        "since": _time(progress.since),
        "replicas": [replica_view(each) for each in progress.replicas],
        "last_lines": list(progress.last_lines),
    }


def log_line_view(line: LogLine, *, cell: str) -> LogLineView:
    """One line a container said."""
    return {
        "cell": cell,
        "at": line.at.isoformat(),
        "replica": line.replica,
        "stream": line.stream.value,
        "text": line.text,
    }


def token_view(token: Token, *, secret: str | None = None) -> TokenView:
    """A token as listed; with its secret only when it was just made."""
    view: TokenView = {
        "id": token.id,
        "name": token.identity.name,
        "role": token.identity.role.value,
        "namespaces": sorted(token.identity.namespaces),
        "created": token.created.isoformat(),
        "expires": _time(token.expires),
    }
    if secret is not None:
        view["token"] = secret
    return view


def audit_view(entry: AuditEntry) -> AuditView:
    """One audited mutation."""
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "by": entry.by,
        "action": entry.action,
        "subject": entry.subject,
        "allowed": entry.allowed,
        "detail": entry.detail,
    }


def check_view(check: Check) -> CheckView:
    """One thing `doctor` looked at."""
    return {
        "name": check.name,
        "ok": check.ok,
        "message": check.message,
        "hint": check.hint,
        "stops": check.stops,
    }


def error_body(error: SkerryError) -> ErrorBody:
    """An error with all it carries: every problem, the container's last lines."""
    body: ErrorBody = {
        "code": error.code,
        "subject": error.subject,
        "cause": error.cause,
        "hint": error.hint,
    }
    if isinstance(error, InvalidDocuments):
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
    if isinstance(error, DeployFailed):
        body["last_lines"] = list(error.last_lines)
    return body


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

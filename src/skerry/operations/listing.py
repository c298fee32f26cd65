"""Operations to look at: those whose every service the token sees."""

from typing import Final

from skerry.errors import DeployFailed, Forbidden
from skerry.model.access import Identity
from skerry.model.progress import Operation, OperationState, Progress, Stage
from skerry.operations import scopes
from skerry.operations.fleet import Fleet

_LOOKED_AT: Final = 500


async def operations(fleet: Fleet, *, limit: int, by: Identity) -> tuple[Operation, ...]:
    """Newest first, without their requests."""
    looked_at = _LOOKED_AT if by.namespaces else limit
    found = await fleet.ledger.operations(whole=False, limit=looked_at)
    return tuple(each for each in found if _seen(each, by))[:limit]


async def operation(fleet: Fleet, id: str, *, by: Identity) -> Operation:
    """One, without its request. Raises NotFound, Forbidden."""
    found = await fleet.ledger.operation(id, whole=False)
    if not _seen(found, by):
        scopes.require(by, found.namespaces)
        raise Forbidden("is somebody else's", subject=f"operation/{id}")
    return found


def failure(operation: Operation, last: Progress | None) -> DeployFailed | None:
    """Why it failed, with the last the container said, as far as it was kept."""
    if operation.state is not OperationState.FAILED:
        return None
    said = last.last_lines if last is not None and last.stage is Stage.FAILED else ()
    subject, cause = operation.subject, operation.error
    if cause.startswith("service/"):  # one of several: see `running`
        subject, _, cause = cause.partition(": ")
    return DeployFailed(cause, subject=subject, hint=operation.hint, last_lines=said)


def _seen(operation: Operation, by: Identity) -> bool:
    if not by.namespaces or operation.by == by.name:
        return True
    return bool(operation.namespaces) and all(map(by.sees, operation.namespaces))

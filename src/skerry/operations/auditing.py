"""Who asked for which change, allowed or refused."""

from skerry.model.access import AuditEntry
from skerry.operations.fleet import Fleet


async def note(
    fleet: Fleet, *, by: str, action: str, subject: str, allowed: bool, detail: str = ""
) -> None:
    """Append an entry, before the change is begun. Raises Unavailable: what cannot be audited
    is not done."""
    entry = AuditEntry(
        at=fleet.clock.now(),
        by=by,
        action=action,
        subject=subject,
        allowed=allowed,
        detail=detail[:500],
    )
    await fleet.ledger.audit(entry)

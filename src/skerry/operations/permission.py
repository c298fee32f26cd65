"""Asking whether a change may be made, once all else is checked: the front door audits it."""

from skerry.operations.deploy import Permit


async def permitted(permit: Permit | None, subject: str) -> None:
    """Raises what the front door answers."""
    if permit is not None:
        await permit(subject)

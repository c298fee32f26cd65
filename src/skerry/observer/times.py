"""Moments as Kubernetes writes them, and spans as people read them."""

from datetime import datetime

from skerry.model.units import show_seconds


def moment(written: object) -> datetime | None:
    """`"2026-11-21T11:00:00Z"` -> an aware datetime; None stays None."""
    if isinstance(written, datetime) or written is None:
        return written
    return datetime.fromisoformat(str(written))


def span(since: datetime | None, now: datetime) -> str:
    """How long it has been, in whole seconds: `12s`, `5m3s`. Empty when not known."""
    if since is None:
        return ""
    seconds = max(0, round((now - since).total_seconds()))
    return show_seconds(seconds)

"""Continuous mode from the settings: the repository followed, and its doorbell."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from skerry.controllers.standing import Standing
from skerry.model.secret import STORE, SecretValue
from skerry.ports import Leadership, Secrets
from skerry.settings import Local

if TYPE_CHECKING:
    from skerry.controllers.continuous import Continuous
    from skerry.integrations.store.folder import State
    from skerry.operations.fleet import Fleet
    from skerry.settings import Settings


def make_standing(
    settings: "Settings",
    state: "State",
    fleet: "Fleet",
    *,
    leadership: Leadership,
    secrets: Secrets,
) -> Standing:
    """What this server is to others, and to a repository. Nothing has begun yet."""
    return Standing(
        leadership=leadership,
        continuous=_continuous(settings, state, fleet) if settings.repository else None,
        whole=settings.local is Local.OFF,
        secret=_secret(settings.webhook_secret, secrets),
    )


def _continuous(settings: "Settings", state: "State", fleet: "Fleet") -> "Continuous":
    from skerry.controllers.continuous import Continuous
    from skerry.integrations.git.repository import open_repository

    git = open_repository(
        state.folder,
        url=settings.repository,
        branch=settings.branch,
        folder=settings.repository_path,
        environ=os.environ,
        token_file=settings.repository_token_file,
    )
    return Continuous(
        fleet, git, poll_seconds=settings.poll_seconds, look_seconds=settings.look_seconds
    )


def _secret(written: SecretValue | None, secrets: Secrets) -> Callable[[], Awaitable[str]] | None:
    if written is None:
        return None
    value = written

    async def secret() -> str:
        """Looked up each time, so that a changed one holds at once."""
        if value.reveal().startswith(STORE):
            return (await secrets.resolve(value.reveal())).reveal()
        return value.reveal()

    return secret

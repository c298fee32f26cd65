"""What an operation says while it runs: kept, and heard at once by whoever listens."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from skerry.errors import Unavailable
from skerry.model.keys import ServiceKey
from skerry.model.progress import Progress, Stage
from skerry.model.world import ReplicaState
from skerry.ports import Clock, Ledger

log = logging.getLogger(__name__)
_ACTS: Final = frozenset({Stage.BEFORE, Stage.APPLYING})


class Voice:
    """One operation's voice. `earlier` is what it said before its server died."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        operation: str,
        heard: Callable[[], None],
        earlier: Sequence[Progress] = (),
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._operation = operation
        self._heard = heard
        self.resumed = bool(earlier)
        self._said = {(each.stage, each.service, each.message) for each in earlier}

    async def say(
        self,
        stage: Stage,
        message: str,
        *,
        service: ServiceKey | None = None,
        since: datetime | None = None,
        replicas: Sequence[ReplicaState] = (),
        last_lines: Sequence[str] = (),
    ) -> None:
        """Carry on when it cannot be kept: an operation must not fail for want of a comment."""
        progress = Progress(
            at=self._clock.now(),
            stage=stage,
            message=message,
            service="" if service is None else str(service),
            since=since,
            replicas=tuple(replicas),
            last_lines=tuple(last_lines),
        )
        try:
            await self._ledger.say(self._operation, progress)
        except Unavailable as error:
            log.warning("operation %s: %s: not kept: %s", self._operation, message, error)
        if stage in _ACTS:
            self._said.add((stage, progress.service, message))
        self._heard()

    def has_said(self, stage: Stage, service: ServiceKey, message: str | None = None) -> bool:
        """Whether it began so before, also in an earlier server; with a message, exactly that.
        Of acts only: what is waited for is not remembered."""
        return any(
            said == stage and about == str(service) and message in (None, what)
            for said, about, what in self._said
        )

"""Several servers on one PostgreSQL: which of them acts.

A lease with a term, renewed by the leader on a connection of its own. A leader that could not
renew it stops by its own clock well before the database lets another have it: a margin that
covers what it takes to stop. One that was stopped (SIGSTOP, a paused virtual machine) and
wakes up later is behind the fence: its term is over, and the database refuses its writes.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from skerry.errors import SkerryError
from skerry.integrations.store import leader_row
from skerry.integrations.store.database import Database
from skerry.loops import Tasks
from skerry.model.leader import Leader
from skerry.ports import Clock

log = logging.getLogger(__name__)
TTL_SECONDS: Final = 6.0  # a dead leader is missed after this
RENEW_SECONDS: Final = 1.0
MARGIN_SECONDS: Final = 2.0  # a leader that cannot renew stops this long before its lease ends


class ElectedLeader:
    """The port Leadership over a PostgreSQL database that only this object uses."""

    def __init__(self, database: Database, clock: Clock, *, name: str, url: str = "") -> None:
        self._database = database
        self._clock = clock
        self._name = name
        self._url = url
        self._holder = secrets.token_hex(8)
        self._tasks = Tasks()
        self._bell = asyncio.Event()
        self._told = False
        self._term = 0
        self._until = float("-inf")
        self._leader: Leader | None = None

    @property
    def leads(self) -> bool:
        """By this machine's own clock: no answer of the database is waited for."""
        return self._clock.monotonic() < self._until

    @property
    def leader(self) -> Leader | None:
        """As last seen."""
        return self._leader

    async def open(self) -> None:
        """Stand for election, and go on doing so. Raises Unavailable."""
        await self._database.write(leader_row.prepare)
        await self._try()
        self._tell()
        self._tasks.spawn(self._keep(), name="leader election")
        self._tasks.spawn(self._watch(), name="leader's own clock")

    async def changed(self) -> None:
        """Return once `leads` is another than it was at the call."""
        before = self.leads
        while self.leads is before:
            await self._bell.wait()

    async def close(self) -> None:
        """Give it up."""
        await self._tasks.close()
        term, self._term, self._until = self._term, 0, float("-inf")
        if term:
            with suppress(SkerryError):  # it runs out by itself
                await self._database.write(
                    lambda c: leader_row.resign(c, holder=self._holder, term=term)
                )
        await self._database.close()

    def fence(self, connection: Connection) -> None:
        """For every transaction of the store that writes. Raises Unavailable."""
        leader_row.fence(connection, holder=self._holder, term=self._term)

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self._try()
            except SkerryError as error:
                self._leader = self._leader if self.leads else None
                log.warning("who leads is not known: %s", error)
            self._tell()

    async def _watch(self) -> None:
        """Tells the end of the lease also while the database is waited for."""
        while True:
            await self._clock.sleep(RENEW_SECONDS / 4)
            self._tell()

    async def _try(self) -> None:
        asked = self._clock.monotonic()
        term = await self._database.write(self._renew_or_take)
        if term:
            self._until = asked + TTL_SECONDS - MARGIN_SECONDS
        else:
            self._until = float("-inf")
        self._term = term

    def _renew_or_take(self, connection: Connection) -> int:
        """The term this server leads in, or 0."""
        term, holder = self._term, self._holder
        if term and leader_row.renew(connection, holder=holder, term=term, ttl=TTL_SECONDS):
            return term
        self._leader, _ = leader_row.seen(connection)
        if self._leader is not None:
            return 0
        mine = {"holder": holder, "name": self._name, "url": self._url, "ttl": TTL_SECONDS}
        taken = leader_row.take(connection, mine)
        self._leader, _ = leader_row.seen(connection)
        return taken or 0

    def _tell(self) -> None:
        if self.leads is self._told:
            return
        self._told = self.leads
        log.info("this server leads" if self._told else "this server does not lead (any more)")
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

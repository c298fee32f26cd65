"""One thread that talks to the database, a transaction per call, errors worth reading.

Why a thread: a commit waits for the disk, and the event loop must not. Why one: SQLite has
one writer anyway, and calls then happen in the order they were made.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, StatementError

from skerry.errors import Unavailable
from skerry.integrations.store.connect import QUICK, READING
from skerry.integrations.store.faults import explain

T = TypeVar("T")


class Database:
    """Runs functions over a connection, each in a transaction of its own.

    A call whose caller is cancelled either has not begun, and never will, or is finished.
    After an error the next call gets a fresh connection, so that it works again once disk
    space, or the server, is back.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fence: Callable[[Connection], None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    def fence(self, check: Callable[[Connection], None]) -> None:
        """From now on, `check` runs at the start of every transaction that writes, and refuses
        it by what it raises."""
        self._fence = check

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds, all of it from one moment."""
        return await self._run(lambda: self.transact(work, {READING: True}))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Return once it would survive a power cut."""
        return await self._run(lambda: self.transact(work, {}))

    async def write_quickly(self, work: Callable[[Connection], T]) -> T:
        """Return once it would survive a crash of this process; a power cut may take it."""
        return await self._run(lambda: self.transact(work, {QUICK: True}))

    def transact(self, work: Callable[[Connection], T], options: dict[str, bool]) -> T:
        """Run in this thread. All of it happens or none. Raises Unavailable."""
        try:
            with (
                self._engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                if self._fence is not None and READING not in options:
                    self._fence(connection)
                return work(connection)
        except DBAPIError as error:
            self._engine.dispose()
            raise explain(error, self._engine.url) from error
        except StatementError as error:
            # What was to be written is no JSON, or a time without its zone: the caller's fault.
            raise error.orig or error from None

    async def close(self) -> None:
        """Finish what was asked for, then let go of the database. Again: nothing."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:
            if "after shutdown" not in str(error):
                raise
            raise Unavailable("is closed", subject="store") from error

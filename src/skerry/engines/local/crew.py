"""Everything one cell's supervisors, pilots and retirements work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.containers import Settings
from skerry.engines.local.images import Images
from skerry.engines.local.machine import Machine
from skerry.engines.local.networks import Networks
from skerry.engines.local.router import Router
from skerry.engines.local.runtime import Runtime
from skerry.engines.local.state import CellState
from skerry.loops import Tasks
from skerry.model.keys import ServiceKey
from skerry.ports import Clock, Gateway, Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """One per engine. `wake` asks a service's supervisor to look again. `slots` bounds how
    many containers are created and started at once; `steps` are the calls under way that must
    not be cut in half."""

    state: CellState
    runtime: Runtime
    networks: Networks
    images: Images
    book: AddressBook
    gateway: Gateway
    router: Router
    secrets: Secrets
    clock: Clock
    settings: Settings
    machine: Machine
    routed: bool
    wake: Callable[[ServiceKey], None]
    jobs: set[str] = field(default_factory=set)
    steps: set[asyncio.Future[None]] = field(default_factory=set)
    tasks: Tasks = field(default_factory=Tasks)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(6))

    def changed(self, service: ServiceKey) -> None:
        """Something about a service's replicas changed: look again, and say so."""
        self.state.touch(service)
        self.wake(service)

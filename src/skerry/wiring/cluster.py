"""A Kubernetes cluster as a cell: the engine over a client, made when it is first asked."""

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from skerry.model.cell import Cell
from skerry.ports import Clock, Engine, Gateway, ImageBuilder, Secrets

if TYPE_CHECKING:
    from skerry.engines.kubernetes.engine import KubernetesEngine


class ClusterCell:
    """One cluster. `applied` is told its document when something is applied to it; `guard`
    stands before its engine."""

    gateway: Gateway | None = None
    builder: ImageBuilder | None = None
    engine_name = "Kubernetes"

    def __init__(
        self,
        cell: Cell,
        *,
        clock: Clock,
        secrets: Secrets,
        applied: Callable[[Cell], Awaitable[None]],
        guard: Callable[[Engine], Engine] = lambda engine: engine,
    ) -> None:
        self.cell = cell
        self._guard = guard
        self._clock = clock
        self._secrets = secrets
        self._applied = applied
        self._engine: KubernetesEngine | None = None
        self.references: Secrets | None = secrets

    @property
    def engine(self) -> Engine:
        """What runs the cell. Raises EngineUnavailable where no kubeconfig leads to it."""
        if self._engine is None:
            from skerry.engines.kubernetes.client.client import open_client
            from skerry.engines.kubernetes.client.credentials import find_access
            from skerry.engines.kubernetes.engine import KubernetesEngine
            from skerry.engines.kubernetes.parts import Parts

            access = find_access(self.cell.context, self.cell.kubeconfig, os.environ)
            client = open_client(access, self._clock, cell=self.cell.cell)
            self._engine = KubernetesEngine(
                Parts(cell=self.cell, client=client, clock=self._clock, secrets=self._secrets)
            )
        return self._guard(self._engine)

    def settle(self, cell: Cell) -> Cell:
        """As written."""
        return cell

    async def open(self) -> None:
        """Find the way to it."""
        _ = self.engine

    async def close(self) -> None:
        """Hang up."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def ready(self) -> None:
        """It is about to be applied to: known from now on."""
        await self._applied(self.cell)

    async def become(self, cell: Cell) -> None:
        """What its document says now."""
        await self.close()
        self.cell = cell
        await self._applied(cell)

    async def destroy(self) -> None:
        """Nothing of Skerry's outlives its services but its records."""

"""One cell, and the operations on it within this process, as a command without a server has
them; or the command line itself."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from skerry.engines.kubernetes.engine import KubernetesEngine
from skerry.model.access import Identity, Role
from skerry.model.progress import OperationState
from skerry.model.sources import Sources, SourceText
from skerry.operations import deploy
from skerry.operations.deploy import Request
from skerry.operations.fleet import Fleet
from skerry.operations.platform import Platform
from skerry.spec.load import Loader
from skerry.wiring.direct import open_direct

CELL = "eu-1"
BY = Identity(name="bench", role=Role.ADMIN)

BENCH = Identity(name="bench", role=Role.ADMIN)


def cell_document(kubeconfig: Path, *, name: str = CELL, more: str = "") -> str:
    """A cell on the cluster a kubeconfig leads to."""
    return (
        f"cell: {name}\nengine: kubernetes\nkubeconfig: {kubeconfig}\ncountry: DE\n"
        f"domain: {name}.acme.test\nroutes: none\n{more}"
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, and a fleet of nothing else."""

    fleet: Fleet
    platform: Platform

    @classmethod
    @asynccontextmanager
    async def opened(cls, state: Path, kubeconfig: Path) -> AsyncIterator["Cell"]:
        """For the time of the block."""
        text = cell_document(kubeconfig)
        sources = Sources(name="bench", texts=(SourceText(path="cell.yaml", text=text),))
        async with open_direct(state, os.environ) as fleet:
            (platform,) = fleet.meant(Loader().load(sources), by=BENCH)
            yield cls(fleet, platform)

    @property
    def engine(self) -> KubernetesEngine:
        """Its engine."""
        engine = self.platform.engine
        assert isinstance(engine, KubernetesEngine)
        return engine

    def request(self, sources: Sources) -> Request:
        """To apply these, without waiting for what comes up."""
        return Request(sources=sources, by=BENCH, wait=False)

    async def apply(self, sources: Sources) -> float:
        """Seconds it took once it was planned. Raises RuntimeError when it did not end well."""
        begun = await deploy.begin(self.platform, self.request(sources))
        assert begun.operation is not None
        began = time.perf_counter()
        ended = await self.fleet.running.wait(begun.operation.id)
        if ended.state is not OperationState.DONE:
            raise RuntimeError(ended.error)
        return time.perf_counter() - began

"""What a Kubernetes engine is made of."""

from dataclasses import dataclass, field

from skerry.engines.kubernetes.client.client import Client
from skerry.loops import Tasks
from skerry.model.cell import Cell
from skerry.ports import Clock, Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One per cell. `secrets` is where the references of compiled Secrets lead; `tasks` are
    ended when the engine is closed."""

    cell: Cell
    client: Client
    clock: Clock
    secrets: Secrets
    tasks: Tasks = field(default_factory=Tasks)

    @property
    def name(self) -> str:
        """The cell's name, as subjects of messages end."""
        return self.cell.cell

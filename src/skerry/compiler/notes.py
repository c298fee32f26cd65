"""What a document asks for and this cell does not give, a sentence each, for its plan.

Only what the cell's own document decides; what an engine cannot do, the engine says."""

from collections.abc import Iterable, Iterator

from skerry.compiler.subject import Subject
from skerry.model.cell import CloudIdentity, Routes
from skerry.model.objects import Manifest


def notes_of(subject: Subject, objects: Iterable[Manifest]) -> tuple[str, ...]:
    """Empty when the cell gives everything that was asked for by name."""
    return tuple(_notes(subject, {each["kind"] for each in objects}))


def _notes(subject: Subject, kinds: set[str]) -> Iterator[str]:
    service, cell = subject.service, subject.cell
    role = service.access.role
    if cell.on_kubernetes and cell.identity is CloudIdentity.NONE and role not in (None, "none"):
        yield f"gets no cloud role {role}: cell {cell.cell} hands out none (`identity:`)"
    if cell.routes is Routes.NONE and service.routed is not None and service.routed.host:
        yield f"is not found at {service.routed.host}: cell {cell.cell} gives no URLs (`routes:`)"
    for target in service.patch:
        kind = target.partition("/")[0]
        if kind not in kinds:
            yield f"`patch:` of {kind} changes nothing: the service has none in cell {cell.cell}"

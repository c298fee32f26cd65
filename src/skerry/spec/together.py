"""What no document can know alone: names taken twice, who depends on whom, shared routes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from skerry.errors import Problem
from skerry.model.cell import Cell
from skerry.model.dependencies import Directory, find_cycles
from skerry.model.keys import ServiceKey
from skerry.model.repository import Settings
from skerry.model.secret import SecretKey, qualify
from skerry.model.service import Service
from skerry.spec.entries import Located
from skerry.spec.messages import Complaint
from skerry.spec.placement import check_residency
from skerry.spec.words import suggest

Depends = Mapping[ServiceKey, tuple[ServiceKey, ...]]
_STEPS_SHOWN: Final = 12


def check_together(
    services: Sequence[Located],
    *,
    settings: Settings,
    cells: Sequence[Cell],
    depends: Depends,
) -> Iterator[Problem]:
    """Every problem between documents."""
    firsts: dict[ServiceKey, Located] = {}
    for located in services:
        key = located.key
        first = firsts.setdefault(key, located)
        if first is not located:
            said = f"{key} is already declared at {first.where}"
            yield from located.problems(
                [Complaint(("service",), said, "rename or remove one of them")]
            )
    yield from _check_settings(services, settings)
    yield from _check_cells(services, cells)
    yield from _check_secrets(services)
    yield from _check_depends(services, depends)
    yield from _check_cycles(firsts, depends)
    yield from _check_routes(services)


def _check_settings(services: Iterable[Located], settings: Settings) -> Iterator[Problem]:
    required, teams = settings.required_tags, frozenset(settings.teams)
    for located in services if required or teams else ():
        service = located.service
        for tag in required:
            if tag not in service.tags:
                said = f"should have the tag `{tag}`, which skerry.yaml requires"
                yield from located.problems([Complaint(("tags",), said, f"write `{tag}: ...`")])
        if teams and service.team is not None and service.team not in teams:
            end, hint = suggest(service.team, settings.teams)
            said = f"unknown team `{service.team}`{end}"
            yield from located.problems([Complaint(("team",), said, hint)])


def _check_cells(services: Iterable[Located], cells: Sequence[Cell]) -> Iterator[Problem]:
    known = {cell.cell: cell for cell in cells}
    for located in services if known else ():
        named = isinstance(located.service.cells, Mapping)
        for position, written in enumerate(located.service.cells):
            if written not in known:
                end, hint = suggest(written, tuple(known))
                said = f"unknown cell `{written}`{end}"
                step = written if named else position
                yield from located.problems([Complaint(("cells", step), said, hint)])
        yield from located.problems(check_residency(located, known))


def _check_secrets(services: Iterable[Located]) -> Iterator[Problem]:
    for located in services:
        namespace = located.service.namespace
        for variable, reference in located.service.secrets.items():
            try:
                qualify(reference, namespace=namespace)
            except ValueError as error:
                name = reference.rpartition("/")[2]
                hint = f"skerry secrets set {SecretKey(namespace, name)}, then write store:{name}"
                yield from located.problems([Complaint(("secrets", variable), str(error), hint)])


def _check_depends(services: Sequence[Located], depends: Depends) -> Iterator[Problem]:
    directory: Directory | None = None
    for located in services:
        if len(depends.get(located.key, ())) != len(located.service.depends):
            directory = directory or Directory(each.key for each in services)
            yield from located.problems(judge_depends(located.service, directory))


def judge_depends(service: Service, directory: Directory) -> Iterator[Complaint]:
    """What is wrong with what a service depends on, entry by entry."""
    seen: set[ServiceKey] = set()
    for position, written in enumerate(service.depends):
        found = directory.candidates(written, namespace=service.namespace)
        complaint = _judge_dependency(written, found, directory)
        if len(found) == 1 and found[0] in seen:
            complaint = (f"{written} is there twice", "remove one of them")
        seen.update(found if len(found) == 1 else ())
        if complaint is not None:
            yield Complaint(("depends", position), *complaint)


def _judge_dependency(
    written: str, found: Sequence[ServiceKey], directory: Directory
) -> tuple[str, str] | None:
    if not found:
        name = written.rpartition("/")[2]
        end, hint = suggest(name, directory.names if name == written else directory.full_names)
        said = f"no service `{written}` is declared in this repository{end}"
        return said, hint if end else "depends names services of the same repository only"
    if len(found) > 1:
        spots = [f"{key.namespace}/{key.name}" for key in sorted(found)]
        return f"{written} could be {' or '.join(spots)}", f"write `{spots[0]}`"
    return None


def _check_cycles(firsts: Mapping[ServiceKey, Located], depends: Depends) -> Iterator[Problem]:
    for cycle in find_cycles(depends):
        located = firsts[cycle[0]]
        steps = [str(key) for key in cycle]
        if len(steps) > _STEPS_SHOWN:
            steps[_STEPS_SHOWN - 2 : -2] = [f"({len(steps) - _STEPS_SHOWN} more)"]
        said = f"waits for itself: {' -> '.join(steps)}"
        yield from located.problems(
            [Complaint(("depends",), said, "remove one of these dependencies")]
        )


def _check_routes(services: Iterable[Located]) -> Iterator[Problem]:
    taken: dict[tuple[str, str], list[Located]] = {}
    for located in services:
        route = located.service.routed
        if route is None or route.host is None:
            continue
        others = taken.setdefault((route.host, route.path), [])
        other = next((each for each in others if _share_a_cell(each, located)), None)
        if other is not None and other.key != located.key:
            said = f"{route.host}{route.path} is already routed at {other.where}"
            hint = "give one of them another host or path"
            yield from located.problems([Complaint(("route",), said, hint)])
        others.append(located)


def _share_a_cell(one: Located, other: Located) -> bool:
    ours, theirs = one.service.cells, other.service.cells
    return not ours or not theirs or not set(ours).isdisjoint(theirs)

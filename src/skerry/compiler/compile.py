"""A repository, or one service of it, to bundles for one cell."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from skerry.compiler import naming, traffic
from skerry.compiler.access import association, service_account
from skerry.compiler.configuration import config_map, secret
from skerry.compiler.extras import extras, noted, shared_extras
from skerry.compiler.inputs import inputs_of
from skerry.compiler.job import one_off
from skerry.compiler.neighbours import Neighbours
from skerry.compiler.network import doors, walls
from skerry.compiler.notes import notes_of
from skerry.compiler.overrides import effective
from skerry.compiler.patches import patched
from skerry.compiler.placement import absence, misplaced
from skerry.compiler.routes import route
from skerry.compiler.scaling import autoscaler, disruption_budget
from skerry.compiler.subject import Dependency, Setting, Subject, references
from skerry.compiler.tenancy_objects import enclosure
from skerry.compiler.workload import deployment, volume_claims
from skerry.errors import InvalidDocuments, Problem
from skerry.model.cell import Cell
from skerry.model.dependencies import Directory
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle, Manifest, stamp
from skerry.model.repository import DeclaredService, Repository

NOTHING: Mapping[ServiceKey, str] = MappingProxyType({})
_RESERVED: Final = re.compile(r"(kube-.*|skerry)$")
"""Where a cluster keeps what it runs by, and Skerry its records of the cell."""


def compile_repository(
    repository: Repository,
    cell: Cell,
    *,
    contents: Mapping[str, bytes],
    fingerprints: Mapping[str, str],
    skip: Mapping[ServiceKey, str] = NOTHING,
) -> tuple[Bundle, ...]:
    """A bundle for every service the cell runs, in the order they are declared.

    `skip` is the cell's index: a service whose inputs it already runs gets a bundle without
    objects, which the planner takes for unchanged. Raises InvalidDocuments with all faults.
    """
    setting = Setting(
        cell=cell, repository=repository.name, contents=contents, fingerprints=fingerprints
    )
    placed, problems = _place(repository, cell)
    directory = Directory(each.service.key for each in repository.services)
    neighbours = Neighbours.of((each.service for each in placed), directory=directory)
    problems.extend(_shared_routes(placed, cell))
    problems.extend(shared_extras(placed, neighbours.services))
    bundles: list[Bundle] = []
    for declared in placed:
        try:
            bundles.append(_compile(declared, setting, neighbours=neighbours, skip=skip))
        except InvalidDocuments as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidDocuments(problems)
    return tuple(bundles)


def _place(repository: Repository, cell: Cell) -> tuple[list[DeclaredService], list[Problem]]:
    found = (misplaced(each, cell) for each in repository.services)
    problems = [problem for problem in found if problem is not None]
    placed = [
        effective(each, cell) for each in repository.services if absence(each.service, cell) is None
    ]
    return placed, problems


def _compile(
    declared: DeclaredService,
    setting: Setting,
    *,
    neighbours: Neighbours,
    skip: Mapping[ServiceKey, str],
) -> Bundle:
    service = declared.service
    depends = neighbours.resolve(declared)
    inputs = inputs_of(declared, setting, depends)
    if skip.get(service.key) == inputs:
        return _unopened(service.key, setting, inputs=inputs, depends=depends)
    return bundle_of(declared, setting, depends=depends, inputs=inputs)


def bundle_of(
    declared: DeclaredService, setting: Setting, *, depends: tuple[Dependency, ...], inputs: str
) -> Bundle:
    """All objects of a service, whatever the cell has of it. Raises InvalidDocuments."""
    service = declared.service
    subject = Subject(
        declared=declared,
        setting=setting,
        depends=depends,
        labels=naming.labels(service),
        tags=naming.raw_tags(service),
        host=naming.host(service, setting.cell),
        references=references(declared) if service.secrets else {},
    )
    if service.image is None:
        said = f"{service.build} has not been built yet"
        raise InvalidDocuments([subject.problem("build", said)])
    if setting.cell.on_kubernetes and _RESERVED.match(service.namespace):
        said = f"the namespace {service.namespace} is not for services: the cluster's own are there"
        raise InvalidDocuments([subject.problem("team", said, "give the team another name")])
    return _bundle(subject, inputs)


def _bundle(subject: Subject, inputs: str) -> Bundle:
    document = subject.service
    files = config_map(subject)
    workload = deployment(
        subject, inputs=inputs, files=files["metadata"]["name"] if files is not None else None
    )
    made = [
        service_account(subject),
        association(subject),
        walls(subject),
        *doors(subject),
        *volume_claims(subject),
        files,
        secret(subject),
        traffic.service(subject),
        route(subject),
        disruption_budget(subject),
        workload,
        autoscaler(subject),
    ]
    own = patched(subject, [each for each in made if each is not None])
    objects = [*enclosure(subject), *own]
    objects, workload = _with_extras(subject, objects)
    return Bundle(
        service=document.key,
        cell=subject.cell.cell,
        inputs=inputs,
        objects=tuple(map(stamp, objects)),
        before=_before(subject, workload),
        depends=tuple(target.key for target in subject.depends),
        deadline_seconds=document.deadline,
        url=naming.url(subject),
        notes=notes_of(subject, own),
    )


def _with_extras(subject: Subject, objects: list[Manifest]) -> tuple[list[Manifest], Manifest]:
    """All objects, the document's own ahead of the Deployment that may need them; and that.
    A cell that is no cluster has nothing to act on them: its Deployment only names them."""
    beside = extras(subject, objects)
    position = next(at for at, each in enumerate(objects) if each["kind"] == "Deployment")
    workload = noted(objects[position], beside)
    beside = beside if subject.cell.on_kubernetes else []
    return [*objects[:position], *beside, workload, *objects[position + 1 :]], workload


def _before(subject: Subject, workload: Manifest) -> Manifest | None:
    document = subject.service
    if not document.before:
        return None
    dash = "-" if subject.cell.on_kubernetes else "."  # a pod's name is its host's name there
    return one_off(
        workload,
        document.before,
        name=f"{document.service}{dash}before",
        deadline_seconds=document.deadline,
    )


def _unopened(
    key: ServiceKey, setting: Setting, *, inputs: str, depends: tuple[Dependency, ...]
) -> Bundle:
    targets = tuple(target.key for target in depends)
    return Bundle(service=key, cell=setting.cell.cell, inputs=inputs, objects=(), depends=targets)


def _shared_routes(placed: Iterable[DeclaredService], cell: Cell) -> list[Problem]:
    """Two services at one address: the gateway could give requests to either."""
    taken: dict[tuple[str, str], ServiceKey] = {}
    problems = []
    for declared in placed:
        found = naming.public(declared.service, cell)
        if found is None:
            continue
        key = declared.service.key
        spot = (naming.host(declared.service, cell) or "", found.path)
        first = taken.setdefault(spot, key)
        if first != key:
            problems.append(
                Problem(
                    file=declared.file,
                    line=declared.line,
                    path=f"{key.name}/route",
                    message=f"{''.join(spot)} is already the route of {first}",
                    hint="give one of them another host or path",
                )
            )
    return problems

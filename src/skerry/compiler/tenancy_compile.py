"""A repository's stacks -> bundles of those tenants whose inputs are not the cell's.

A change costs what changed: of ten thousand tenants each is one digest and one look into the
index; only those that differ become a document, a service and objects.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import orjson

from skerry.compiler.compile import NOTHING, bundle_of
from skerry.compiler.inputs import around_of, mark_of
from skerry.compiler.neighbours import Neighbours
from skerry.compiler.overrides import effective
from skerry.compiler.placement import absence
from skerry.compiler.subject import Dependency, Setting
from skerry.compiler.tenancy import Stay, absence_of, materialise, say_ended, say_stopped, stay_of
from skerry.errors import InvalidDocuments, Problem
from skerry.model.cell import Cell
from skerry.model.dependencies import Directory
from skerry.model.held import settled_inputs
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle
from skerry.model.repository import DeclaredService, DeclaredStack, Repository, Roster
from skerry.model.secret import qualify
from skerry.model.stack import tenant_key
from skerry.model.stamping import fill, values_of

_INPUTS_LENGTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a cell has (its index), and at whom to look: all tenants or `only` some; with `whole`
    those that are as they should be are compiled, too."""

    index: Mapping[ServiceKey, str]
    now: datetime
    only: frozenset[ServiceKey] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """A cell's tenants. `bundles` are of those to be looked at; `settled` are as they should be.
    Of those the cell has, `moved` run elsewhere now, and `ended` were removed long enough ago:
    each with its reason."""

    bundles: tuple[Bundle, ...] = ()
    settled: frozenset[ServiceKey] = frozenset()
    moved: Mapping[ServiceKey, str] = field(default_factory=dict)
    ended: Mapping[ServiceKey, str] = field(default_factory=dict)


def compile_tenants(
    repository: Repository,
    cell: Cell,
    *,
    contents: Mapping[str, bytes],
    fingerprints: Mapping[str, str],
    look: Look,
) -> Tenants:
    """The tenants of all stacks in one cell. Raises InvalidDocuments with all faults."""
    if not repository.stacks:
        return Tenants()
    setting = Setting(
        cell=cell, repository=repository.name, contents=contents, fingerprints=fingerprints
    )
    sorting = _Sorting(repository, setting, look)
    for stack in repository.stacks:
        sorting.take(stack)
    return sorting.result()


def inputs_of_tenants(
    repository: Repository, cell: Cell, *, fingerprints: Mapping[str, str], look: Look
) -> dict[ServiceKey, str]:
    """What digests the tenants to be looked at, without making anything of them. Raises
    InvalidDocuments."""
    setting = Setting(cell=cell, repository=repository.name, contents={}, fingerprints=fingerprints)
    sorting = _Sorting(repository, setting, look)
    return {key: each for stack in repository.stacks for key, each in sorting.digests(stack)}


def references_of(
    stack: DeclaredStack, cell: Cell, *, only: frozenset[ServiceKey] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Every secret its tenants in this cell refer to: the tenant, the variable, the reference
    with its namespace spelt out. Raises ValueError for one of another namespace (spec makes a
    problem of it)."""
    written = stack.template.get("secrets") or {}
    for roster in stack.rosters if written else ():
        refer = _referring(stack, roster, cell)
        for tenant, each in roster.tenants.items():
            key = tenant_key(stack.name, tenant)
            if only is not None and key not in only:
                continue
            if absence_of(each, roster, stack, cell=cell) is None:
                for variable, reference in zip(written, refer(key, each), strict=True):
                    yield tenant, variable, reference


class _Sorting:
    """One run over all stacks of a repository."""

    def __init__(self, repository: Repository, setting: Setting, look: Look) -> None:
        self._setting = setting
        self._look = look
        self._index = look.index
        self._now = look.now
        self._settled_as = NOTHING if look.whole else look.index
        self._neighbours = _neighbours(repository, setting.cell)
        self._bundles: list[Bundle] = []
        self._settled: list[ServiceKey] = []
        self._moved: dict[ServiceKey, str] = {}
        self._ended: dict[ServiceKey, str] = {}
        self._problems: list[Problem] = []

    def result(self) -> Tenants:
        """What was found. Raises InvalidDocuments."""
        if self._problems:
            raise InvalidDocuments(self._problems)
        return Tenants(
            bundles=tuple(self._bundles),
            settled=frozenset(self._settled),
            moved=self._moved,
            ended=self._ended,
        )

    def take(self, stack: DeclaredStack) -> None:
        """Sort the tenants of one stack."""
        if stack.template.get("image") is None:
            said = f"{stack.template.get('build')} has not been built yet"
            self._fault(stack, "template/build", said)
            return
        try:
            depends = self._depends(stack)
        except InvalidDocuments as error:
            self._problems.extend(error.problems)
            return
        for roster in stack.rosters:
            self._sort(stack, roster, depends)

    def digests(self, stack: DeclaredStack) -> Iterator[tuple[ServiceKey, str]]:
        """Each tenant's inputs, of those to be looked at."""
        depends, only = self._depends(stack), self._look.only
        for roster in stack.rosters:
            inputs_of = self._inputs(stack, roster, depends)
            for tenant, written in roster.tenants.items():
                key = tenant_key(stack.name, tenant)
                if only is None or key in only:
                    yield key, inputs_of(tenant, key, written)

    def _sort(self, stack: DeclaredStack, roster: Roster, depends: tuple[Dependency, ...]) -> None:
        inputs_of = self._inputs(stack, roster, depends)
        settled, settled_as, only = self._settled, self._settled_as, self._look.only
        everywhere = absence_of({}, roster, stack, cell=self._setting.cell) is None
        for tenant, written in roster.tenants.items():
            key = tenant_key(stack.name, tenant)
            if only is not None and key not in only:
                continue
            plain = everywhere and not written
            if not plain and not self._stays(stack, roster, key):
                continue
            inputs = inputs_of(tenant, key, written)
            there = settled_as.get(key)
            if there == inputs or (there is not None and settled_inputs(there) == inputs):
                settled.append(key)
            else:
                self._compile(stack, tenant, depends=depends, inputs=inputs)

    def _stays(self, stack: DeclaredStack, roster: Roster, key: ServiceKey) -> bool:
        """Whether a tenant is to be here; notes those that are, and should not be."""
        written = roster.tenants[key.name]
        away = absence_of(written, roster, stack, cell=self._setting.cell)
        if away is not None:
            if key in self._index:
                self._moved[key] = away
            return False
        stay = stay_of(written, stack, now=self._now)
        if stay is Stay.GONE and key in self._index:
            self._ended[key] = say_ended(written, stack)
        return stay is Stay.PRESENT or (stay is Stay.STOPPED and key in self._index)

    def _compile(
        self, stack: DeclaredStack, tenant: str, *, depends: tuple[Dependency, ...], inputs: str
    ) -> None:
        try:
            declared = materialise(stack, tenant, self._setting.cell, now=self._now)
            made = bundle_of(declared, self._setting, depends=depends, inputs=inputs)
        except InvalidDocuments as error:
            self._problems.extend(error.problems)
            return
        roster = stack.roster_of(tenant)
        assert roster is not None, "it was just made from one"
        written = roster.tenants[tenant]
        if stay_of(written, stack, now=self._now) is Stay.STOPPED:
            made = replace(made, notes=(say_stopped(written, stack),))
        self._bundles.append(made)

    def _inputs(
        self, stack: DeclaredStack, roster: Roster, depends: tuple[Dependency, ...]
    ) -> Callable[[str, ServiceKey, Mapping[str, Any]], str]:
        """What digests a tenant of this roster: all they have in common is digested once."""
        setting = self._setting
        doors = [[*each.key, each.port, each.alias] for each in depends]
        common = [around_of(setting), stack.digest, stack.values_for(roster), doors]
        started = blake2b(
            orjson.dumps(common, option=orjson.OPT_SORT_KEYS), digest_size=_INPUTS_LENGTH
        )
        mark, digests = mark_of(setting), roster.digests
        refer = _referring(stack, roster, setting.cell) if stack.template.get("secrets") else None
        fingerprints, now = setting.fingerprints, self._now

        def inputs_of(tenant: str, key: ServiceKey, written: Mapping[str, Any]) -> str:
            digest = started.copy()
            digest.update(f"{tenant} {digests[tenant]}".encode())
            if refer is not None:
                found = [fingerprints.get(each, "") for each in refer(key, written)]
                digest.update(" ".join(found).encode())
            if "removed" in written:
                digest.update(stay_of(written, stack, now=now).encode())
            return f"{digest.hexdigest()}-{mark}"

        return inputs_of

    def _depends(self, stack: DeclaredStack) -> tuple[Dependency, ...]:
        """What every tenant of a stack depends on."""
        if not stack.template.get("depends"):
            return ()
        first = next(iter(stack.tenants), None)
        if first is None:
            return ()
        return self._neighbours.resolve(materialise(stack, first, self._setting.cell))

    def _fault(self, stack: DeclaredStack, path: str, message: str) -> None:
        where = f"{stack.name}/{path}"
        self._problems.append(
            Problem(file=stack.file, line=stack.line, path=where, message=message)
        )


def _referring(
    stack: DeclaredStack, roster: Roster, cell: Cell
) -> Callable[[ServiceKey, Mapping[str, Any]], list[str]]:
    """What a tenant's secrets refer to, in the order of the template."""
    written = [str(each) for each in stack.template["secrets"].values()]
    common = {**stack.values_for(roster), "stack": stack.name, "cell": cell.cell}
    filled = any("{" in each for each in written)

    def refer(key: ServiceKey, tenant: Mapping[str, Any]) -> list[str]:
        found = written
        if filled:
            values = values_of(tenant, common) | {"tenant": key.name}
            found = [fill(each, values) for each in written]
        return [qualify(each, namespace=key.namespace) for each in found]

    return refer


def _neighbours(repository: Repository, cell: Cell) -> Neighbours:
    here: list[DeclaredService] = [
        effective(each, cell) for each in repository.services if absence(each.service, cell) is None
    ]
    directory = Directory(each.service.key for each in repository.services)
    return Neighbours.of((each.service for each in here), directory=directory)

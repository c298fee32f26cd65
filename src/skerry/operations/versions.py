"""`deploy STACK --version X --waves ...`: a version for a stack's tenants, wave by wave."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from skerry.compiler.tenancy import Stay, absence_of, stay_of
from skerry.compiler.tenancy_compile import (
    Look,
    compile_tenants,
    inputs_of_tenants,
    references_of,
)
from skerry.errors import NotFound, Refused
from skerry.model.access import Identity
from skerry.model.cell import Cell
from skerry.model.change import Hold
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle, digest_of
from skerry.model.progress import Operation
from skerry.model.repository import DeclaredStack, Repository
from skerry.model.rollout import Rollout
from skerry.model.sources import Sources
from skerry.model.stack import VERSION, tenant_key
from skerry.model.stamping import placeholders, values_of
from skerry.model.world import Snapshot
from skerry.operations import rollouts, scopes
from skerry.operations.cell import declared_cell
from skerry.operations.deploy import Permit
from skerry.operations.members import Gift, Given
from skerry.operations.packing import pack_sources, unpack_sources
from skerry.operations.permission import permitted
from skerry.operations.platform import Platform
from skerry.operations.steps import steps_of
from skerry.operations.voice import Voice
from skerry.planner.tenants import plan_tenants
from skerry.planner.waves import read_steps, waves

KIND: Final = "rollout"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRequest:
    """What is wanted. `steps` are how many tenants are done once each wave has ended; `first`
    are tenants that go first; `max_failures` how many may fail before it halts."""

    sources: Sources
    by: Identity
    stack: str
    version: str
    steps: str = "100%"
    first: tuple[str, ...] = ()
    bake_seconds: float = 0.0
    max_failures: int = 0
    repository: Repository | None = None


async def roll_out(
    platform: Platform, request: RolloutRequest, *, permit: Permit | None = None
) -> Operation:
    """Begin in this cell. Raises InvalidDocuments, NotFound, Forbidden, Refused when there is
    nothing to roll out, Conflict while a roll-out of the stack runs."""
    repository = request.repository
    if repository is None:
        repository = await asyncio.to_thread(platform.load, request.sources)
    stack = find_stack(repository, request.stack)
    cell = await declared_cell(platform, repository)
    index = await platform.engine.index()
    now = platform.clock.now()
    chosen, skipped = _sorted(stack, cell, index, now=now)
    scopes.require(request.by, (tenant_key(stack.name, each).namespace for each in chosen))
    rollout = Rollout(
        id=f"{now:%Y%m%d-%H%M%S}-{digest_of([now.isoformat(), platform.name])[:6]}",
        stack=stack.name,
        cell=platform.name,
        repository=repository.name,
        version=request.version,
        by=request.by.name,
        at=now,
        attempts=(now,),
        since=now,
        waves=_waves(request, stack, chosen, cell=platform.name),
        bake_seconds=request.bake_seconds,
        max_failures=request.max_failures,
        source=source_of(stack),
        skipped=skipped,
    )
    await permitted(permit, f"stack/{stack.name}@{platform.name}")
    return await rollouts.begin(
        platform,
        rollout,
        KIND,
        by=request.by,
        request={"sources": pack_sources(request.sources)},
        work=partial(carry_version, platform),
    )


async def carry_version(platform: Platform, operation: Operation, voice: Voice) -> None:
    """Begun by `roll_out` or `go_on`, or taken up after a crash."""
    sources = unpack_sources(operation.request["sources"])
    repository = await asyncio.to_thread(platform.load, sources)
    cell = await declared_cell(platform, repository)
    await rollouts.take_up(platform, operation, voice)
    await rollouts.carry(
        platform,
        operation,
        voice,
        stack=operation.request["stack"],
        gifts=lambda rollout: NewVersion(
            platform, rollout, repository, cell=cell, contents=sources.contents
        ),
    )


class NewVersion(Gift):
    """Each tenant's documents with the roll-out's version, held there until the document itself
    changes."""

    def __init__(
        self,
        platform: Platform,
        rollout: Rollout,
        repository: Repository,
        *,
        cell: Cell,
        contents: Mapping[str, bytes],
    ) -> None:
        self.stack = rollout.stack
        self._platform = platform
        self._rollout = rollout
        self._cell = cell
        self._contents = contents
        stack = find_stack(repository, rollout.stack)
        self._plain = replace(repository, stacks=(stack,))
        chosen = stack.with_values({VERSION: rollout.version})
        self._wanted = replace(repository, stacks=(chosen,))
        self._compiled: tuple[tuple[Bundle, ...], Mapping[ServiceKey, str]] = ((), {})

    async def prepare(self, services: Collection[ServiceKey]) -> None:
        """Compile them, in a thread."""
        only = frozenset(services)
        [stack] = self._wanted.stacks
        used = {each for _, _, each in references_of(stack, self._cell, only=only)}
        resolve = self._platform.references.fingerprint
        secrets = {reference: await resolve(reference) for reference in sorted(used)}
        self._compiled = await asyncio.to_thread(self._compile, only, secrets)

    async def given(self, services: Collection[ServiceKey], snapshot: Snapshot) -> Given:
        """Those the documents no longer have, and those held by hand, are left alone."""
        return await asyncio.to_thread(self._given, frozenset(services), snapshot)

    def _compile(
        self, only: frozenset[ServiceKey], secrets: Mapping[str, str]
    ) -> tuple[tuple[Bundle, ...], Mapping[ServiceKey, str]]:
        """What they are to become, and the inputs their documents have as they are."""
        look = Look(
            index=dict.fromkeys(only, ""), now=self._platform.clock.now(), only=only, whole=True
        )
        made = compile_tenants(
            self._wanted, self._cell, contents=self._contents, fingerprints=secrets, look=look
        )
        plain = inputs_of_tenants(self._plain, self._cell, fingerprints=secrets, look=look)
        return made.bundles, plain

    def _given(self, only: frozenset[ServiceKey], snapshot: Snapshot) -> Given:
        bundles, plain = self._compiled
        made = plan_tenants(
            bundles,
            snapshot,
            repository=self._wanted.name,
            holds={
                each.service: self._hold(plain[each.service])
                for each in bundles
                if plain[each.service] != each.inputs
            },
            limits=self._platform.engine.limits,
        )
        declared = {each.service for each in bundles}
        left = dict.fromkeys(only - declared, "is not declared here any more")
        left |= {each.service: each.reason for each in made.held}
        return Given(steps={each.service: each for each in steps_of(made, snapshot)}, left=left)

    def _hold(self, inputs: str) -> Hold:
        rollout = self._rollout
        reason = f"rolled out at version {rollout.version}"
        return Hold(by=rollout.by, at=rollout.at, reason=reason, inputs=inputs)


def find_stack(repository: Repository, name: str) -> DeclaredStack:
    """Raises NotFound; Refused for a stack whose template has no version."""
    found = next((each for each in repository.stacks if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in repository.stacks)
        raise NotFound(
            "is no stack of these documents",
            subject=f"stack/{name}",
            hint=f"they declare {known}" if known else "run it in the repository's folder",
        )
    if VERSION not in {word for _, word in placeholders(found.template)}:
        raise Refused(
            "its template does not use {version}, so a version changes nothing",
            subject=f"stack/{name}",
            hint='write it where it belongs, as in image: "acme/app:{version}"',
        )
    return found


def _sorted(
    stack: DeclaredStack, cell: Cell, index: Mapping[ServiceKey, str], *, now: datetime
) -> tuple[list[str], dict[str, str]]:
    """The tenants a roll-out in this cell is for, and those it leaves alone, with the reason."""
    chosen: list[str] = []
    skipped: dict[str, str] = {}
    for roster in stack.rosters:
        for tenant, written in roster.tenants.items():
            if absence_of(written, roster, stack, cell=cell) is not None:
                continue
            pinned = values_of(written, {}).get(VERSION)
            if stay_of(written, stack, now=now) is not Stay.PRESENT:
                skipped[tenant] = "was removed"
            elif pinned is not None:
                skipped[tenant] = f"pinned to {pinned} by its own document"
            elif tenant_key(stack.name, tenant) not in index:
                skipped[tenant] = "is not here yet: skerry apply"
            else:
                chosen.append(tenant)
    return chosen, skipped


def _waves(
    request: RolloutRequest, stack: DeclaredStack, chosen: Sequence[str], *, cell: str
) -> tuple[tuple[str, ...], ...]:
    """Raises Refused, NotFound."""
    subject = f"stack/{stack.name}@{cell}"
    if not chosen:
        hint = "bring its tenants up first: skerry apply"
        raise NotFound("has no tenant here to roll out to", subject=subject, hint=hint)
    if unknown := sorted(set(request.first) - {*stack.tenants}):
        said = f"has no tenant {', '.join(unknown)}"
        raise NotFound(said, subject=subject, hint=f"skerry tenants list {stack.name}")
    try:
        return waves(chosen, read_steps(request.steps), stack=stack.name, first=request.first)
    except ValueError as error:
        raise Refused(str(error), subject="--waves", hint="as 1%,10%,100%") from error


def source_of(stack: DeclaredStack) -> str:
    """Of all that a version is put into, but for the tenants themselves: they may come and go."""
    values = {name: each for name, each in stack.values.items() if name != VERSION}
    return digest_of([stack.digest, values])

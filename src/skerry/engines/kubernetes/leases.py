"""Being the only writer of a service, in every process: Leases that end soon after their holder.

Who changes one service takes its own Lease (`w-`), who changes many one for all (`s-` for a
stack, `m-` for others), marked in the index's shards. Both write first and look for the other
kind afterwards, so of two at least one sees the other; one for many goes before one for one.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.kept import (
    KEPT,
    LEASE,
    SYSTEM,
    kept_labels,
    service_hash,
    stack_of,
)
from skerry.engines.kubernetes.namespaces import ensure_namespace, exists
from skerry.engines.writers import taken
from skerry.errors import Conflict, NotFound, SkerryError
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import digest_of
from skerry.ports import Clock

DURATION_SECONDS: Final = 15.0
RENEW_SECONDS: Final = 4.0
FORGOTTEN: Final = timedelta(hours=1)
"""After so long a dead writer's lease says nothing to anybody, whatever the clocks say."""
_BY: Final = "skerry.dev/by"
_SERVICES: Final = "skerry.dev/services"  # JSON list of the hashes of a lease for many
_STACK: Final = "skerry.dev/stack"  # of a lease for all of a stack
_STACKS: Final = "skerry.dev/stacks"  # JSON list: whose tenants the services are


@dataclass(slots=True, kw_only=True)
class Lease:
    """One that is held. `lost` once it was found to be somebody else's."""

    name: str
    by: str
    subject: str
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    version: str = ""
    uid: str = ""
    renewed: float = 0.0
    lost: bool = False


class Leases:
    """One cell's, as seen by one process."""

    def __init__(self, client: Client, clock: Clock, cell: str) -> None:
        self._client = client
        self._clock = clock
        self._cell = cell

    async def take(self, service: ServiceKey, *, by: str) -> Lease:
        """For one service. Raises Conflict, naming who holds it."""
        lease = Lease(name=f"w-{service_hash(service)}", by=by, subject=service.at(self._cell))
        return await self._take(lease, _stacks([service]))

    async def take_many(
        self, services: Collection[ServiceKey], *, by: str, stack: str | None
    ) -> Lease:
        """For a stack, or for these. Raises Conflict."""
        if stack is not None:
            lease = Lease(name=_stack_name(stack), by=by, subject=f"stack/{stack}@{self._cell}")
            return await self._take(lease, {_STACK: stack})
        lease = Lease(name=f"m-{secrets.token_hex(6)}", by=by, subject=f"cell/{self._cell}")
        hashes = sorted(service_hash(each) for each in services)
        about = {_SERVICES: orjson.dumps(hashes).decode(), **_stacks(services)}
        return await self._take(lease, about)

    async def check_one(self, service: ServiceKey, marks: Mapping[str, str]) -> None:
        """That no one for many, marked in the service's shard, is at it. Raises Conflict."""
        for name in marks:
            if name.startswith("m-") or name == _stack_name(stack_of(service) or ""):
                other = await self._read(name)
                if other is not None and self._live(other):
                    self._check(other, {service_hash(service): service})

    async def check_many(
        self, lease: Lease, services: Collection[ServiceKey], *, stack: str | None
    ) -> None:
        """That nobody else is at one of them, or at any tenant of the stack. Raises Conflict,
        naming who is at which."""
        hashes = {service_hash(each): each for each in services}
        for other in await self.live():
            if other["metadata"]["name"] != lease.name:
                self._check(other, hashes)
                annotations = other["metadata"].get("annotations") or {}
                if stack is not None and stack in orjson.loads(annotations.get(_STACKS, "[]")):
                    raise taken(lease.subject, _holder(other))

    def _check(self, other: Mapping[str, Any], services: Mapping[str, ServiceKey]) -> None:
        if (service := covered(other, services)) is not None:
            raise taken(service.at(self._cell), _holder(other))

    async def renew(self, lease: Lease) -> None:
        """Say that the holder lives. Marks the lease as lost when another has it, and not when
        only the answer to an earlier renewal was."""
        body = {
            "metadata": {"resourceVersion": lease.version},
            "spec": {"renewTime": _micro(self._clock.now())},
        }
        try:
            answer: Mapping[str, Any] | None
            answer = await self._client.patch(self._path(lease.name), body)
        except (Conflict, NotFound):
            # Ours all the same where a renewal arrived, and its answer did not.
            answer = await self._read(lease.name)
        if answer is None or not _is_held(answer, lease):
            lease.lost = True
        else:
            self._note(lease, answer)

    async def keep(self, lease: Lease) -> None:
        """Renew until cancelled, or until it is lost."""
        while not lease.lost:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self.renew(lease)
            except SkerryError:
                continue  # the cluster does not answer: nobody else can take it meanwhile

    async def check(self, lease: Lease) -> None:
        """Before a write: that it is still ours. Raises Conflict."""
        if self._clock.monotonic() - lease.renewed > DURATION_SECONDS - RENEW_SECONDS:
            await self.renew(lease)
        if lease.lost:
            raise Conflict(
                "its lease went to another writer while the cluster did not answer",
                subject=lease.subject,
                hint="look again: skerry plan",
            )

    async def give_up(self, lease: Lease) -> None:
        """Let others in. Does nothing to a lease that is another's by now: who takes one over
        makes it anew."""
        if not lease.lost:
            try:
                await self._client.delete(ObjectKey("Lease", SYSTEM, lease.name), uid=lease.uid)
            except Conflict:
                lease.lost = True

    async def forget_dead(self) -> frozenset[str]:
        """Remove what dead writers left long ago. The names of the leases that stay."""
        labels = f"{KEPT}={LEASE}"
        left: set[str] = set()
        async for each in self._client.list("Lease", namespace=SYSTEM, labels=labels):
            metadata = each["metadata"]
            left.add(metadata["name"])
            if _renewed(each) + FORGOTTEN < self._clock.now():
                key = ObjectKey("Lease", SYSTEM, metadata["name"])
                try:
                    await self._client.delete(
                        key, uid=metadata["uid"], version=metadata["resourceVersion"]
                    )
                except Conflict:
                    continue  # somebody took it over
                left.discard(metadata["name"])
        return frozenset(left)

    async def live(self) -> tuple[Mapping[str, Any], ...]:
        """The leases that are held now, as annotations say for what."""
        labels = f"{KEPT}={LEASE}"
        leases = self._client.list("Lease", namespace=SYSTEM, labels=labels)
        return tuple([each async for each in leases if self._live(each)])

    async def _take(self, lease: Lease, about: Mapping[str, str]) -> Lease:
        now = _micro(self._clock.now())
        manifest: dict[str, Any] = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": lease.name,
                "namespace": SYSTEM,
                "labels": kept_labels(LEASE),
                "annotations": {_BY: lease.by, **about},
            },
            "spec": {
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": int(DURATION_SECONDS),
                "acquireTime": now,
                "renewTime": now,
            },
        }
        try:
            self._note(lease, await self._create(manifest))
        except Conflict as error:
            if not exists(error):
                raise
            await self._steal(lease, manifest)
        return lease

    async def _create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._client.create(manifest)
        except NotFound:
            await ensure_namespace(self._client, SYSTEM)
            return await self._client.create(manifest)

    async def _steal(self, lease: Lease, manifest: dict[str, Any]) -> None:
        """Take over a lease whose holder is dead: past its time by our clock, and not renewed
        while we watched, whatever the clocks say."""
        other = await self._read(lease.name)
        if other is not None:
            if self._live(other):
                raise taken(lease.subject, _holder(other))
            await self._clock.sleep(1.5 * RENEW_SECONDS)
        now = _micro(self._clock.now())
        spec = {**manifest["spec"], "acquireTime": now, "renewTime": now}
        try:
            if other is not None:
                # Another object, and not this one anew: its dead holder, should it wake up,
                # gives up by its uid.
                metadata = other["metadata"]
                key = ObjectKey("Lease", SYSTEM, lease.name)
                await self._client.delete(
                    key, uid=metadata["uid"], version=metadata["resourceVersion"]
                )
            self._note(lease, await self._create({**manifest, "spec": spec}))
        except Conflict as error:
            there = await self._read(lease.name)
            raise taken(lease.subject, _holder(there) if there else "another writer") from error

    async def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return await self._client.get(self._path(name))
        except NotFound:
            return None

    def _live(self, lease: Mapping[str, Any]) -> bool:
        seconds = lease["spec"].get("leaseDurationSeconds", DURATION_SECONDS)
        return self._clock.now() < _renewed(lease) + timedelta(seconds=seconds)

    def _note(self, lease: Lease, answer: Mapping[str, Any]) -> None:
        lease.version = answer["metadata"]["resourceVersion"]
        lease.uid = answer["metadata"]["uid"]
        lease.renewed = self._clock.monotonic()

    def _path(self, name: str) -> str:
        return self._client.path_of("Lease", SYSTEM, name)


def covered(lease: Mapping[str, Any], services: Mapping[str, ServiceKey]) -> ServiceKey | None:
    """One of these services, by hash, that the lease is for, alone or among others."""
    name = lease["metadata"]["name"]
    annotations = lease["metadata"].get("annotations") or {}
    if name.startswith("w-"):
        return services.get(name.removeprefix("w-"))
    if _STACK in annotations:
        tenants = (each for each in services.values() if stack_of(each) == annotations[_STACK])
        return next(tenants, None)
    both = services.keys() & set(orjson.loads(annotations.get(_SERVICES, "[]")))
    return services[min(both)] if both else None


def _is_held(lease: Mapping[str, Any], ours: Lease) -> bool:
    return bool(lease["spec"].get("holderIdentity") == ours.holder)


def _renewed(lease: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(lease["spec"]["renewTime"])


def _stacks(services: Collection[ServiceKey]) -> dict[str, str]:
    stacks = {stack for each in services if (stack := stack_of(each)) is not None}
    return {_STACKS: orjson.dumps(sorted(stacks)).decode()}


def _stack_name(stack: str) -> str:
    return f"s-{digest_of(stack)[:16]}"


def _holder(lease: Mapping[str, Any]) -> str:
    annotations = lease["metadata"].get("annotations") or {}
    since = datetime.fromisoformat(lease["spec"]["acquireTime"])
    return f"{annotations.get(_BY, 'another writer')} since {since:%H:%M:%S}"


def _micro(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

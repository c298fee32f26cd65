"""A namespace of one's own on the test cluster, and services in it, said in few words."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

from skerry.compiler.job import one_off
from skerry.engines.kubernetes.inventory import Item, write_items
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.watching import Watches
from skerry.errors import NotFound
from skerry.model.keys import ServiceKey
from skerry.model.objects import DIGEST, INVENTORY, Manifest, annotation, key_of
from skerry.model.secret import SecretValue
from skerry.model.world import Observation, Scope, ServiceState, State
from skerry.observer.rollout import Failed, progress
from skerry.observer.understand import understand
from tests import builders
from tests.builders import ServiceBuilder, bundle

PATIENCE_SECONDS = 20.0


class Vault:
    """Secrets of a test."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def resolve(self, reference: str) -> SecretValue:
        if reference not in self.values:
            raise NotFound("is not set", subject=f"secret/{reference}")
        return SecretValue(self.values[reference])

    async def fingerprint(self, reference: str) -> str:
        return str(len(self.values.get(reference, "")))


class Bench:
    """Applies bundles as they are, without an engine: what is tested here only looks."""

    def __init__(self, parts: Parts, watches: Watches, namespace: str) -> None:
        self.parts, self.watches, self.namespace = parts, watches, namespace

    def key(self, name: str = "web") -> ServiceKey:
        return ServiceKey(self.namespace, name)

    def scope(self, name: str = "web") -> Scope:
        return Scope(services=frozenset({self.key(name)}))

    def service(self, name: str = "web") -> ServiceBuilder:
        return builders.service(name).team(self.namespace)

    def objects(self, builder: ServiceBuilder) -> tuple[Manifest, ...]:
        return bundle(builder, cell=self.parts.cell).objects

    async def apply(self, builder: ServiceBuilder) -> None:
        objects = self.objects(builder)
        for manifest in objects:
            listing = manifest["kind"] == "Deployment"
            await self.parts.client.apply(_listing(manifest, objects) if listing else manifest)

    async def state(self, name: str = "web") -> ServiceState:
        return understand(await self.watches.observe(self.scope(name))).services[self.key(name)]

    async def until(
        self,
        wanted: Callable[[ServiceState], bool],
        name: str = "web",
        *,
        watches: Watches | None = None,
    ) -> ServiceState:
        """The first look at which it is so."""

        def asked(observation: Observation) -> ServiceState | None:
            state = understand(observation).services.get(self.key(name))
            return state if state is not None and wanted(state) else None

        return await self.seen(asked, self.scope(name), watches=watches)

    async def seen(
        self,
        asked: Callable[[Observation], Any],
        scope: Scope,
        *,
        watches: Watches | None = None,
    ) -> Any:
        """The first answer that is something, while watching."""
        last: Observation | None = None
        try:
            watch = cast("Any", (watches or self.watches).watch(scope))
            async with asyncio.timeout(PATIENCE_SECONDS), aclosing(watch):
                async for observation in watch:
                    last = observation
                    if answer := asked(observation):
                        return answer
        except TimeoutError:
            raise AssertionError(f"not seen: {last and understand(last).services}") from None
        raise AssertionError("a watch never ends")

    async def running(self, name: str = "web") -> ServiceState:
        return await self.until(lambda state: state.state is State.RUNNING, name)

    async def failed(self, name: str = "web") -> Failed:
        """Why its rollout is hopeless."""
        state = await self.until(lambda state: isinstance(progress(state), Failed), name)
        answer = progress(state)
        assert isinstance(answer, Failed)
        return answer

    async def job(self, *command: str, name: str = "web") -> Manifest:
        """A one-off of a service as it is deployed."""
        path = self.parts.client.path_of("Deployment", self.namespace, name)
        deployment = await self.parts.client.get(path)
        deployment |= {"kind": "Deployment"}
        return one_off(deployment, command, name=f"{name}.run-1", deadline_seconds=60)


def _listing(deployment: Manifest, objects: Sequence[Manifest]) -> Manifest:
    """The Deployment with what its service consists of, as the engine writes it."""
    others = [each for each in objects if each is not deployment]
    items = {key_of(each): Item(digest=annotation(each, DIGEST) or "") for each in others}
    metadata = deployment["metadata"]
    annotations = {**metadata["annotations"], INVENTORY: write_items(items)}
    return {**deployment, "metadata": {**metadata, "annotations": annotations}}

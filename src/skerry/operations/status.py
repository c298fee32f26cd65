"""How everything is."""

from dataclasses import replace

from skerry.errors import NotFound
from skerry.model.access import Identity
from skerry.model.keys import ServiceKey
from skerry.model.world import EVERYTHING, Scope, ServiceState, Snapshot
from skerry.observer.understand import understand
from skerry.operations import scopes
from skerry.operations.platform import Platform


async def status(
    platform: Platform, *, namespace: str | None = None, name: str | None = None, by: Identity
) -> Snapshot:
    """The services the token sees, narrowed to a namespace or a name. Raises Forbidden for a
    namespace it does not see."""
    if namespace is not None:
        scopes.require(by, [namespace])
    scope = EVERYTHING
    if namespace is not None and name is not None:
        scope = Scope(services=frozenset({ServiceKey(namespace, name)}))
    snapshot = understand(await platform.engine.observe(scope))
    return replace(
        snapshot,
        services={
            key: state
            for key, state in snapshot.services.items()
            if by.sees(key.namespace)
            and namespace in (None, key.namespace)
            and name in (None, key.name)
        },
    )


async def one_status(platform: Platform, service: ServiceKey, *, by: Identity) -> ServiceState:
    """One service and its replicas. Raises NotFound, Forbidden."""
    snapshot = await status(platform, namespace=service.namespace, name=service.name, by=by)
    if service not in snapshot.services:
        raise NotFound("is not here", subject=service.at(snapshot.cell), hint="skerry status")
    return snapshot.services[service]

"""Removes what nothing uses any more: volumes somebody gave up, networks of empty namespaces."""

from collections.abc import Set

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import claims_of, volume_name
from skerry.engines.local.crew import Crew
from skerry.errors import EngineUnavailable


async def clear_volumes(crew: Crew) -> None:
    """Remove the volumes that were given up, once nobody uses them. Carries on when one does
    not go: it stays noted, and the next service that ends, or the next start, tries again."""
    state = crew.state
    used = {
        volume_name(crew.settings, service.namespace, claim)
        for service, manifest in state.deployments().items()
        for claim in claims_of(manifest["spec"]["template"]).values()
    }
    busy = {str(one.service) for one in state.replicas.values()}
    for name, service in list(state.doomed.items()):
        if name in used or service in busy:
            continue
        try:
            await crew.runtime.remove_volume(name)
            await state.doom(name, None)
        except (ApiError, EngineUnavailable):
            continue


async def clear_networks(crew: Crew, busy: Set[str]) -> None:
    """Remove the networks of namespaces that run nothing; `busy` ones stay in any case.
    Carries on when that fails: the next service that ends tries again."""
    used = {service.namespace for service in crew.state.deployments()} | busy
    used |= {one.service.namespace for one in crew.state.replicas.values()}
    try:
        for namespace in await crew.networks.existing():
            if namespace not in used and not crew.jobs:
                await crew.networks.remove(namespace)
    except (ApiError, EngineUnavailable):
        return

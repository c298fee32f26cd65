"""After a start: what the server before left running becomes this one's, untouched."""

import asyncio
import logging
from ipaddress import IPv4Address

import orjson

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import (
    ADDRESS,
    CARE,
    HASH,
    NAME,
    NAMESPACE,
    POD,
    REPLICA,
    ROLE,
)
from skerry.engines.local.crew import Crew
from skerry.engines.local.pilot import locate
from skerry.engines.local.probes import probe
from skerry.engines.local.replica import Phase, Replica
from skerry.engines.local.runtime import Found
from skerry.engines.local.sessions import run_quietly
from skerry.engines.local.workload import care_from_json
from skerry.errors import EngineUnavailable
from skerry.model.keys import ServiceKey

log = logging.getLogger(__name__)


async def adopt(crew: Crew) -> tuple[Replica, ...]:
    """Everything of ours that runs or ran, as replicas with their memory. Raises
    EngineUnavailable, ApiError; nothing is changed then.

    What was never started may lack its files, and a one-off's client is gone: both are
    removed. A replica that was ready stays ready until its checks say otherwise, so that
    the first configuration of the gateway takes nothing away.
    """
    found = await crew.runtime.list()
    half_made = [one for one in found if not _whole(one)]
    await asyncio.gather(*(clear_away(one, crew) for one in half_made))
    replicas = [_replica(one, crew) for one in found if _whole(one)]
    for pod in set(crew.state.recalled) - {replica.pod for replica in replicas}:
        await crew.state.forget(pod)
    await asyncio.gather(*(_settle(replica, crew) for replica in replicas))
    for replica in replicas:
        crew.state.replicas[replica.pod] = replica
    return tuple(replicas)


async def clear_away(found: Found, crew: Crew) -> None:
    """Remove a container of ours that nobody looks after; carry on when it cannot be."""
    log.info("removing %s: it was left behind", found.name)
    try:
        await crew.runtime.remove(found.name)
    except (ApiError, EngineUnavailable) as error:
        log.warning("%s: %s", found.name, error)


def _whole(found: Found) -> bool:
    return (
        found.labels.get(ROLE) == REPLICA
        and CARE in found.labels
        and found.state not in ("created", "configured", "initialized", "removing")
    )


def _replica(found: Found, crew: Crew) -> Replica:
    labels = found.labels
    written = labels.get(ADDRESS)
    ip = IPv4Address(written) if written else None
    if ip is not None:
        crew.book.adopt(ip)
    replica = Replica(
        pod=labels[POD],
        service=ServiceKey(labels[NAMESPACE], labels[NAME]),
        hash=labels[HASH],
        care=care_from_json(orjson.loads(labels[CARE])),
        container=found.name,
        born=found.created,
        ip=ip,
        started=found.created,
        phase=Phase.RUNNING,
        reason="",
    )
    crew.state.recall(replica, crew.clock.now())
    if found.state not in ("running", "paused"):
        replica.ended.set()
        replica.turn(False, crew.clock.now())
    return replica


async def _settle(replica: Replica, crew: Crew) -> None:
    """Where it listens; and, when nothing is remembered, whether it is well right now."""
    if replica.ended.is_set():
        return
    await locate(replica, crew)
    if replica.ready or replica.retiring is not None or replica.care.check.kind == "none":
        return

    async def command(words: tuple[str, ...]) -> tuple[int, str]:
        return await run_quietly(crew.runtime.api, replica.container, words)

    try:
        answer = await probe(
            replica.care.check, replica.address, command=command, forwarded=not crew.routed
        )
    except (ApiError, EngineUnavailable):
        return
    replica.turn(answer.healthy, crew.clock.now())

"""`resume STACK`: a roll-out that halted, was aborted, or lost its carrier goes on."""

import asyncio
from functools import partial

from skerry.errors import Conflict
from skerry.model.access import Identity
from skerry.model.progress import Operation
from skerry.model.sources import Sources
from skerry.model.stack import tenant_key
from skerry.operations import rollouts, scopes, versions, way_back
from skerry.operations.deploy import Permit
from skerry.operations.logbook import Logbook
from skerry.operations.packing import pack_sources
from skerry.operations.permission import permitted
from skerry.operations.platform import Platform


async def go_on(
    platform: Platform,
    stack: str,
    *,
    sources: Sources,
    by: Identity,
    permit: Permit | None = None,
) -> Operation:
    """Begin, with these documents; one that takes a roll-out back needs none. Raises NotFound,
    Refused when nothing is left of it, Conflict when the documents are others by now."""
    logbook = Logbook(platform, stack)
    there = await logbook.read()
    scopes.require(by, (tenant_key(stack, each).namespace for wave in there.waves for each in wave))
    if there.undoes:
        await permitted(permit, logbook.subject)
        return await rollouts.begin_again(
            platform,
            stack,
            way_back.KIND,
            by=by,
            request={},
            work=partial(way_back.carry_back, platform),
        )
    repository = await asyncio.to_thread(platform.load, sources)
    declared = versions.find_stack(repository, stack)
    if versions.source_of(declared) != there.source:
        raise Conflict(
            "the stack's document is another than when the roll-out began",
            subject=logbook.subject,
            hint=f"begin anew: skerry deploy {stack} --version {there.version}",
        )
    await permitted(permit, logbook.subject)
    return await rollouts.begin_again(
        platform,
        stack,
        versions.KIND,
        by=by,
        request={"sources": pack_sources(sources)},
        work=partial(versions.carry_version, platform),
    )

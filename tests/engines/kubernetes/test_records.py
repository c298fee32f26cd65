"""Releases in a cell: what is kept of a history."""

from dataclasses import replace

import pytest

from skerry.engines.kubernetes.history import HISTORY
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from tests.conformance.test_engine import NOW
from tests.engines.kubernetes.harness import KubernetesWorld

pytestmark = pytest.mark.cluster
WEB = ServiceKey("default", "web")


def release(number: int) -> Release:
    return Release(
        service=WEB, number=number, image="", by="ann", at=NOW, reason="", inputs="", objects=()
    )


async def test_the_release_to_go_back_to_outlives_any_number_of_failures(
    world: KubernetesWorld,
) -> None:
    await world.engine.record(release(1))
    await world.engine.record(replace(release(1), verdict=Verdict.DEPLOYED))
    for number in range(2, HISTORY + 5):
        await world.engine.record(release(number))
        failed = replace(release(number), verdict=Verdict.FAILED, verdict_reason="crashed")
        await world.engine.record(failed)
    newest, *_, oldest = await world.engine.releases(WEB)
    assert (newest.number, oldest.number, oldest.verdict) == (HISTORY + 4, 1, Verdict.DEPLOYED)
    assert len(await world.engine.releases(WEB)) == HISTORY + 1

"""Looking at services on a real control plane: what is seen, when, and in which words."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest

from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.watching import NARROW, Watches
from skerry.model.objects import STACK, TENANT
from skerry.model.world import EVERYTHING, Scope, State
from skerry.observer.rollout import Waiting, progress
from skerry.observer.understand import understand
from tests.engines.kubernetes.bench import Bench

pytestmark = pytest.mark.cluster


async def test_a_service_comes_to_run_and_its_replicas_are_current(bench: Bench) -> None:
    await bench.apply(bench.service().replicas(2))
    state = await bench.running()
    assert (state.ready, state.desired) == (2, 2)
    assert all(each.updated and each.address for each in state.replicas)


async def test_a_look_at_one_service_shows_all_it_consists_of(bench: Bench) -> None:
    web = bench.service().volume("data", "/data")
    await bench.apply(web)
    await bench.apply(bench.service("api"))
    look = understand(await bench.watches.observe(bench.scope()))
    assert {str(key) for key in look.objects} == {
        f"{each['kind']}/{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in bench.objects(web)
    }
    assert set(look.services) == {bench.key()}
    everything = understand(await bench.watches.observe())
    assert {bench.key(), bench.key("api")} <= set(everything.services)
    assert set(look.objects) <= set(everything.objects)


async def test_replicas_of_an_older_template_are_told_apart(bench: Bench) -> None:
    web = bench.service()
    await bench.apply(web)
    await bench.running()
    await bench.apply(web.image("fault/never-ready:2"))
    told = "answers 503 (readiness probe)"
    state = await bench.until(lambda state: len(state.replicas) == 2 and told in state.reason)
    assert {each.updated for each in state.replicas} == {True, False}
    assert state.ready == 1


async def test_right_after_an_apply_nothing_looks_done(bench: Bench) -> None:
    web = bench.service()
    await bench.apply(web)
    await bench.running()
    await bench.apply(web.image("registry.test/web:2"))
    assert (await bench.state()).state is State.DEPLOYING


async def test_a_crash_is_told_with_its_last_lines(bench: Bench) -> None:
    await bench.apply(bench.service().image("fault/exits:1"))
    failed = await bench.failed()
    assert "exited 1: no such table: users" in failed.reason
    assert failed.last_lines[-1] == "no such table: users"


async def test_running_out_of_memory_is_told(bench: Bench) -> None:
    await bench.apply(bench.service().image("fault/oom:1"))
    assert "ran out of memory and was killed" in (await bench.failed()).reason


async def test_an_image_that_is_nowhere_is_told_by_name(bench: Bench) -> None:
    await bench.apply(bench.service().image("fault/missing:1"))
    assert "cannot get image fault/missing:1: not found" in (await bench.failed()).reason


async def test_what_finds_no_place_is_waited_for_and_says_why(bench: Bench) -> None:
    await bench.apply(bench.service().image("fault/unschedulable:1"))
    state = await bench.until(lambda state: "finds no place" in state.reason)
    assert "0/3 nodes: 3 have too little cpu" in state.reason
    assert isinstance(progress(state), Waiting)


async def test_a_quota_that_is_used_up_is_told(bench: Bench) -> None:
    await bench.apply(bench.service())
    await bench.running()
    await bench.parts.client.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "team", "namespace": bench.namespace},
            "spec": {"hard": {"pods": "1"}},
        }
    )
    await asyncio.sleep(0.5)  # until the quota's controller has counted what is there
    await bench.apply(bench.service().image("registry.test/web:2"))
    state = await bench.until(lambda state: "quota" in state.reason)
    assert "quota team is used up: 1 of 1 pods used, 1 more asked for" in state.reason
    await bench.apply(bench.service())
    assert (await bench.running()).ready == 1, "going back is not held up by what failed before"


async def test_pod_security_that_forbids_is_told_and_hopeless(bench: Bench, parts: Parts) -> None:
    path = parts.client.path_of("Namespace", "", bench.namespace)
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    await parts.client.patch(path, {"metadata": {"labels": level}})
    privileged = {"Deployment": {"spec": {"template": {"spec": {"hostNetwork": True}}}}}
    await bench.apply(bench.service().having(patch=privileged))
    failed = await bench.failed()
    assert "Pod Security restricted forbids it: host namespaces" in failed.reason


async def test_a_watch_speaks_at_once_and_after_changes_of_its_own_service(bench: Bench) -> None:
    watch = cast("Any", bench.watches.watch(bench.scope()))
    async with aclosing(watch), asyncio.timeout(10):
        assert not (await anext(watch)).objects
        await bench.apply(bench.service())
        while not (look := await anext(watch)).pods:
            pass
    assert {each["metadata"]["namespace"] for each in look.objects} == {bench.namespace}


async def test_many_services_share_the_watches_of_the_whole_cell(bench: Bench) -> None:
    services = frozenset({bench.key(), *(bench.key(f"no-{n}") for n in range(NARROW))})
    scope = Scope(services=services)
    web = bench.service()
    await bench.apply(web)
    state = await bench.seen(
        lambda look: (
            (found := understand(look).services.get(bench.key()))
            and found.state is State.RUNNING
            and found
        ),
        scope,
    )
    assert state.image == "registry.test/web:1.0.0"
    other = cast("Any", bench.watches.watch(EVERYTHING))
    async with aclosing(other):
        await anext(other)
        before = bench.parts.client.requests
        async with aclosing(cast("Any", bench.watches.watch(scope))) as second:
            await bench.apply(web.image("registry.test/web:2"))
            applied = bench.parts.client.requests - before
            look = understand(await anext(second))
            assert look.services[bench.key()].state is State.DEPLOYING, "it lags behind no apply"
            opened = bench.parts.client.requests - before - applied
    assert opened <= len(services), "one look at each Deployment, and no watch more"


async def test_a_stack_is_watched_without_naming_its_tenants(bench: Bench, parts: Parts) -> None:
    labels = {STACK: f"s-{bench.namespace}", TENANT: "web"}
    for manifest in bench.objects(bench.service()):
        marked = {**manifest["metadata"]["labels"], **labels}
        await parts.client.apply(
            {**manifest, "metadata": {**manifest["metadata"], "labels": marked}}
        )
    await bench.apply(bench.service("other"))
    scope = Scope(stack=labels[STACK])
    look = await bench.seen(lambda look: look if look.pods else None, scope)
    assert set(understand(look).services) == {bench.key()}
    assert set(understand(await bench.watches.observe(scope)).services) == {bench.key()}


async def test_what_the_wide_watch_keeps_says_the_same_as_a_close_look(
    bench: Bench, parts: Parts
) -> None:
    await bench.apply(bench.service().replicas(1, 3))
    await bench.apply(bench.service("api").image("fault/exits:1"))
    await bench.running()
    await bench.failed("api")
    wide = Watches(parts)
    try:
        for name in ("web", "api"):
            near = await bench.state(name)
            far = await bench.until(
                lambda state, near=near: state.reason.split(",")[0] == near.reason.split(",")[0],
                name,
                watches=wide,
            )
            assert (far.state, far.image, far.desired) == (near.state, near.image, near.desired)
    finally:
        await wide.close()

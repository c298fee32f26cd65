"""The test cluster itself: pods become what their image says, with and without controllers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.errors import EngineUnavailable, NotFound
from skerry.model.keys import ObjectKey
from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import missing

pytestmark = pytest.mark.cluster
SECONDS = 20.0


@pytest.fixture(scope="module", params=["its own controllers", "the double's"])
def either(
    request: pytest.FixtureRequest, cluster: TestCluster, needs: Callable[[object, str], None]
) -> Iterator[TestCluster]:
    """The session's cluster, and one without a controller manager."""
    if request.param == "its own controllers":
        needs(cluster.ours and cluster.controllers, "no kube-controller-manager")
        yield cluster
        return
    needs(not missing(), missing())
    with private_cluster(controllers=False) as opened:
        yield opened


@pytest.fixture
async def admin(either: TestCluster) -> AsyncIterator[Client]:
    """A client of the cluster at hand."""
    opened = either.client()
    yield opened
    await opened.close()


@pytest.fixture
async def place(either: TestCluster) -> AsyncIterator[str]:
    """A namespace of it."""
    async with either.namespace() as name:
        yield name


def deployment(namespace: str, image: str, *, replicas: int = 2) -> dict[str, Any]:
    """A small one."""
    labels = {"app": "web"}
    pod = {"containers": [{"name": "main", "image": image}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


async def until(look: Callable[[], Any], want: Callable[[Any], object]) -> Any:
    """What is seen, once it is as wanted."""
    async with asyncio.timeout(SECONDS):
        while True:
            seen = await look()
            if want(seen):
                return seen
            await asyncio.sleep(0.02)


async def pods(client: Client, namespace: str) -> list[dict[str, Any]]:
    """All there are."""
    return [pod async for pod in client.list("Pod", namespace=namespace)]


def reasons(found: list[dict[str, Any]]) -> set[str]:
    """Why containers wait."""
    states = [pod["status"].get("containerStatuses", [{}])[0].get("state", {}) for pod in found]
    return {state["waiting"]["reason"] for state in states if "waiting" in state}


async def test_a_deployment_becomes_ready_rolls_and_goes(admin: Client, place: str) -> None:
    path = admin.path_of("Deployment", place, "web")
    for image in ("ghcr.io/acme/web:1", "ghcr.io/acme/web:2"):
        await admin.apply(deployment(place, image))
        seen = await until(
            lambda: admin.get(path),
            lambda d: (
                d.get("status", {}).get("observedGeneration") == d["metadata"]["generation"]
                and d["status"].get("updatedReplicas") == d["status"].get("availableReplicas") == 2
                and d["status"].get("replicas") == 2
            ),
        )
        available = {c["type"]: c["status"] for c in seen["status"]["conditions"]}
        assert available["Available"] == "True"
        running = [p for p in await pods(admin, place) if "deletionTimestamp" not in p["metadata"]]
        assert {p["spec"]["containers"][0]["image"] for p in running} == {image}
        assert all(p["status"]["podIP"].startswith("10.244.") for p in running)
    await admin.delete(ObjectKey("Deployment", place, "web"))
    await until(lambda: pods(admin, place), lambda found: not found)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("exits", "CrashLoopBackOff"),
        ("oom", "CrashLoopBackOff"),
        ("missing", "ImagePullBackOff"),
        ("config", "CreateContainerConfigError"),
    ],
)
async def test_a_fault_shows_as_kubernetes_shows_it(
    admin: Client, place: str, fault: str, reason: str
) -> None:
    await admin.apply(deployment(place, f"fault/{fault}:1", replicas=1))
    await until(lambda: pods(admin, place), lambda found: reasons(found) == {reason})


async def test_no_room_is_said_on_the_pod(admin: Client, place: str) -> None:
    await admin.apply(deployment(place, "fault/unschedulable", replicas=1))
    found = await until(
        lambda: pods(admin, place),
        lambda found: found and found[0]["status"].get("conditions"),
    )
    assert "3 Insufficient cpu" in found[0]["status"]["conditions"][0]["message"]


@pytest.mark.parametrize(("image", "ends"), [("web:1", "Complete"), ("fault/exits", "Failed")])
async def test_a_job_ends(admin: Client, place: str, image: str, ends: str) -> None:
    pod = {"containers": [{"name": "main", "image": image}], "restartPolicy": "Never"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once", "namespace": place},
        "spec": {"template": {"spec": pod}, "backoffLimit": 0},
    }
    await admin.apply(job)
    path = admin.path_of("Job", place, "once")
    await until(
        lambda: admin.get(path),
        lambda job: ends in {c["type"] for c in job["status"].get("conditions") or ()},
    )


async def test_a_namespace_goes(admin: Client, place: str) -> None:
    await admin.apply(deployment(place, "web:1"))
    await admin.delete(ObjectKey("Namespace", "", place))
    with pytest.raises(NotFound):
        await until(lambda: admin.get(f"/api/v1/namespaces/{place}"), lambda seen: False)


async def test_an_api_server_comes_back_where_it_was(
    needs: Callable[[object, str], None],
) -> None:
    needs(not missing(), missing())
    with private_cluster(controllers=False, pods=False) as own:
        client = own.client()
        await client.version()
        events = client.watch("Namespace")
        assert (await anext(events)).type == "SYNC"
        own.restart()
        name = {"name": "after"}
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": name})
        async with asyncio.timeout(SECONDS):
            names: set[str] = set()
            while "after" not in names:
                event = await anext(events)
                assert event.type != "DELETED"
                # Told by itself, or among all there is where the server has forgotten the rest.
                seen = (event.object, *event.items)
                names |= {each["metadata"]["name"] for each in seen if each}
        await events.aclose()
        own.stop()
        stranger = own.client()
        with pytest.raises(EngineUnavailable):
            await stranger.get("/version")
        await stranger.close()
        await client.close()

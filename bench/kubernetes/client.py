"""Objects applied a second: Skerry's client beside a bare loop of aiohttp and orjson.

    .venv/bin/python -m bench.kubernetes.client [OBJECTS]

The same objects, 16 in flight, in turns within one run, each into a namespace of its own, on
a control plane of its own without controllers. `adaptive` hands all of a turn to the client at
once, as the engine does, and leaves the width to it. `ms` is this process' own CPU for an
object, which neighbours on the machine do not change. Fewer Services than others: each takes
an address from the API server's allocator, which makes some forty a second.
"""

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import aiohttp
import orjson

from bench.machine import describe
from skerry.engines.kubernetes.client.client import Client
from tests.cluster.cluster import TestCluster, private_cluster

IN_FLIGHT = 16
TURNS = 12
KINDS = {"ConfigMap": 1.0, "Service": 0.1, "Deployment": 1.0}  # and their share of OBJECTS
TARGET = 0.9
WAYS = ("bare", "client", "adaptive")
Apply = Callable[[dict[str, Any]], Awaitable[object]]


PATHS = {"ConfigMap": ("api/v1", "configmaps"), "Service": ("api/v1", "services")}


class Bare:
    """One PATCH an object, and nothing else."""

    def __init__(self, cluster: TestCluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.plane.authority.file))
        self._base = cluster.url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            headers={
                "Authorization": f"Bearer {cluster.token}",
                "Content-Type": "application/apply-patch+yaml",
                "Accept": "application/json",
            },
        )

    async def apply(self, manifest: dict[str, Any]) -> object:
        """The object as it is now."""
        root, plural = PATHS.get(manifest["kind"], ("apis/apps/v1", "deployments"))
        metadata = manifest["metadata"]
        url = (
            f"{self._base}/{root}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
            "?fieldManager=skerry&fieldValidation=Strict"
        )
        async with self._session.patch(url, data=orjson.dumps(manifest)) as answer:
            body = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{url}: {answer.status} {body!r}")
            return orjson.loads(body)

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()


def manifest(kind: str, namespace: str, number: int) -> dict[str, Any]:
    """An object of the size compiled ones have."""
    name = f"service-{number}"
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "skerry",
        "skerry.dev/service": name,
    }
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        "annotations": {"skerry.dev/digest": f"{number:024x}"},
    }
    return {
        "apiVersion": "apps/v1" if kind == "Deployment" else "v1",
        "kind": kind,
        "metadata": metadata,
        **_body(kind, labels),
    }


def _body(kind: str, labels: dict[str, str]) -> dict[str, Any]:
    if kind == "ConfigMap":
        return {"data": {"app.toml": "level = 'info'\n" * 20}}
    if kind == "Service":
        port = {"name": "http", "port": 80, "targetPort": 8080}
        return {"spec": {"selector": labels, "ports": [port]}}
    container = {
        "name": "main",
        "image": "ghcr.io/acme/hello:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{number}", "value": "x" * 20} for number in range(10)],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}


async def in_flight(apply: Apply, manifests: list[dict[str, Any]]) -> float:
    """Seconds until all are applied, 16 at a time."""
    rest = iter(manifests)

    async def work() -> None:
        for one in rest:
            await apply(one)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - began


async def at_once(apply: Apply, manifests: list[dict[str, Any]]) -> float:
    """Seconds until all are applied, all handed over at once."""
    began = time.perf_counter()
    await asyncio.gather(*map(apply, manifests))
    return time.perf_counter() - began


async def measure(cluster: TestCluster, kind: str, objects: int) -> dict[str, tuple[float, float]]:
    """Objects a second and milliseconds of CPU an object, medians, by who applied."""
    bare, client = Bare(cluster), cluster.client()
    ways = {
        "bare": (in_flight, bare.apply),
        "client": (in_flight, client.apply),
        "adaptive": (at_once, client.apply),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    await _namespaces(client, [f"{name}-{kind.lower()}" for name in ways])
    size = objects // TURNS
    for turn in range(TURNS + 1):
        names = list(ways)[turn % 3 :] + list(ways)[: turn % 3]
        for name in names:
            namespace = f"{name}-{kind.lower()}"
            numbers = range(turn * size, (turn + 1) * size)
            manifests = [manifest(kind, namespace, number) for number in numbers]
            how, apply = ways[name]
            spent = time.process_time()
            rates[name].append(size / await how(apply, manifests))
            cpu[name].append((time.process_time() - spent) * 1000 / size)
    await client.close()
    await bare.close()
    # The first turn warms up.
    return {name: (median(rates[name][1:]), median(cpu[name][1:])) for name in ways}


async def _namespaces(client: Client, names: list[str]) -> None:
    for name in names:
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def main() -> None:
    """Measure and print, a line per kind."""
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 2400
    print(describe())
    print("kind         " + "".join(f"{name + '/s':>12}{'ms':>7}{'ratio':>7}" for name in WAYS))
    with private_cluster(pods=False, controllers=False) as cluster:
        for kind, share in KINDS.items():
            found = asyncio.run(measure(cluster, kind, int(objects * share)))
            bare = found["bare"][0]
            told = (
                f"{found[n][0]:>12.0f}{found[n][1]:>7.2f}{found[n][0] / bare:>7.2f}" for n in WAYS
            )
            print(f"{kind:<13}{''.join(told)}   target {TARGET}")


if __name__ == "__main__":
    main()

"""The manifests in deploy/kubernetes, read; and the server's own token on a cluster."""

import asyncio
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

from tests.cluster.cluster import TestCluster

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
NAMESPACE = "skerry-server"


def read(name: str) -> list[dict[str, Any]]:
    """All objects of one file."""
    return [each for each in yaml.safe_load_all((FOLDER / name).read_text()) if each]


def every() -> list[dict[str, Any]]:
    """All objects of all files, namespaces first."""
    found = [each for file in sorted(FOLDER.glob("*.yaml")) for each in read(file.name)]
    return sorted(found, key=lambda each: each["kind"] != "Namespace")


def let_server_in(cluster: TestCluster) -> str:
    """Make its account and role, and give a token of it."""

    async def make() -> None:
        client = cluster.client()
        try:
            for manifest in read("access.yaml"):
                await client.apply(manifest)
        finally:
            await client.close()

    with ThreadPoolExecutor(1) as aside:  # a fixture that asks for this may have a loop running
        aside.submit(lambda: asyncio.run(make())).result()
    return token_of_server(cluster)


def token_of_server(cluster: TestCluster) -> str:
    """A token of the ServiceAccount, as a pod gets one."""
    url = f"{cluster.url}/api/v1/namespaces/{NAMESPACE}/serviceaccounts/skerry-server/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    asked = Request(url, data=json.dumps(body).encode(), method="POST")
    asked.add_header("Authorization", f"Bearer {cluster.token}")
    asked.add_header("Content-Type", "application/json")
    context = ssl.create_default_context(cafile=str(cluster.plane.authority.file))
    with urlopen(asked, timeout=10, context=context) as answer:
        return str(json.loads(answer.read())["status"]["token"])

"""Every verb on every resource there is, from the API's own discovery, asked as somebody."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.access import tls_of
from skerry.engines.kubernetes.client.credentials import find_access
from tests.cluster.cluster import TestCluster

READS: Final = frozenset({"get", "list", "watch"})
WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
VERBS: Final = READS | WRITES | {"impersonate"}
"""Asked of everything, whatever discovery says it can; `impersonate` is in no discovery."""
SPECIAL: Final = {
    "roles": {"bind", "escalate"},
    "clusterroles": {"bind", "escalate"},
    "certificatesigningrequests": {"approve"},
    "signers": {"approve", "sign", "attest"},
    "serviceaccounts/token": {"create"},
}
UNDISCOVERED: Final = (
    ("", "users"),
    ("", "groups"),
    ("", "nodes/metrics"),
    ("", "nodes/stats"),
    ("", "nodes/log"),
    ("certificates.k8s.io", "signers"),
    ("*", "*"),
)
"""Resources only authorization knows."""
AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource, or a subresource: `pods`, `pods/exec`."""

    group: str
    version: str
    name: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def folder(self) -> str:
        """Where its group is."""
        group = f"apis/{self.group}" if self.group else "api"
        return f"/{group}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One verb on one resource; `namespace` is empty for all of them, or for none."""

    namespace: str
    group: str
    resource: str
    verb: str


class Caller:
    """Requests with one token, and nothing tried twice."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        data = None if body is None else orjson.dumps(body)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        sent = {"Content-Type": kind, **headers} if data else headers
        async with (
            self._gate,
            self._session.request(method, path, data=data, headers=sent) as answer,
        ):
            read = await answer.read()
            return answer.status, orjson.loads(read) if read[:1] == b"{" else {}

    async def may(self, rights: list[Right]) -> set[Right]:
        """Those of them this caller has."""
        allowed = await asyncio.gather(*(self._may(each) for each in rights))
        return {right for right, yes in zip(rights, allowed, strict=True) if yes}

    async def _may(self, right: Right) -> bool:
        resource, _, part = right.resource.partition("/")
        attributes = {
            "namespace": right.namespace,
            "group": right.group,
            "resource": resource,
            "subresource": part,
            "verb": right.verb,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        status, answer = await self.ask("POST", path, body)
        assert status == 201, answer
        return bool(answer["status"]["allowed"])


@asynccontextmanager
async def calling(cluster: TestCluster, token: str = "") -> AsyncIterator[Caller]:
    """Whoever has the token; the admin without one."""
    access = find_access(None, str(cluster.kubeconfig), {})
    given = await access.identity.credentials(SystemClock())
    shown = f"Bearer {token}" if token else given.authorization
    connector = aiohttp.TCPConnector(ssl=tls_of(access, None) or False, limit=AT_ONCE)
    headers = {"Authorization": shown or ""}
    async with aiohttp.ClientSession(access.url, connector=connector, headers=headers) as session:
        yield Caller(session)


async def token_of(admin: Caller, namespace: str, account: str) -> str:
    """A token as a pod of that account gets it."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    status, answer = await admin.ask("POST", path, body)
    assert status == 201, answer
    return str(answer["status"]["token"])


async def discover(admin: Caller) -> list[Resource]:
    """All the API server serves, every version of every group."""
    _, core = await admin.ask("GET", "/api/v1")
    _, groups = await admin.ask("GET", "/apis")
    names = [version["groupVersion"] for group in groups["groups"] for version in group["versions"]]
    answers = await asyncio.gather(*(admin.ask("GET", f"/apis/{name}") for name in names))
    found = [("", "v1", core)]
    for name, (status, answer) in zip(names, answers, strict=True):
        assert status == 200, (name, answer)
        group, _, version = name.partition("/")
        found.append((group, version, answer))
    return [each for group in found for each in _resources(*group)]


def every_right(resources: list[Resource], *namespaces: str) -> list[Right]:
    """Every verb on every resource, in each of these namespaces."""
    found = {(each.group, each.name): each.verbs for each in resources}
    found |= dict.fromkeys(UNDISCOVERED, frozenset())
    return sorted(
        (
            Right(namespace=namespace, group=group, resource=name, verb=verb)
            for (group, name), verbs in found.items()
            for verb in VERBS | verbs | SPECIAL.get(name, set())
            for namespace in namespaces
        ),
        key=str,
    )


def _resources(group: str, version: str, answer: dict[str, Any]) -> Iterator[Resource]:
    for each in answer["resources"]:
        yield Resource(
            group=group,
            version=version,
            name=each["name"],
            namespaced=each["namespaced"],
            verbs=frozenset(each["verbs"]),
        )

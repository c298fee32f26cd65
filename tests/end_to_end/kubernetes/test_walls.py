"""Two tenants of a stack on one cluster: neither reaches anything of the other's, by the API or
by the network, and each may do exactly what its Role says."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.cluster.cluster import TestCluster
from tests.end_to_end.kubernetes.checkout import Checkout, new_checkout
from tests.end_to_end.kubernetes.connections import End, Network
from tests.end_to_end.kubernetes.rights import (
    Caller,
    Resource,
    Right,
    calling,
    discover,
    every_right,
    token_of,
)

pytestmark = pytest.mark.cluster
PORT: Final = 8080
DATABASE: Final = "10.99.0.7"
OUTSIDE: Final = "203.0.113.9"
CREDENTIALS: Final = "169.254.169.254"
API_SERVER: Final = "10.0.0.1"
READABLE: Final = ("pods", "services", "configmaps")
REVIEWS: Final = {"authorization.k8s.io", "authentication.k8s.io"}
"""What anybody may: ask who they are and what they may."""
STACK: Final = """\
stack: walls-{mark}
template:
  image: web:1
  depends: [{team}/api]
  secrets: {{PASSWORD: env:WALLS_PASSWORD}}
  files: {{/etc/app.conf: ./app.conf}}
  volumes: {{data: /data}}
  route: {{}}
allow: {allow}
tenants: {{a: {{}}, b: {{}}}}
"""
TEAM: Final = """\
service: api
team: {team}
image: api:1
---
service: other
team: {team}x
image: other:1
"""


@dataclass(frozen=True, slots=True)
class Walls:
    """Two tenants that run, by their namespaces; the service they depend on; a stranger."""

    cluster: TestCluster
    checkout: Checkout
    a: str
    b: str

    @asynccontextmanager
    async def callers(self) -> AsyncIterator[tuple[Caller, Caller]]:
        """The admin, and tenant a."""
        async with calling(self.cluster) as admin:
            token = await token_of(admin, self.a, "a")
            async with calling(self.cluster, token) as guest:
                yield admin, guest


@pytest.fixture(scope="module")
def walls(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walls]:
    checkout = new_checkout(tmp_path_factory.mktemp("walls"))
    checkout.environ["WALLS_PASSWORD"] = "pl4nted"
    ingress = "routes: ingress\ningress: {class: nginx, namespace: proxies}\n"
    checkout.cell("eu-1", cluster.kubeconfig, more=f"domain: eu.test\n{ingress}")
    allow = f'["{DATABASE}/32:5432", "0.0.0.0/0:443"]'
    stack = STACK.format(mark=checkout.mark, team=checkout.team, allow=allow)
    checkout.write("stack.yaml", stack)
    checkout.write("app.conf", "a file")
    checkout.write("team.yaml", TEAM.format(team=checkout.team))
    checkout.apply()
    yield Walls(cluster, checkout, f"walls-{checkout.mark}-a", f"walls-{checkout.mark}-b")
    checkout.skerry("down", str(checkout.folder))


class TestTheApi:
    async def test_every_verb_on_every_resource_of_the_other_is_refused(self, walls: Walls) -> None:
        async with walls.callers() as (admin, guest):
            rights = every_right(await discover(admin), walls.b, "kube-system", "skerry")
            assert len(rights) > 1000
            assert {each.group for each in await guest.may(rights)} <= REVIEWS
            theirs = [each for each in rights if each.namespace == walls.b]
            assert await admin.may(theirs) == set(theirs)  # the question is understood

    async def test_its_own_rights_are_what_its_role_says_and_nothing_else(
        self, walls: Walls, cluster: TestCluster
    ) -> None:
        async with walls.callers() as (admin, guest), cluster.namespace("nobody") as empty:
            rights = every_right(await discover(admin), walls.a, "")
            token = await fresh_token(admin, empty)
            async with calling(cluster, token) as nobody:
                anybodys = await nobody.may(rights)
            assert {each.group for each in anybodys} <= REVIEWS
            own = await guest.may(rights) - anybodys
            assert own == {
                Right(namespace=walls.a, group="", resource=resource, verb=verb)
                for resource in READABLE
                for verb in ("get", "list", "watch")
            }

    async def test_requests_are_refused_as_the_reviews_say(self, walls: Walls) -> None:
        async with walls.callers() as (admin, guest):
            resources = await discover(admin)
            tried = [*lists_of(resources, walls.b), *writes_of(resources, walls.b)]
            tried += [each async for each in objects_of(admin, resources, walls.b)]
            tried += processes_of(await pod_of(admin, walls.b))
            answers = await asyncio.gather(*(guest.ask(*each) for each in tried))
            let_in = [
                (method, path, status)
                for (method, path, *_), (status, _) in zip(tried, answers, strict=True)
                if status != 403
            ]
            assert let_in == []
            assert len(tried) > 150
            assert (await guest.ask("GET", f"/api/v1/namespaces/{walls.a}/pods"))[0] == 200

    async def test_it_can_be_nobody_else(self, walls: Walls) -> None:
        async with walls.callers() as (_, guest):
            account = f"system:serviceaccount:{walls.b}:b"
            for user in (account, "admin", "system:kube-controller-manager"):
                path = f"/api/v1/namespaces/{walls.b}/pods"
                status, _ = await guest.ask("GET", path, **{"Impersonate-User": user})
                assert status == 403, user
            path = f"/api/v1/namespaces/{walls.b}/serviceaccounts/b/token"
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            assert (await guest.ask("POST", path, body))[0] == 403
            for path in ("/metrics", "/logs", "/debug/pprof", "/api/v1/nodes/x/proxy/pods"):
                assert (await guest.ask("GET", path))[0] == 403, path

    async def test_its_replicas_hold_no_token(self, walls: Walls) -> None:
        async with walls.callers() as (admin, _):
            pod = await pod_of(admin, walls.a)
            assert pod["spec"]["automountServiceAccountToken"] is False
            sources = [each for v in pod["spec"]["volumes"] for each in (v.get("projected") or {})]
            assert sources == []


async def fresh_token(admin: Caller, namespace: str) -> str:
    """Of an account nobody gave anything."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}
    await admin.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    return await token_of(admin, namespace, "nobody")


def lists_of(resources: list[Resource], namespace: str) -> Iterator[tuple[str, str]]:
    """Every list there is: of that namespace, and of the whole cluster."""
    for each in resources:
        if "list" in each.verbs:
            yield "GET", f"{each.folder}/{each.name}"
            if each.namespaced:
                yield "GET", f"{each.folder}/namespaces/{namespace}/{each.name}"
                yield "DELETE", f"{each.folder}/namespaces/{namespace}/{each.name}"


def writes_of(resources: list[Resource], namespace: str) -> Iterator[tuple[str, str, Any]]:
    """Something made anew, of every kind that can be."""
    for each in resources:
        if "create" in each.verbs and "/" not in each.name and "review" not in each.name:
            place = f"/namespaces/{namespace}" if each.namespaced else ""
            yield "POST", f"{each.folder}{place}/{each.name}", {"metadata": {"name": "planted"}}


async def objects_of(
    admin: Caller, resources: list[Resource], namespace: str
) -> AsyncIterator[tuple[Any, ...]]:
    """What is there, each object: read, changed, deleted."""
    for each in resources:
        if each.namespaced and "get" in each.verbs and "list" in each.verbs:
            folder = f"{each.folder}/namespaces/{namespace}/{each.name}"
            _, answer = await admin.ask("GET", folder)
            for one in answer["items"]:
                path = f"{folder}/{one['metadata']['name']}"
                yield "GET", path
                yield "PATCH", path, {"metadata": {"labels": {"planted": "yes"}}}
                yield "DELETE", path


def processes_of(pod: dict[str, Any]) -> list[tuple[str, str]]:
    """Ways into a replica."""
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
    return [
        ("GET", f"{path}/log"),
        ("POST", f"{path}/exec?command=sh&stdin=true"),
        ("POST", f"{path}/attach?stdin=true"),
        ("POST", f"{path}/portforward?ports=8080"),
        ("GET", f"{path}/proxy/"),
        ("PATCH", f"{path}/ephemeralcontainers"),
    ]


async def pod_of(admin: Caller, namespace: str) -> dict[str, Any]:
    """Its first replica."""
    _, answer = await admin.ask("GET", f"/api/v1/namespaces/{namespace}/pods")
    return dict(answer["items"][0])


@dataclass(frozen=True, slots=True)
class Map:
    """Every pod and policy of a cluster, and places of our own making."""

    network: Network
    pods: dict[str, End]

    def stranger(self, namespace: str, address: str, **labels: str) -> End:
        """A pod that is not there, in a namespace nobody made."""
        around = {"kubernetes.io/metadata.name": namespace}
        return End(address=address, namespace=namespace, labels=labels, around=around)


async def map_of(admin: Caller) -> Map:
    """Read from the cluster as it is."""
    _, spaces = await admin.ask("GET", "/api/v1/namespaces")
    _, pods = await admin.ask("GET", "/api/v1/pods")
    _, policies = await admin.ask("GET", "/apis/networking.k8s.io/v1/networkpolicies")
    around = {each["metadata"]["name"]: each["metadata"]["labels"] for each in spaces["items"]}
    ends = {
        pod["metadata"]["namespace"]: End(
            address=pod["status"]["podIP"],
            namespace=pod["metadata"]["namespace"],
            labels=pod["metadata"]["labels"],
            around=around[pod["metadata"]["namespace"]],
        )
        for pod in pods["items"]
        if "podIP" in pod["status"]
    }
    return Map(Network(policies=policies["items"]), ends)


@pytest.fixture
async def plan(walls: Walls) -> Map:
    async with calling(walls.cluster) as admin:
        return await map_of(admin)


class TestTheNetwork:
    """`possible` is asked where nothing may pass, `certain` where it must."""

    def test_tenants_do_not_reach_each_other(self, walls: Walls, plan: Map) -> None:
        a, b = plan.pods[walls.a], plan.pods[walls.b]
        for port in (PORT, 443, 53, 5432, 22):
            for protocol in ("TCP", "UDP", "SCTP"):
                assert not plan.network.possible(a, b, port, protocol), (port, protocol)
                assert not plan.network.possible(b, a, port, protocol), (port, protocol)
        assert plan.network.certain(a, a, PORT)

    def test_nobody_but_the_proxies_comes_in(self, walls: Walls, plan: Map) -> None:
        a = plan.pods[walls.a]
        team = plan.pods[walls.checkout.team]
        others = [
            team,  # what it depends on does not connect back
            plan.pods[f"{walls.checkout.team}x"],
            plan.stranger("default", "10.244.9.1"),
            plan.stranger("kube-system", "10.244.9.2"),
            plan.stranger(walls.b, "10.244.9.3", **dict(a.labels)),  # says it is a's own
            End(address=OUTSIDE),
        ]
        for other in others:
            assert not plan.network.possible(other, a, PORT), other
        proxy = plan.stranger("proxies", "10.244.9.4")
        assert plan.network.certain(proxy, a, PORT)
        assert not plan.network.possible(proxy, a, 22)

    def test_it_goes_out_only_where_the_stack_allows(self, walls: Walls, plan: Map) -> None:
        a = plan.pods[walls.a]
        assert plan.network.certain(a, End(address=DATABASE), 5432)
        assert plan.network.certain(a, End(address=OUTSIDE), 443)
        refused = [
            (DATABASE, 5433),
            ("10.99.0.8", 5432),
            (OUTSIDE, 80),
            (OUTSIDE, 53),
            (CREDENTIALS, 443),
            (CREDENTIALS, 80),
            (API_SERVER, 6443),
        ]
        for address, port in refused:
            assert not plan.network.possible(a, End(address=address), port), (address, port)
        assert not plan.network.possible(a, End(address=OUTSIDE), 443, "UDP")

    def test_names_are_asked_of_the_clusters_own_servers(self, walls: Walls, plan: Map) -> None:
        a = plan.pods[walls.a]
        names = plan.stranger("kube-system", "10.244.9.5", **{"k8s-app": "kube-dns"})
        for protocol in ("UDP", "TCP"):
            assert plan.network.certain(a, names, 53, protocol)
            assert plan.network.certain(a, End(address="169.254.20.10"), 53, protocol)
        assert not plan.network.possible(a, names, 10250)

    def test_what_it_depends_on_lets_it_in_and_nobody_else(self, walls: Walls, plan: Map) -> None:
        team = walls.checkout.team
        api, stranger = plan.pods[team], plan.pods[f"{team}x"]
        for tenant in (walls.a, walls.b):
            assert plan.network.certain(plan.pods[tenant], api, PORT)
            assert not plan.network.possible(plan.pods[tenant], api, PORT + 1)
            assert not plan.network.possible(plan.pods[tenant], stranger, PORT)
        assert not plan.network.possible(stranger, api, PORT)
        beside = plan.stranger(walls.a, "10.244.9.6")  # in its namespace, and not the service
        assert not plan.network.possible(beside, api, PORT)

    def test_anything_else_in_its_namespace_is_behind_the_same_wall(
        self, walls: Walls, plan: Map
    ) -> None:
        """A `run`, a Job, whatever somebody puts there."""
        around = plan.pods[walls.a].around
        beside = End(address="10.244.9.7", namespace=walls.a, around=around)
        assert not plan.network.possible(beside, plan.pods[walls.b], PORT)
        assert not plan.network.possible(plan.pods[walls.b], beside, PORT)
        assert not plan.network.possible(beside, End(address=OUTSIDE), 80)
        assert plan.network.certain(beside, End(address=DATABASE), 5432)


def test_without_an_allow_nothing_outside_is_open(checkout: Checkout, cluster: TestCluster) -> None:
    checkout.cell("eu-1", cluster.kubeconfig)
    stack = f"stack: shut-{checkout.mark}\ntemplate: {{image: web:1}}\ntenants: {{a: {{}}}}\n"
    checkout.write("stack.yaml", stack)
    checkout.apply()

    async def look() -> Map:
        async with calling(cluster) as admin:
            return await map_of(admin)

    plan = asyncio.run(look())
    a = plan.pods[f"shut-{checkout.mark}-a"]
    for address in (OUTSIDE, DATABASE, CREDENTIALS, API_SERVER):
        for port in (443, 80, 53, 5432):
            assert not plan.network.possible(a, End(address=address), port), (address, port)
    for source in (End(address=OUTSIDE), plan.stranger("proxies", "10.244.9.4")):
        assert not plan.network.possible(source, a, PORT)

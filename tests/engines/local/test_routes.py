"""Compiled objects and replicas, as the gateway is told of them."""

from ipaddress import IPv4Address, IPv4Network

from skerry.engines.local.addresses import Book, with_blocks, with_door, with_network, with_resolver
from skerry.engines.local.routes import Served, Serving, proxy_config
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest, key_of
from skerry.model.proxy import Address, ProxyConfig
from tests.builders import ServiceBuilder, bundles, service

WEB = ServiceKey("default", "web")
BACK = ServiceKey("data", "back")


def objects(*services: ServiceBuilder) -> dict[ObjectKey, Manifest]:
    return {key_of(one): one for bundle in bundles(*services) for one in bundle.objects}


def book(*keys: ServiceKey) -> Book:
    made = Book(slice=IPv4Network("198.18.0.0/19"))
    for key in keys:
        made = with_resolver(with_network(made, key.namespace, ()), key.namespace)
        made = with_door(made, key)
    return made


def config(*services: ServiceBuilder, given: Book | None = None) -> ProxyConfig:
    replica = Serving(endpoints=(Address("10.208.0.2", 8080),), protocol="http")
    addresses = given or book(WEB, BACK)
    return proxy_config(Served(objects=objects(*services), serving={WEB: replica}, book=addresses))


def test_a_service_has_a_backend_a_route_a_door_and_a_name() -> None:
    made = config(service("web").image("x:1"))
    (backend,), (route,), (door,) = made.backends, made.routes, made.doors
    assert (backend.name, backend.endpoints) == ("default/web", (Address("10.208.0.2", 8080),))
    assert (route.host, route.path, route.backends[0].backend) == (
        "web.localhost",
        "/",
        "default/web",
    )
    assert door.backend == "default/web"
    assert dict(made.names[-1].names)["web"] == IPv4Address(door.address.host)


def test_a_route_never_leads_into_another_namespace() -> None:
    elsewhere = {"backendRefs": [{"name": "back", "namespace": "data", "port": 8080}]}
    web = service("web").having(patch={"HTTPRoute": {"spec": {"rules": [elsewhere]}}})
    assert config(web, service("back").team("data").having(route="none")).routes == ()


def test_a_worker_has_none_of_it() -> None:
    made = config(service("web").image("x:1").worker())
    assert (made.backends, made.routes, made.doors) == ((), (), ())


def test_grpc_and_tcp_are_told_apart() -> None:
    grpc = service("web").image("x:1").having(protocol="grpc")
    tcp = service("back").team("data").image("x:1").having(protocol="tcp")
    serving = {WEB: Serving(protocol="grpc"), BACK: Serving(protocol="tcp")}
    made = proxy_config(Served(objects=objects(grpc, tcp), serving=serving))
    assert {one.name: one.protocol for one in made.backends} == {
        "default/web": "grpc",
        "data/back": "tcp",
    }


def test_only_the_block_of_a_client_elsewhere_is_let_in() -> None:
    web = service("web").image("x:1").depends("data/back")
    back = service("back").team("data").image("x:1")
    blocks = with_blocks(book(WEB, BACK), WEB, 4)
    made = config(web, back, given=blocks)
    doors = {door.backend: door for door in made.doors}
    assert set(doors["data/back"].sources) == {blocks.networks["data"], *blocks.blocks[WEB]}
    assert doors["default/web"].sources == (blocks.networks["default"],)
    tables = {table.resolver: dict(table.names) for table in made.names}
    mine = tables[blocks.resolvers["default"]]
    assert str(mine["back"]) == doors["data/back"].address.host
    assert "web" not in tables[blocks.resolvers["data"]]


def test_equal_worlds_give_equal_configurations() -> None:
    web, back = service("web").image("x:1"), service("back").team("data").image("x:1")
    assert config(web, back) == config(back, web)

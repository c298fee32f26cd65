"""What Envoy is told, without an Envoy."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from skerry.integrations.gateway.listeners import Certificate
from skerry.integrations.gateway.resources import Surroundings, resources
from skerry.model.proxy import Address, ProxyConfig
from tests.integrations.gateway.configs import serving, with_door, with_route

A = Address("10.0.0.1", 8080)
B = Address("10.0.0.2", 8080)
AROUND = Surroundings(
    http=Address("127.0.0.1", 80),
    https=Address("127.0.0.1", 443),
    routes_file="routes.json",
    log_file="access.log",
    fallback=Certificate(chain="localhost.crt", key="leaf.key"),
)
names = st.sets(st.from_regex(r"[a-z]{1,8}", fullmatch=True), max_size=8)


def listeners(config: ProxyConfig) -> dict[str, dict]:
    """By name."""
    hosts = {route.host for route in config.routes}
    certificates = {host: Certificate(chain=f"{host}.crt", key="leaf.key") for host in hosts}
    made = resources(config, certificates, AROUND).listeners
    return {listener["name"]: listener for listener in map(orjson.loads, made)}


def chains(config: ProxyConfig) -> dict[str, bytes]:
    """The HTTPS filter chains, as bytes, by name."""
    found = listeners(config)["https"]["filter_chains"]
    return {chain["name"]: orjson.dumps(chain) for chain in found}


@given(names, names)
def test_adding_names_leaves_every_existing_filter_chain_byte_equal(before, added) -> None:
    old = chains(serving(**dict.fromkeys(before, A)))
    new = chains(serving(**dict.fromkeys(before | added, A)))
    assert old.items() <= new.items()


@given(names)
def test_the_order_in_which_services_are_named_changes_no_byte(some) -> None:
    forward = serving(**dict.fromkeys(sorted(some), A))
    backward = serving(**dict.fromkeys(sorted(some, reverse=True), A))
    assert resources(forward, {}, AROUND) == resources(backward, {}, AROUND)


@given(st.permutations([A, B, Address("10.0.0.3", 80)]))
def test_the_order_of_endpoints_changes_no_byte(endpoints) -> None:
    ordered = resources(serving(web=tuple(sorted(endpoints))), {}, AROUND)
    assert resources(serving(web=tuple(endpoints)), {}, AROUND) == ordered


@given(names)
def test_a_changed_endpoint_changes_one_cluster_and_nothing_else(others) -> None:
    services = dict.fromkeys(others | {"web"}, A)
    before = resources(serving(**services), {}, AROUND)
    after = resources(serving(**{**services, "web": B}), {}, AROUND)
    assert before.routes == after.routes
    assert before.listeners == after.listeners
    differing = {n for n in before.clusters if before.clusters[n] != after.clusters[n]}
    assert differing == {"default/web"}


def test_admitting_one_more_network_leaves_the_chains_of_the_others_alone() -> None:
    door = Address("198.18.0.5", 8080)
    before = listeners(with_door(serving(web=A), door, "web", "10.1.0.0/16"))
    after = listeners(with_door(serving(web=A), door, "web", "10.1.0.0/16", "10.2.0.0/16"))
    name = "door/198.18.0.5:8080"
    assert before[name]["filter_chains"][0] in after[name]["filter_chains"]
    assert len(after[name]["filter_chains"]) == 2


def test_the_longest_path_comes_first() -> None:
    config = with_route(serving(web=A, shop=A), "web.localhost", "shop", path="/shop/")
    table = orjson.loads(resources(config, {}, AROUND).routes[0])
    web = next(host for host in table["virtual_hosts"] if host["name"] == "web.localhost")
    matches = [route["match"] for route in web["routes"]]
    assert matches == [{"path_separated_prefix": "/shop"}, {"prefix": "/"}]


def test_the_only_replica_is_never_ejected() -> None:
    one = orjson.loads(resources(serving(web=A), {}, AROUND).clusters["default/web"])
    two = orjson.loads(resources(serving(web=(A, B)), {}, AROUND).clusters["default/web"])
    assert "outlier_detection" not in one
    assert two["outlier_detection"]["max_ejection_percent"] == 50

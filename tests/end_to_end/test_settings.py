"""Settings of the operator have the effect their page promises."""

import json
import socket
import subprocess
from ipaddress import IPv4Address, IPv4Network

import pytest

from tests.end_to_end.platform import Platform, free_ports, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(300)]

BRIDGES = IPv4Network("10.87.0.0/16")
ADDRESSES = IPv4Network("198.51.96.0/19")


def routes() -> list[str]:
    said = subprocess.run(
        ["ip", "-4", "-j", "route", "show", "table", "all"], capture_output=True, check=True
    )
    return [route.get("dst", "") for route in json.loads(said.stdout)]


def test_networks_and_stable_addresses_come_from_the_ranges_that_were_set(
    skerry: Platform, test_image: str
) -> None:
    skerry.environment["SKERRY_BRIDGES"] = str(BRIDGES)
    skerry.environment["SKERRY_ADDRESSES"] = str(ADDRESSES)
    skerry.write(f"service: web\nimage: {test_image}\ndrain: 1s\n")
    skerry.skerry("up", ".")
    (replica,) = skerry.json("status", "web")["replicas"]
    assert IPv4Address(replica["address"].partition(":")[0]) in BRIDGES
    assert str(ADDRESSES) in routes()
    assert skerry.get("web.localhost")[0] == 200


def test_changed_ports_are_the_gateways_after_a_restart_and_services_go_on(
    skerry: Platform, test_image: str
) -> None:
    skerry.write(f"service: web\nimage: {test_image}\ndrain: 1s\n")
    skerry.write("cell: local\ndomain: shop.localhost\n", name="cell.yaml")
    skerry.skerry("up", ".")
    assert skerry.get("web.shop.localhost")[0] == 200
    before = skerry.json("status", "web")["replicas"][0]["name"]
    old = skerry.http
    skerry.http, skerry.https = free_ports(2)
    skerry.environment["SKERRY_HTTP_PORT"] = str(skerry.http)
    skerry.environment["SKERRY_HTTPS_PORT"] = str(skerry.https)
    skerry.skerry("server", "stop")
    skerry.start_server()
    wait_until(lambda: skerry.get("web.shop.localhost")[0] == 200, "the new port serves")
    wait_until(lambda: not answers(old), "nobody listens at the old port")
    skerry.skerry("up", ".")
    service = skerry.json("status", "web")
    assert service["url"] == f"https://web.shop.localhost:{skerry.https}"
    assert service["replicas"][0]["name"] == before


def answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0

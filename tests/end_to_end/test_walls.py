"""Namespaces are walls, `depends` is the only door, and names lead to services."""

from urllib.parse import quote

import pytest

from tests.end_to_end.platform import Platform

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(300)]

TEAMS = """\
service: shop
team: sales
image: {image}
depends: [ledger]
---
service: nosy
team: sales
image: {image}
---
service: near
team: sales
image: {image}
---
service: ledger
team: payments
image: {image}
env: {{TEXT: the ledger}}
---
service: vault
team: payments
image: {image}
env: {{TEXT: the vault}}
"""


@pytest.fixture
def teams(skerry: Platform, test_image: str) -> Platform:
    """Two teams; one service of the first depends on one of the second."""
    skerry.write(TEAMS.format(image=test_image))
    skerry.skerry("up", ".")
    return skerry


def ask(skerry: Platform, who: str, url: str) -> tuple[int, str]:
    """What a service gets when it asks another."""
    return skerry.get(f"{who}.sales.localhost", f"/fetch?url={quote(url)}")


def test_services_find_each_other_by_name_only_where_there_is_a_door(teams: Platform) -> None:
    assert ask(teams, "shop", "http://near:8080/") == (200, "hello")
    assert ask(teams, "shop", "http://ledger:8080/") == (200, "the ledger")
    assert ask(teams, "shop", "http://vault:8080/")[0] == 502
    assert ask(teams, "nosy", "http://vault:8080/")[0] == 502


def test_an_address_learnt_elsewhere_opens_no_door(teams: Platform) -> None:
    door = address(teams, "sales/shop", "ledger")
    inside = teams.json("status", "payments/ledger")["replicas"][0]["address"].split(":")[0]
    assert reaches(teams, "sales/shop", door)
    assert not reaches(teams, "sales/nosy", door)
    assert not reaches(teams, "sales/shop", inside)
    assert not reaches(teams, "sales/nosy", inside)


def test_names_that_are_not_services_go_to_the_machines_own_resolvers(teams: Platform) -> None:
    ended = teams.run("exec", "sales/shop", "--", "cat", "/etc/resolv.conf")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("nameserver") == 1


def address(skerry: Platform, service: str, name: str) -> str:
    """What a name leads to, asked from inside a service."""
    code = f"import socket; print(socket.gethostbyname({name!r}))"
    return skerry.skerry("exec", service, "--", "python3", "-c", code).strip()


def reaches(skerry: Platform, service: str, host: str) -> bool:
    """Whether a service gets an answer from an address."""
    code = (
        "import urllib.request as r; "
        f"print(r.urlopen('http://{host}:8080/', timeout=3).read().decode())"
    )
    ended = skerry.run("exec", service, "--", "python3", "-c", code)
    return ended.stdout.strip() == "the ledger"

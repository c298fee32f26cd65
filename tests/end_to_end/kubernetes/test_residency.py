"""Residency is kept whichever way somebody tries: refused by the command line, nothing written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.cluster.cluster import TestCluster
from tests.cluster.proxy import FaultProxy, fault_proxy
from tests.end_to_end.kubernetes.checkout import Checkout, new_checkout

pytestmark = pytest.mark.cluster
LOOKS: Final = {"GET", "HEAD"}
SERVICE: Final = "service: web\nteam: {team}\nimage: web:1\n"
STACK: Final = "stack: homes-{mark}\ntemplate: {{image: web:1}}\n"
PATHS: Final = {
    "a service names the cell": SERVICE + "residency: [DE]\ncells: [us-{mark}]\n",
    "a service names it beside a good one": SERVICE
    + "residency: [DE]\ncells: [de-{mark}, us-{mark}]\n",
    "an override is for it": SERVICE + "residency: [DE]\ncells: {{us-{mark}: {{drain: 5s}}}}\n",
    "an override widens residency": SERVICE
    + "residency: [DE]\ncells: {{us-{mark}: {{residency: [US]}}}}\n",
    "a cell that does not say its country": SERVICE + "residency: [DE]\ncells: [nowhere-{mark}]\n",
    "a stack names it": STACK + "residency: [DE]\ncells: [us-{mark}]\ntenants: {{a: {{}}}}\n",
    "a tenant names it": STACK + "residency: [DE]\ntenants: {{a: {{cell: us-{mark}}}}}\n",
    "a tenant's own residency forbids its cell": STACK
    + "tenants: {{a: {{residency: [DE], cell: us-{mark}}}}}\n",
    "a tenant widens the stack's": STACK
    + "residency: [DE]\ntenants: {{a: {{residency: [US], cell: us-{mark}}}}}\n",
    "a part of a stack names it": STACK
    + "residency: [DE]\ntenants: {{}}\n---\nstack: homes-{mark}\ncells: [us-{mark}]\n"
    + "tenants: {{a: {{}}}}\n",
    "a template widens it": STACK.replace("}}\n", ", residency: [US]}}\n")
    + "residency: [DE]\ntenants: {{a: {{cell: us-{mark}}}}}\n",
}


@dataclass
class Homes:
    """A repository with a cell in Germany, one in the States and one nobody knows where."""

    checkout: Checkout
    proxies: dict[str, FaultProxy]

    def write(self, text: str) -> None:
        given = {"mark": self.checkout.mark, "team": self.checkout.team}
        self.checkout.write("documents.yaml", text.format(**given))

    @property
    def written(self) -> list[tuple[str, str]]:
        """Requests that change something, in any cell."""
        seen = (each for proxy in self.proxies.values() for each in proxy.seen)
        return [each for each in seen if each[0] not in LOOKS]

    def writes_to(self, cell: str) -> list[tuple[str, str]]:
        """Of objects of services, not of what Skerry keeps for itself."""
        seen = (each for each in self.proxies[cell].seen if each[0] not in LOOKS)
        return [each for each in seen if "/namespaces/skerry/" not in each[1]]

    def forget(self) -> None:
        for proxy in self.proxies.values():
            proxy.seen.clear()

    def refused(self, *command: str) -> None:
        """With 1, in words of residency, and nothing written."""
        self.forget()
        ended = self.checkout.skerry(*command)
        assert ended.returncode == 1, ended.stderr
        assert "residency" in ended.stderr or "may run in DE only" in ended.stderr, ended.stderr
        assert self.written == []


@pytest.fixture(scope="module")
def homes(
    ours: TestCluster, elsewhere: TestCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homes]:
    checkout = new_checkout(tmp_path_factory.mktemp("homes"))
    with fault_proxy(ours) as de, fault_proxy(elsewhere) as us:
        checkout.cell("de", de.kubeconfig, more="country: DE\n")
        checkout.cell("us", us.kubeconfig, more="country: US\n")
        checkout.cell("nowhere", us.kubeconfig)
        yield Homes(checkout, {"de": de, "us": us})
        checkout.skerry("down", str(checkout.folder))


@pytest.mark.parametrize("path", PATHS)
def test_documents_cannot_leave_their_countries(homes: Homes, path: str) -> None:
    homes.write(PATHS[path])
    homes.refused("apply", str(homes.checkout.folder), "--yes")


def test_what_runs_does_not_move_out(homes: Homes) -> None:
    checkout, mark = homes.checkout, homes.checkout.mark
    us = f"us-{mark}"
    tenants = "residency: [DE]\ntenants:\n  a: {{cell: de-{mark}}}\n"
    homes.write(SERVICE + "residency: [DE]\n---\n" + STACK + tenants)
    homes.forget()
    checkout.apply()
    assert homes.written
    assert not homes.writes_to("us")
    homes.write(SERVICE + "residency: [DE]\n---\n" + STACK + tenants.replace("de-", "us-"))
    homes.refused("apply", str(checkout.folder), "--yes")
    homes.forget()
    for command in (
        ("deploy", f"{checkout.team}/web", "--image", "web:2", "--cell", us),
        ("rollback", f"{checkout.team}/web", "--cell", us),
        ("restart", f"homes-{mark}-a/a", "--cell", us),
    ):
        ended = checkout.skerry(*command)
        assert ended.returncode == 1, (command, ended.stderr)
        assert homes.written == [], command


def test_a_cell_that_says_another_country_runs_it_no_more(homes: Homes) -> None:
    checkout = homes.checkout
    homes.write(SERVICE + "residency: [DE]\n")
    checkout.apply()
    checkout.cell("de", homes.proxies["de"].kubeconfig, more="country: FR\n")
    try:
        plans = checkout.json("plan", str(checkout.folder))["plans"]
        (change,) = (each for plan in plans for each in plan["changes"])
        assert change["action"] == "delete"
        assert "may run in DE only" in change["reason"]
    finally:
        checkout.cell("de", homes.proxies["de"].kubeconfig, more="country: DE\n")

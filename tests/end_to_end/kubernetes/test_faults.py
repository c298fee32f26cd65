"""A cluster that misbehaves, in every way we know: what a command then says and does, and that
the next apply gets there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import missing
from tests.cluster.proxy import FaultProxy, Faults, fault_proxy
from tests.conftest import Needs
from tests.end_to_end.kubernetes.checkout import Checkout
from tests.end_to_end.kubernetes.looks import DEPLOYMENTS, Look, until
from tests.soak import soak_count

pytestmark = pytest.mark.cluster
COUNT = 3


@pytest.fixture
def proxy(ours: TestCluster) -> Iterator[FaultProxy]:
    with fault_proxy(ours) as opened:
        yield opened


@pytest.fixture
def look(ours: TestCluster) -> Look:
    return Look(ours)


@pytest.fixture
def shop(checkout: Checkout, proxy: FaultProxy) -> Checkout:
    """Services of one cell, behind the proxy; nothing applied yet."""
    checkout.cell("eu-1", proxy.kubeconfig)
    checkout.services(COUNT)
    return checkout


def all_at(image: str) -> dict[str, str]:
    return {f"s{number}": image for number in range(COUNT)}


def converges(shop: Checkout, look: Look, image: str) -> None:
    """The next apply gets there, and nothing is left to do."""
    shop.apply()
    assert look.images(shop.team) == all_at(image)
    assert shop.changes() == []


@pytest.mark.parametrize(
    ("faults", "must_succeed"),
    [
        (Faults(throttle_one_in=3, retry_after=0.1), True),
        (Faults(fail_one_in=10), False),
        (Faults(cut_one_in=10), False),
    ],
    ids=["429 to one in three", "500 to one in ten", "one in ten done, and not answered"],
)
def test_a_cluster_that_answers_badly(
    shop: Checkout, proxy: FaultProxy, look: Look, faults: Faults, must_succeed: bool
) -> None:
    proxy.faults = faults
    first = shop.skerry("apply", str(shop.folder), "--yes")
    assert first.returncode == 0 or not must_succeed, first.stderr
    proxy.faults = Faults()
    converges(shop, look, "web:1")


def test_a_cluster_that_is_slow(shop: Checkout, proxy: FaultProxy, look: Look) -> None:
    proxy.faults = Faults(slow=soak_count(1, 4) / 2)
    shop.apply()
    proxy.faults = Faults()
    assert look.images(shop.team) == all_at("web:1")
    assert shop.changes() == []


def test_a_region_lost_in_the_middle(
    checkout: Checkout, ours: TestCluster, elsewhere: TestCluster, look: Look
) -> None:
    checkout.cell("eu-1", ours.kubeconfig)
    with fault_proxy(elsewhere) as lost:
        checkout.cell("us-1", lost.kubeconfig)
        checkout.services(COUNT)
        checkout.apply()
        checkout.services(COUNT, image="web:2")
        lost.seen.clear()
        command = checkout.start("apply", str(checkout.folder), "--yes")
        until(lambda: ("PATCH", DEPLOYMENTS.format(checkout.team) + "/s0") in lost.seen)
        lost.stop()
        _, said = command.communicate(timeout=90)
        assert command.returncode == 1, said
        assert "the next apply goes on" in said
        assert f"done in eu-1-{checkout.mark}; failed in us-1-{checkout.mark}" in said
        assert look.images(checkout.team) == all_at("web:2")
        lost.start()
        converges(checkout, Look(elsewhere), "web:2")


def test_an_api_server_restarted_in_the_middle(checkout: Checkout, elsewhere: TestCluster) -> None:
    checkout.cell("us-1", elsewhere.kubeconfig)
    checkout.services(COUNT)
    checkout.apply()
    checkout.services(COUNT, image="web:2")
    command = checkout.start("apply", str(checkout.folder), "--yes")
    until(lambda: "web:2" in Look(elsewhere).images(checkout.team).values())
    elsewhere.restart()
    _, said = command.communicate(timeout=90)
    assert command.returncode == 0, said
    converges(checkout, Look(elsewhere), "web:2")


class TestCredentials:
    """What a command says; the clients' own tests have every form of them."""

    def test_a_token_that_was_revoked(self, checkout: Checkout, ours: TestCluster) -> None:
        revoked = ours.kubeconfig_of("0" * 24, name=f"revoked-{checkout.mark}")
        checkout.cell("eu-1", revoked)
        checkout.services(1)
        ended = checkout.apply(code=1)
        assert "the cluster does not accept our credentials" in ended.stderr

    def test_a_program_for_credentials_that_fails(
        self, checkout: Checkout, ours: TestCluster, look: Look
    ) -> None:
        kubeconfig = json.loads(ours.kubeconfig.read_text())
        plugin = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", "echo the SSO session has expired >&2; exit 3"],
            "interactiveMode": "Never",
        }
        broken = {**kubeconfig, "users": [{**kubeconfig["users"][0], "user": {"exec": plugin}}]}
        file = checkout.folder.parent / "kubeconfig"
        file.write_text(json.dumps(broken))
        checkout.cell("eu-1", file)
        checkout.services(COUNT)
        assert "the SSO session has expired" in checkout.apply(code=1).stderr
        file.write_text(json.dumps(kubeconfig))
        converges(checkout, look, "web:1")


class TestAdmission:
    def test_a_policy_that_denies(self, checkout: Checkout, ours: TestCluster, look: Look) -> None:
        checkout.cell("eu-1", ours.kubeconfig)
        checkout.services(COUNT)
        checkout.apply()
        rule = {"expression": "object.metadata.name != 's1'", "message": "not on a Friday"}
        resources = {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["deployments"],
        }
        path = DEPLOYMENTS.format(checkout.team) + "/s1"
        with look.policy(f"no-{checkout.mark}", checkout.team, rule, resources):
            until(lambda: look.change(path, {"metadata": {"labels": {"x": "y"}}})[0] >= 400)
            checkout.services(COUNT, image="web:2")
            ended = checkout.apply(code=1)
            assert "not on a Friday" in ended.stderr
            assert look.images(checkout.team) == all_at("web:2") | {"s1": "web:1"}
        # A policy that is gone is still in force for a moment.
        until(lambda: look.change(path, {"metadata": {"labels": {"x": None}}})[0] < 400)
        converges(checkout, look, "web:2")

    def test_a_webhook_that_is_not_there(
        self, checkout: Checkout, ours: TestCluster, look: Look
    ) -> None:
        checkout.cell("eu-1", ours.kubeconfig)
        checkout.services(COUNT)
        name = f"gone-{checkout.mark}"
        hook = {
            "name": "check.example.org",
            "clientConfig": {"url": "https://127.0.0.1:1/check"},
            "rules": [
                {
                    "apiGroups": ["apps"],
                    "apiVersions": ["v1"],
                    "operations": ["*"],
                    "resources": ["deployments"],
                }
            ],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": checkout.team}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
        }
        folder = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        look.make(folder, {"metadata": {"name": name}, "webhooks": [hook]})
        try:
            ended = checkout.apply(code=1)
            assert "a webhook that the cluster asks does not answer" in ended.stderr
        finally:
            look.drop(f"{folder}/{name}")
        converges(checkout, look, "web:1")


def test_a_namespace_stuck_on_its_way_out(
    checkout: Checkout, ours: TestCluster, look: Look
) -> None:
    checkout.cell("eu-1", ours.kubeconfig)
    checkout.services(COUNT)
    look.namespace(checkout.team)
    held = {"metadata": {"name": "held", "finalizers": ["example.org/held"]}}
    path = f"/api/v1/namespaces/{checkout.team}/configmaps"
    look.make(path, held)
    look.drop(f"/api/v1/namespaces/{checkout.team}")
    assert "its namespace is being deleted" in checkout.apply(code=1).stderr
    look.change(f"{path}/held", {"metadata": {"finalizers": None}})
    until(lambda: look.ask("GET", f"/api/v1/namespaces/{checkout.team}")[0] == 404)
    converges(checkout, look, "web:1")


def test_a_controller_that_takes_a_field_is_named_and_not_fought(
    checkout: Checkout, ours: TestCluster, look: Look
) -> None:
    checkout.cell("eu-1", ours.kubeconfig)
    checkout.services(COUNT)
    checkout.apply()
    path = DEPLOYMENTS.format(checkout.team) + "/s1"
    pod = {"containers": [{"name": "s1", "image": "web:theirs"}]}
    theirs: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"template": {"spec": pod}},
    }
    theirs["metadata"] = {"name": "s1", "namespace": checkout.team}
    assert look.change(path, theirs, manager="fighter")[0] == 200
    checkout.services(COUNT, image="web:2")
    ended = checkout.apply(code=1)
    assert "belongs to fighter" in ended.stderr
    assert look.images(checkout.team) == all_at("web:2") | {"s1": "web:theirs"}
    checkout.apply("--take-over")
    converges(checkout, look, "web:2")


def test_a_full_database_is_said_and_nothing_waits_for_ever(
    checkout: Checkout, needs: Needs
) -> None:
    needs(not missing(), missing())
    with private_cluster(controllers=False, etcd_bytes=8 * 2**20) as small:
        checkout.cell("eu-1", small.kubeconfig)
        checkout.services(1)
        checkout.apply()
        look = Look(small)
        path = "/api/v1/namespaces/default/configmaps"
        for number in range(100):
            big = {"metadata": {"name": f"big-{number}"}, "data": {"x": "x" * 400_000}}
            if look.ask("POST", path, big)[0] >= 400:
                break
        checkout.services(1, image="web:2")
        ended = checkout.apply(code=1)
        assert "its database (etcd) is full" in ended.stderr
        assert look.images(checkout.team) == {"s0": "web:1"}
        checkout.state.rename(checkout.state.with_name("gone"))  # nothing can be taken down here

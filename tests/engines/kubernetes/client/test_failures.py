"""What a cluster says no with, and what is made of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.failures import ApiError
from skerry.errors import Conflict, EngineUnavailable, Forbidden, NotFound, Refused
from skerry.model.keys import ObjectKey
from tests.cluster.cluster import TestCluster, private_cluster
from tests.cluster.plane import missing
from tests.engines.kubernetes.client.manifests import config

pytestmark = pytest.mark.cluster


def deployment(namespace: str, **spec: Any) -> dict[str, Any]:
    """One that needs no pod to be made."""
    labels = {"app": "web"}
    container = {"name": "main", "image": "ghcr.io/acme/web:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def test_who_may_not_is_told_how_to_ask(guest: Client, namespace: str) -> None:
    with pytest.raises(Forbidden) as caught:
        await guest.apply(config(namespace))
    assert 'User "guest" cannot patch resource "configmaps"' in caught.value.cause
    assert caught.value.subject == f"ConfigMap/{namespace}/settings@test"
    assert caught.value.hint == f"kubectl auth can-i patch configmaps --namespace {namespace}"
    assert isinstance(caught.value.__cause__, ApiError)
    assert caught.value.__cause__.status == 403


async def test_invalid_fields_are_listed(client: Client, namespace: str) -> None:
    wrong = deployment(namespace, replicas=-1, minReadySeconds=-2)
    with pytest.raises(Refused) as caught:
        await client.apply(wrong)
    assert "spec.replicas: Invalid value: -1" in caught.value.cause
    assert "; spec.minReadySeconds: Invalid value: -2" in caught.value.cause


async def test_a_field_no_kind_has_is_refused_not_dropped(client: Client, namespace: str) -> None:
    with pytest.raises(Refused, match="replica_count: field not declared"):
        await client.apply(deployment(namespace, replica_count=3))


async def test_a_quota_speaks_for_itself(
    cluster: TestCluster, client: Client, namespace: str, needs: Callable[[object, str], None]
) -> None:
    needs(cluster.controllers, "no kube-controller-manager: quotas count nothing")
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": namespace},
        "spec": {"hard": {"count/secrets": "0"}},
    }
    await client.apply(quota)
    secret = {**config(namespace), "kind": "Secret", "data": {}}
    with pytest.raises(Refused, match=r"does not admit it: .*quota") as caught:
        while True:  # the quota counts from when the controller has seen it
            await client.apply(secret)
            await client.delete(ObjectKey("Secret", namespace, "settings"))
    assert not isinstance(caught.value, Forbidden)


async def test_a_policy_speaks_for_itself(client: Client, namespace: str) -> None:
    labelled = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": namespace,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    await client.apply(labelled)
    template = deployment(namespace)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {"name": "p", "namespace": namespace}
    with pytest.raises(Refused, match="violates PodSecurity"):
        await client.create(pod)


async def test_what_exists_is_not_created_again(client: Client, namespace: str) -> None:
    created = await client.create(config(namespace))
    with pytest.raises(Conflict, match="already exists"):
        await client.create(config(namespace))
    await client.replace({**created, "data": {"a": "1"}})
    with pytest.raises(Conflict, match="has been modified"):
        await client.replace({**created, "data": {"a": "2"}})


async def test_a_successor_is_not_deleted_for_its_name(client: Client, namespace: str) -> None:
    first = await client.create(config(namespace))
    key = ObjectKey("ConfigMap", namespace, "settings")
    await client.delete(key)
    await client.create(config(namespace))
    with pytest.raises(Conflict, match="UID"):
        await client.delete(key, uid=first["metadata"]["uid"])


async def test_a_namespace_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await client.apply(config("nowhere"))


async def test_a_kind_without_its_definition_is_said(client: Client, namespace: str) -> None:
    gadget = {
        "apiVersion": "acme.test/v1",
        "kind": "Gadget",
        "metadata": {"name": "web", "namespace": namespace},
    }
    with pytest.raises(NotFound, match="does not know such objects"):
        await client.apply(gadget)


async def test_a_namespace_that_goes_takes_nothing_new(client: Client, namespace: str) -> None:
    held = {**config(namespace, "held")}
    held["metadata"] = {**held["metadata"], "finalizers": ["skerry.dev/test"]}
    await client.apply(held)
    await client.delete(ObjectKey("Namespace", "", namespace))
    with pytest.raises(Conflict, match="is being deleted"):
        await client.create(config(namespace, "late"))
    path = client.path_of("ConfigMap", namespace, "held")
    await client.patch(path, {"metadata": {"finalizers": None}})


async def test_a_webhook_that_denies_speaks_for_itself(client: Client, namespace: str) -> None:
    """A policy of the API server's own says no as a webhook does, with no server to run."""
    name = f"no-{namespace}"
    match = {
        "resourceRules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["configmaps"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    rule = {"expression": "false", "message": "not on a Friday"}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": match, "validations": [rule]},
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    await client.apply(policy)
    await client.apply(binding)
    try:
        with pytest.raises(Refused, match="not on a Friday"):
            while True:  # policies count from when the API server has seen them
                await client.apply(config(namespace))
                await client.delete(ObjectKey("ConfigMap", namespace, "settings"))
    finally:
        await client.delete(ObjectKey("ValidatingAdmissionPolicyBinding", "", name))
        await client.delete(ObjectKey("ValidatingAdmissionPolicy", "", name))


@pytest.fixture(scope="module")
def small(needs: Callable[[object, str], None]) -> Iterator[TestCluster]:
    """A cluster whose database holds little."""
    needs(not missing(), missing())
    with private_cluster(pods=False, controllers=False, etcd_bytes=6 * 2**20) as opened:
        yield opened


async def test_a_full_database_is_said_in_words(small: TestCluster) -> None:
    client = small.client()
    with pytest.raises(EngineUnavailable) as caught:
        for number in range(100):
            await client.apply(config("default", f"big-{number}", text="x" * 500_000))
    assert caught.value.cause == (
        "its database (etcd) is full and takes no writes; nothing was changed"
    )
    assert [item async for item in client.list("ConfigMap", namespace="default")]
    with pytest.raises(Refused, match="larger than the cluster takes"):
        await client.apply(config("default", "huge", text="x" * 4_000_000))
    await client.close()

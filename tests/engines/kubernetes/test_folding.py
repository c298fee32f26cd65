"""ReplicaSets folded in: which template a pod runs, and whose failure counts."""

from typing import Any

from skerry.engines.kubernetes.folding import (
    ReplicaSetFacts,
    Workload,
    fold,
    set_facts,
    template_digest,
    with_live_count,
)
from skerry.engines.kubernetes.shaping import TEMPLATE_DIGEST, shape_deployment, shape_replica_set
from skerry.model.cell import Cell, EngineKind
from skerry.model.objects import TEMPLATE_HASH, Manifest, annotation, template_hash
from tests.builders import bundle, service

CELL = Cell(cell="eu-1", engine=EngineKind.KUBERNETES)
FAILURE = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}


def deployment(image: str = "web:1") -> dict[str, Any]:
    objects = bundle(service("web").image(image), cell=CELL).objects
    return dict(next(each for each in objects if each["kind"] == "Deployment"))


def replica_set(owner: Manifest, name: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    """As Kubernetes makes one: with a hash of its own on the template."""
    template = owner["spec"]["template"]
    labels = {**template["metadata"]["labels"], TEMPLATE_HASH: name.rpartition("-")[2]}
    marked = {**template, "metadata": {**template["metadata"], "labels": labels}}
    references = [{"kind": "Deployment", "name": "web", "controller": True}]
    return {
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "default", "ownerReferences": references},
        "spec": {"replicas": 1, "template": marked},
        "status": {"conditions": list(conditions)},
    }


def pod(name: str, set_name: str, **status: Any) -> dict[str, Any]:
    labels = deployment()["spec"]["template"]["metadata"]["labels"]
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {**labels, TEMPLATE_HASH: set_name.rpartition("-")[2]},
            "ownerReferences": [{"kind": "ReplicaSet", "name": set_name}],
        },
        "spec": {"containers": [{"name": "web"}]},
        "status": status,
    }


def folded(
    wanted: Manifest, sets: list[dict[str, Any]], *pods: Manifest
) -> tuple[list[Manifest], list[Manifest]]:
    facts: dict[tuple[str, str], ReplicaSetFacts] = {
        ("default", each["metadata"]["name"]): set_facts(each) for each in sets
    }
    workload = Workload(deployment=wanted, template=template_digest(wanted))
    return fold([workload], facts, pods)


def test_pods_of_the_deployments_template_carry_its_hash() -> None:
    old, new = deployment("web:1"), deployment("web:2")
    sets = [replica_set(old, "web-aaa"), replica_set(new, "web-bbb")]
    _, pods = folded(new, sets, pod("a", "web-aaa"), pod("b", "web-bbb"))
    hashes = [each["metadata"]["labels"][TEMPLATE_HASH] for each in pods]
    assert hashes == ["aaa", template_hash(new)]


def test_before_a_replica_set_is_there_every_pod_is_an_old_one() -> None:
    old, new = deployment("web:1"), deployment("web:2")
    _, pods = folded(new, [replica_set(old, "web-aaa")], pod("a", "web-aaa"), pod("c", "web-ccc"))
    assert template_hash(new) not in {each["metadata"]["labels"][TEMPLATE_HASH] for each in pods}


def test_a_restart_is_another_template() -> None:
    before, after = deployment(), deployment()
    template = after["spec"]["template"]
    metadata = {**template["metadata"], "annotations": {"skerry.dev/restarted-at": "now"}}
    after["spec"] = {**after["spec"], "template": {**template, "metadata": metadata}}
    assert template_digest(before) != template_digest(after)


def test_only_a_failure_of_the_template_wanted_now_counts() -> None:
    old, new = deployment("web:1"), deployment("web:2")
    stale = {**new, "status": {"conditions": [FAILURE]}}
    failing_old = [replica_set(old, "web-aaa", FAILURE), replica_set(new, "web-bbb")]
    (seen,), _ = folded(stale, failing_old)
    assert not seen["status"]["conditions"]
    failing_new = [replica_set(old, "web-aaa"), replica_set(new, "web-bbb", FAILURE)]
    (seen,), _ = folded(new, failing_new)
    assert seen["status"]["conditions"] == [FAILURE]


def test_progress_of_an_older_form_is_no_news() -> None:
    late = {"type": "Progressing", "reason": "ProgressDeadlineExceeded"}
    wanted = deployment()
    wanted["metadata"] = {**wanted["metadata"], "generation": 2}
    wanted["status"] = {"observedGeneration": 1, "conditions": [late]}
    (seen,), _ = folded(wanted, [])
    assert not seen["status"]["conditions"]


def test_pods_kept_as_a_note_and_jobs_pods_are_no_replicas() -> None:
    wanted = deployment()
    evicted = pod("a", "web-aaa", phase="Failed", reason="Evicted")
    one_off = pod("b", "web-aaa")
    one_off["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "skerry"}
    _, pods = folded(wanted, [replica_set(wanted, "web-aaa")], evicted, one_off)
    assert not pods


def test_the_services_own_container_comes_first() -> None:
    statuses = [{"name": "aside"}, {"name": "web"}]
    _, (seen,) = folded(deployment(), [], pod("a", "web-aaa", containerStatuses=statuses))
    assert [each["name"] for each in seen["status"]["containerStatuses"]] == ["web", "aside"]


def test_an_autoscaler_that_has_not_looked_yet_wants_what_there_is() -> None:
    new = {"kind": "HorizontalPodAutoscaler", "status": {"desiredReplicas": 0}}
    live = {"kind": "Deployment", "spec": {"replicas": 3}}
    assert with_live_count(new, live)["status"]["desiredReplicas"] == 3


def test_what_a_wide_watch_keeps_is_small_and_folds_the_same() -> None:
    old, new = deployment("web:1"), deployment("web:2")
    kept = shape_deployment(dict(new))
    assert "resources" not in str(kept["spec"])
    assert annotation(kept, TEMPLATE_DIGEST) == template_digest(new)
    facts = {
        ("default", name): shape_replica_set(replica_set(each, name))["facts"]
        for name, each in (("web-aaa", old), ("web-bbb", new))
    }
    workload = Workload(deployment=kept, template=template_digest(new))
    _, (seen,) = fold([workload], facts, [pod("b", "web-bbb")])
    assert seen["metadata"]["labels"][TEMPLATE_HASH] == template_hash(kept)


def test_nothing_is_kept_of_a_replica_set_without_pods() -> None:
    empty = replica_set(deployment(), "web-aaa")
    empty["spec"]["replicas"] = 0
    assert "facts" not in shape_replica_set(empty)

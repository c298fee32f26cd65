"""`patch:` and `extra:`: what they reach, and what they must not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.compiler.patches import merge
from skerry.errors import InvalidDocuments
from skerry.model.cell import LOCAL
from skerry.model.objects import DIGEST, EXTRA, PATCH, TEMPLATE, annotation, digest_of, owner_of
from skerry.planner.essence import essence
from tests.builders import ServiceBuilder, bundle, bundles, service
from tests.compiler.clusters import cluster, container_of, one, pod_of

WEB = service("web").team("shop")
FLAGS: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags"}}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "containers", "name", "env"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def patched(**targets: Any) -> ServiceBuilder:
    """The service with these patches."""
    return WEB.having(patch={target.replace("__", "/"): each for target, each in targets.items()})


def pod(**fields: Any) -> dict[str, Any]:
    """A patch of the pod's spec."""
    return {"spec": {"template": {"spec": fields}}}


def problems(*services: ServiceBuilder) -> list[str]:
    """What the compiler says of these services on a cluster."""
    with pytest.raises(InvalidDocuments) as caught:
        bundles(*services, cell=cluster())
    return [str(problem) for problem in caught.value.problems]


class TestPatch:
    def test_containers_variables_and_volumes_are_merged_by_name(self) -> None:
        own = {"name": "web", "env": [{"name": "PORT", "value": "1"}, {"name": "A", "value": "b"}]}
        sidecar = {"name": "tail", "image": "tail:1"}
        compiled = bundle(patched(Deployment=pod(containers=[own, sidecar])), cell=cluster())
        containers = pod_of(compiled)["containers"]
        assert [each["name"] for each in containers] == ["web", "tail"]
        env = {each["name"]: each.get("value") for each in containers[0]["env"]}
        assert env.items() >= {"PORT": "1", "A": "b", "SKERRY_CELL": "eu-1"}.items()
        assert containers[0]["image"] == "registry.test/web:1.0.0"

    def test_null_removes_a_field_and_delete_removes_an_item(self) -> None:
        spread = [{"topologyKey": "kubernetes.io/hostname", "$patch": "delete"}]
        fields = {"enableServiceLinks": None, "topologySpreadConstraints": spread}
        found = pod_of(bundle(patched(Deployment=pod(**fields)), cell=cluster()))
        assert "enableServiceLinks" not in found
        assert len(found["topologySpreadConstraints"]) == 1

    def test_digests_and_the_template_follow_from_what_was_patched(self) -> None:
        plain, changed = (
            one(bundle(builder, cell=cluster()), "Deployment")
            for builder in (WEB, patched(Deployment=pod(priorityClassName="high")))
        )
        assert annotation(plain, DIGEST) != annotation(changed, DIGEST)
        assert annotation(changed, TEMPLATE) == digest_of(changed["spec"]["template"])

    def test_a_plan_names_the_patch(self) -> None:
        compiled = bundle(patched(Service={"spec": {"sessionAffinity": "ClientIP"}}))
        assert "patch.Service" in essence(compiled.objects)
        assert "Service" in json.loads(annotation(one(compiled, "Deployment"), PATCH) or "")

    def test_a_kind_the_cell_does_not_have_is_for_other_cells(self) -> None:
        ingress = patched(Ingress={"metadata": {"annotations": {"a": "b"}}})
        assert bundle(ingress, cell=cluster()).objects

    def test_a_kind_means_all_of_it_where_none_has_the_services_name(self) -> None:
        claims = {"spec": {"resources": {"requests": {"storage": "50Gi"}}}}
        compiled = bundle(patched(PersistentVolumeClaim=claims).volume("a", "/a"), cell=cluster())
        claim = one(compiled, "PersistentVolumeClaim")
        assert claim["spec"]["resources"] == {"requests": {"storage": "50Gi"}}

    def test_a_door_in_another_namespace_stays_as_it_is(self) -> None:
        wide: dict[str, Any] = {"spec": {"ingress": [{}]}}
        client = patched(NetworkPolicy=wide).depends("payments/api")
        target = service("api").team("payments")
        (door,) = [
            each
            for each in bundle(client, target, cell=cluster()).objects
            if each["metadata"]["namespace"] == "payments"
        ]
        assert door["spec"]["ingress"] != [{}]
        named = patched(**{"NetworkPolicy__from.shop.web.to.api": wide}).depends("payments/api")
        assert "there is no such object" in problems(named, target)[0]

    def test_one_object_is_named_or_the_names_there_are_told(self) -> None:
        said = problems(patched(Service__api={"spec": {"type": "NodePort"}}))
        assert said == [
            "services.yaml:1: web/patch/Service/api: there is no such object (known: Service/web)"
        ]

    @pytest.mark.parametrize(
        ("target", "patch", "said"),
        [
            ("Deployment", {"metadata": {"name": "other"}}, "metadata.name"),
            ("Deployment", {"metadata": {"namespace": "other"}}, "metadata.namespace"),
            ("Deployment", {"kind": "DaemonSet"}, "kind"),
            ("Deployment", {"spec": {"replicas": 7}}, "spec.replicas"),
            ("Deployment", {"spec": {"selector": None}}, "spec.selector"),
            ("Deployment", {"spec": {"strategy": None}}, "spec.strategy.type"),
            ("Deployment", {"metadata": {"labels": {"skerry.dev/service": "x"}}}, "labels"),
            ("Deployment", {"metadata": {"annotations": {"skerry.dev/hold": "x"}}}, "annotations"),
            ("Deployment", {"metadata": {"labels": None}}, "metadata.labels"),
            ("Deployment", pod(containers=[{"name": "web", "image": "x"}]), "image"),
            ("Deployment", pod(containers=[{"name": "web", "$patch": "delete"}]), "name"),
            ("Deployment", {"spec": {"template": "x"}}, "spec.template should be a map"),
            ("Deployment", pod(containers={}), "containers should be a list"),
            ("Deployment", pod(containers=["web"]), "containers should be a list of maps"),
            ("Service", {"spec": {"selector": {"app": "other"}}}, "spec.selector"),
            (
                "NetworkPolicy",
                {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
                "podSelector",
            ),
            ("NetworkPolicy", {"spec": None}, "spec.podSelector"),
        ],
    )
    def test_what_skerry_relies_on_is_refused(
        self, target: str, patch: dict[str, Any], said: str
    ) -> None:
        (problem,) = problems(patched(**{target: patch}))[:1]
        assert problem.startswith(f"services.yaml:1: web/patch/{target}: ")
        assert said in problem

    @given(PLAIN, PLAIN)
    def test_merging_twice_is_merging_once_and_changes_neither_side(
        self, value: Any, patch: Any
    ) -> None:
        before = json.dumps([value, patch])
        merged = merge(value, patch)
        assert merge(merged, patch) == merged
        assert json.dumps([value, patch]) == before


class TestExtra:
    def test_an_object_is_placed_and_labelled_as_the_services(self) -> None:
        compiled = bundle(WEB.having(extra=[FLAGS]), cell=cluster())
        flags = one(compiled, "ConfigMap")
        assert flags["metadata"]["namespace"] == "shop"
        assert owner_of(flags) == WEB.key
        assert "extra.ConfigMap/flags" in essence(compiled.objects)

    def test_what_a_server_wrote_into_it_is_left_out(self) -> None:
        metadata = {"name": "flags", "uid": "1", "resourceVersion": "2", "managedFields": []}
        copied = {**FLAGS, "metadata": metadata, "status": {"x": 1}}
        flags = one(bundle(WEB.having(extra=[copied]), cell=cluster()), "ConfigMap")
        assert set(flags) == {"apiVersion", "kind", "metadata"}
        assert set(flags["metadata"]) == {"name", "namespace", "labels", "annotations"}

    @pytest.mark.parametrize(
        ("extra", "said"),
        [
            ([{**FLAGS, "metadata": {"name": "a", "namespace": "other"}}], "is outside"),
            ([FLAGS, FLAGS], "is there already"),
            (
                [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}],
                "is there already",
            ),
        ],
    )
    def test_what_is_outside_or_taken_is_refused(self, extra: Any, said: str) -> None:
        assert said in problems(WEB.having(extra=extra))[0]

    def test_two_services_never_share_an_object(self) -> None:
        other = service("api").team("shop").having(extra=[FLAGS])
        said = problems(WEB.having(extra=[FLAGS]), other)
        assert said == [
            "services.yaml:1: api/extra/0: ConfigMap/shop/flags belongs to shop/web "
            "(give it another name)"
        ]
        hijacking = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}}
        plain = service("api").team("shop")
        assert "belongs to shop/api" in problems(WEB.having(extra=[hijacking]), plain)[0]

    def test_a_local_cell_names_it_and_has_no_such_object(self) -> None:
        compiled = bundle(WEB.having(extra=[FLAGS]), cell=LOCAL)
        assert "ConfigMap" not in {each["kind"] for each in compiled.objects}
        assert "ConfigMap/flags" in (annotation(one(compiled, "Deployment"), EXTRA) or "")

    def test_a_job_runs_without_the_containers_a_patch_put_beside(self) -> None:
        sidecar = pod(containers=[{"name": "tail", "image": "tail:1"}])
        compiled = bundle(patched(Deployment=sidecar).having(before=["migrate"]), cell=cluster())
        assert len(pod_of(compiled)["containers"]) == 2
        assert compiled.before is not None
        (container,) = compiled.before["spec"]["template"]["spec"]["containers"]
        assert container["name"] == container_of(compiled)["name"]

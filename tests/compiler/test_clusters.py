"""What a service becomes on a cluster, where a golden file would not say why."""

from typing import Any

import pytest

from skerry.errors import InvalidDocuments
from skerry.model.cell import LOCAL, Cell
from skerry.model.objects import INPUTS, annotation
from tests.builders import bundle, bundles, service
from tests.compiler.clusters import cluster, container_of, one, pod_of

WEB = service("web")
IRSA = cluster(identity="irsa", role_arn="arn:aws:iam::1:role/{role}")


class TestSecurity:
    def test_containers_are_restricted_without_a_word(self) -> None:
        compiled = bundle(WEB, cell=cluster())
        assert pod_of(compiled)["securityContext"]["runAsNonRoot"] is True
        assert container_of(compiled)["securityContext"]["capabilities"] == {"drop": ["ALL"]}

    def test_a_baseline_cell_lets_an_image_run_as_root(self) -> None:
        compiled = bundle(WEB, cell=cluster(security="baseline"))
        assert "runAsNonRoot" not in pod_of(compiled)["securityContext"]
        assert container_of(compiled)["securityContext"] == {"allowPrivilegeEscalation": False}

    def test_one_service_gets_out_by_a_patch(self) -> None:
        context = {"runAsNonRoot": False, "runAsUser": 0}
        patch = {"Deployment": {"spec": {"template": {"spec": {"securityContext": context}}}}}
        compiled = bundle(WEB.having(patch=patch), cell=cluster())
        assert pod_of(compiled)["securityContext"].items() >= context.items()


class TestLeaving:
    @pytest.mark.parametrize(("drain", "grace"), [("0s", 31), ("45s", 75)])
    def test_a_replica_outlives_the_load_balancers_memory_and_its_drain(
        self, drain: str, grace: int
    ) -> None:
        compiled = bundle(WEB.having(drain=drain), cell=cluster(leave="20s"))
        assert container_of(compiled)["lifecycle"]["preStop"] == {"sleep": {"seconds": 20}}
        assert pod_of(compiled)["terminationGracePeriodSeconds"] == grace

    def test_a_worker_has_nobody_to_wait_for(self) -> None:
        compiled = bundle(WEB.worker().having(drain="5s"), cell=cluster(leave="20s"))
        assert "lifecycle" not in container_of(compiled)
        assert pod_of(compiled)["terminationGracePeriodSeconds"] == 15


class TestRoutes:
    def test_a_cell_without_routes_gives_no_url_and_no_opening(self) -> None:
        compiled = bundle(WEB, cell=cluster(routes="none"))
        assert compiled.url is None
        assert len(one(compiled, "NetworkPolicy")["spec"]["ingress"]) == 1

    def test_services_without_urls_do_not_share_one(self) -> None:
        assert len(bundles(WEB, service("api"), cell=cluster(routes="none"))) == 2

    def test_only_a_service_with_a_route_gets_a_port_on_the_nodes(self) -> None:
        cell = cluster(node_ports=True, load_balancers=["10.0.0.0/16"])
        types = {
            builder.document["service"]: one(bundle(builder, cell=cell), "Service")["spec"]["type"]
            for builder in (WEB, service("db").having(protocol="tcp"))
        }
        assert types == {"web": "NodePort", "db": "ClusterIP"}

    def test_two_services_at_one_host_have_certificates_of_their_own(self) -> None:
        cell = cluster(routes="ingress", ingress={"issuer": "letsencrypt"})
        paths = {"web": "/", "api": "/api"}
        compiled = bundles(
            *(
                service(name).having(route={"host": "acme.dev", "path": path})
                for name, path in paths.items()
            ),
            cell=cell,
        )
        secrets = [one(each, "Ingress")["spec"]["tls"][0]["secretName"] for each in compiled]
        assert secrets == ["web-tls", "api-tls"]


class TestIdentity:
    def role(self, compiled: Any) -> str | None:
        return annotation(one(compiled, "ServiceAccount"), "eks.amazonaws.com/role-arn")

    def test_the_role_has_the_services_name(self) -> None:
        assert self.role(bundle(WEB, cell=IRSA)) == "arn:aws:iam::1:role/web"

    def test_a_document_may_name_another_role_or_none(self) -> None:
        named, without = (
            bundle(WEB.having(access={"role": role}), cell=IRSA) for role in ("orders", "none")
        )
        assert self.role(named) == "arn:aws:iam::1:role/orders"
        assert self.role(without) is None


class TestInputs:
    def inputs(self, cell: Cell) -> str | None:
        return annotation(one(bundle(WEB, cell=cell), "Deployment"), INPUTS)

    @pytest.mark.parametrize(
        "fields",
        [
            {"security": "baseline"},
            {"gateway": {"name": "public"}},
            {"leave": "20s"},
            {"external_dns": True},
            {"storage_class": "gp3"},
            {"load_balancers": ["10.0.0.0/8"]},
            {"identity": "irsa", "role_arn": "arn:aws:iam::1:role/{role}"},
        ],
        ids=lambda fields: next(iter(fields)),
    )
    def test_a_field_of_the_cell_that_objects_are_made_of_opens_every_service(
        self, fields: dict[str, Any]
    ) -> None:
        assert self.inputs(cluster(**fields)) != self.inputs(cluster())

    def test_where_a_cell_is_reached_opens_none(self) -> None:
        elsewhere = cluster(context="other", kubeconfig="/k", reconcile="off", country="DE")
        assert self.inputs(elsewhere) == self.inputs(cluster())


class TestNotes:
    def test_a_plan_says_what_was_asked_for_and_the_cell_does_not_give(self) -> None:
        asking = WEB.having(
            access={"role": "orders"},
            route={"host": "www.acme.dev"},
            patch={"Ingress": {"metadata": {"annotations": {"a": "b"}}}},
        )
        assert bundle(asking, cell=cluster(routes="none")).notes == (
            "gets no cloud role orders: cell eu-1 hands out none (`identity:`)",
            "is not found at www.acme.dev: cell eu-1 gives no URLs (`routes:`)",
            "`patch:` of Ingress changes nothing: the service has none in cell eu-1",
        )

    def test_what_was_not_asked_for_by_name_is_not_missed(self) -> None:
        assert bundle(WEB, cell=cluster(routes="none")).notes == ()


@pytest.mark.parametrize("team", ["kube-system", "skerry"])
def test_the_clusters_own_namespaces_take_no_services(team: str) -> None:
    with pytest.raises(InvalidDocuments, match="is not for services"):
        bundle(WEB.team(team), cell=cluster())
    bundle(WEB.team(team), cell=LOCAL)

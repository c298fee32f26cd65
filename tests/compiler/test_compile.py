"""What changes with a document and what does not, and what the compiler refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.compiler.placement import absence
from skerry.errors import InvalidDocuments
from skerry.model.cell import LOCAL, Cell
from skerry.model.keys import ServiceKey
from skerry.model.objects import (
    DIGEST,
    INPUTS,
    TEMPLATE,
    Bundle,
    Manifest,
    annotation,
    key_of,
    owner_of,
    template_hash,
)
from tests.builders import ServiceBuilder, bundle, bundles, service

WEB = service("web")


def found(compiled: Bundle, kind: str) -> Manifest:
    """The one object of a kind."""
    (one,) = [each for each in compiled.objects if each["kind"] == kind]
    return one


def kinds(compiled: Bundle) -> list[str]:
    """The kinds of all objects, in order."""
    return [each["kind"] for each in compiled.objects]


def problems(*services: ServiceBuilder, **around: Any) -> list[str]:
    """What is wrong with these services."""
    with pytest.raises(InvalidDocuments) as caught:
        bundles(*services, **around)
    return [str(problem) for problem in caught.value.problems]


class TestRolling:
    @pytest.mark.parametrize(
        "changed",
        [
            WEB.image("registry.test/web:2"),
            WEB.env(COLOUR="blue"),
            WEB.file_at("/etc/web.conf", "a"),
            WEB.secret("PASSWORD", "store:password"),
            WEB.having(command=["serve"]),
            WEB.having(resources={"memory": "1Gi"}),
            WEB.having(health={"path": "/healthz"}),
            WEB.having(port=9000),
        ],
        ids=lambda builder: next(iter(set(builder.document) - {"service"}), "image"),
    )
    def test_what_a_container_sees_rolls_it(self, changed: ServiceBuilder) -> None:
        before, after = (found(bundle(each), "Deployment") for each in (WEB, changed))
        assert template_hash(before) != template_hash(after)
        assert annotation(before, TEMPLATE) != annotation(after, TEMPLATE)

    @pytest.mark.parametrize(
        "changed",
        [
            WEB.having(tags={"cost-center": "4711"}),
            WEB.replicas(3),
            WEB.replicas(1, most=5),
            WEB.having(route={"host": "www.acme.dev"}),
            WEB.having(deadline="1h"),
            WEB.having(slo={"availability": "99%"}),
            WEB.having(access={"role": "admin"}),
        ],
        ids=lambda builder: list(builder.document)[-1],
    )
    def test_what_a_container_does_not_see_does_not_roll_it(self, changed: ServiceBuilder) -> None:
        before, after = (found(bundle(each), "Deployment") for each in (WEB, changed))
        assert template_hash(before) == template_hash(after)
        assert annotation(before, INPUTS) != annotation(after, INPUTS)

    def test_a_changed_file_alone_is_a_release(self) -> None:
        one, two = (bundle(WEB.file_at("/etc/web.conf", text)) for text in ("a", "b"))
        assert (
            found(one, "ConfigMap")["metadata"]["name"]
            != found(two, "ConfigMap")["metadata"]["name"]
        )
        assert template_hash(found(one, "Deployment")) != template_hash(found(two, "Deployment"))

    def test_a_changed_secret_value_alone_is_a_release(self) -> None:
        builder = WEB.secret("PASSWORD", "store:password")
        one, two = (bundle(builder, fingerprints={"store:password": each}) for each in "ab")
        assert one.inputs != two.inputs
        assert template_hash(found(one, "Deployment")) != template_hash(found(two, "Deployment"))

    def test_a_secret_object_holds_references_and_no_data(self) -> None:
        secret = found(bundle(WEB.secret("PASSWORD", "store:password")), "Secret")
        assert annotation(secret, "skerry.dev/secret-ref.PASSWORD") == "store:password"
        assert not {"data", "stringData"} & set(secret)

    def test_a_secret_is_its_own_namespaces_wherever_it_is_written(self) -> None:
        pay = service("pay").team("payments")
        for written in ("store:db", "store:payments/db"):
            secret = found(bundle(pay.secret("DB", written)), "Secret")
            assert annotation(secret, "skerry.dev/secret-ref.DB") == "store:payments/db"
        secret = found(bundle(service("web").secret("DB", "store:default/db")), "Secret")
        assert annotation(secret, "skerry.dev/secret-ref.DB") == "store:db"

    def test_another_namespaces_secret_changes_nothing_here(self) -> None:
        pay = service("pay").team("payments").secret("DB", "store:db")
        one, two = (bundle(pay, fingerprints={"store:db": each}) for each in "ab")
        assert one.inputs == two.inputs
        one, two = (bundle(pay, fingerprints={"store:payments/db": each}) for each in "ab")
        assert one.inputs != two.inputs

    def test_a_reference_to_another_namespace_never_compiles(self) -> None:
        stealing = service("pay").team("payments").secret("DB", "store:default/db")
        with pytest.raises(InvalidDocuments, match="belongs to namespace default"):
            bundle(stealing)


class TestObjects:
    def test_every_object_is_owned_named_once_and_stamped(self) -> None:
        compiled = bundle(WEB.replicas(2, most=4).file_at("/a", "a").secret("B", "store:b"))
        assert {owner_of(each) for each in compiled.objects} == {WEB.key}
        assert len({key_of(each) for each in compiled.objects}) == len(compiled.objects)
        assert all(annotation(each, DIGEST) for each in compiled.objects)

    def test_the_autoscaler_has_the_count_and_the_deployment_does_not(self) -> None:
        compiled = bundle(WEB.replicas(2, most=4))
        assert "replicas" not in found(compiled, "Deployment")["spec"]
        bounds = found(compiled, "HorizontalPodAutoscaler")["spec"]
        assert (bounds["minReplicas"], bounds["maxReplicas"]) == (2, 4)

    def test_a_fixed_count_has_no_autoscaler(self) -> None:
        compiled = bundle(WEB.replicas(3))
        assert found(compiled, "Deployment")["spec"]["replicas"] == 3
        assert "HorizontalPodAutoscaler" not in kinds(compiled)

    def test_a_worker_has_no_door(self) -> None:
        compiled = bundle(WEB.worker())
        assert not {"Service", "HTTPRoute"} & set(kinds(compiled))
        assert compiled.url is None
        container = found(compiled, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        assert "readinessProbe" not in container and "ports" not in container

    @pytest.mark.parametrize(
        ("builder", "cell", "url"),
        [
            (WEB, LOCAL, "https://web.localhost"),
            (WEB, Cell(https=8443), "https://web.localhost:8443"),
            (WEB.team("shop"), LOCAL, "https://web.shop.localhost"),
            (WEB.having(route={"path": "/a"}), Cell(domain="acme.dev"), "https://web.acme.dev/a"),
            (WEB.having(route="none"), LOCAL, None),
            (WEB.having(protocol="tcp"), LOCAL, None),
        ],
    )
    def test_the_url_follows_from_name_namespace_and_cell(
        self, builder: ServiceBuilder, cell: Cell, url: str | None
    ) -> None:
        assert bundle(builder, cell=cell).url == url

    def test_a_tag_a_label_cannot_hold_is_kept_as_written_beside_it(self) -> None:
        metadata = found(bundle(WEB.having(tags={"contact": "Ann & Bob"})), "Service")["metadata"]
        assert metadata["labels"]["tag.skerry.dev/contact"] == "Ann-Bob"
        assert metadata["annotations"]["tag.skerry.dev/contact"] == "Ann & Bob"

    def test_two_volumes_never_share_a_claim(self) -> None:
        one = found(bundle(service("a-b").volume("c", "/c")), "PersistentVolumeClaim")
        two = found(bundle(service("a").volume("b-c", "/c")), "PersistentVolumeClaim")
        assert key_of(one) != key_of(two)


class TestDepends:
    def test_a_foreign_target_gets_a_name_here_and_an_opening_there(self) -> None:
        client, target = WEB.team("sales").depends("payments/api"), service("api").team("payments")
        compiled = bundle(client, target)
        names = {key_of(each) for each in compiled.objects}
        assert ("Service", "sales", "api") in names
        assert ("NetworkPolicy", "payments", "from.sales.web.to.api") in names
        assert {owner_of(each) for each in compiled.objects} == {client.key}

    def test_a_target_in_the_own_namespace_needs_neither(self) -> None:
        compiled = bundle(WEB.depends("api"), service("api"))
        assert kinds(compiled) == kinds(bundle(WEB))
        assert json.loads(
            annotation(found(compiled, "Deployment"), "skerry.dev/depends") or ""
        ) == ["default/api"]

    def test_a_name_several_need_is_brought_by_one(self) -> None:
        target = service("api").team("payments")
        clients = [service(name).team("sales").depends("payments/api") for name in ("b", "a")]
        compiled = bundles(*clients, target)
        aliases = [
            each.service.name
            for each in compiled
            if ("Service", "sales", "api") in {key_of(one) for one in each.objects}
        ]
        assert aliases == ["a"]

    def test_a_plain_name_is_looked_for_here_and_then_everywhere(self) -> None:
        client = WEB.team("sales").depends("api")
        both = bundle(client, service("api"), service("api").team("sales"))
        assert both.depends == (ServiceKey("sales", "api"),)
        assert bundle(client, service("api").team("pay")).depends == (ServiceKey("pay", "api"),)

    def test_a_name_means_the_same_where_its_service_does_not_run(self) -> None:
        own = service("api").team("sales").having(cells=["elsewhere"])
        said = problems(WEB.team("sales").depends("api"), own, service("api"))
        assert said == ["services.yaml:1: web/depends: api does not run in this cell"]

    def test_what_does_not_run_here_cannot_be_depended_on(self) -> None:
        assert problems(WEB.depends("nobody")) == [
            "services.yaml:1: web/depends: nobody does not run in this cell"
        ]

    def test_a_foreign_name_must_not_hide_an_own_service(self) -> None:
        said = problems(WEB.depends("pay/api"), service("api"), service("api").team("pay"))
        assert "would hide default's own api" in said[0]


class TestPlacement:
    CELL = Cell(cell="eu-1", country="DE")

    def test_services_of_other_cells_are_left_out_with_a_reason(self) -> None:
        builders = (
            WEB,
            service("far").having(cells=["us-1"]),
            service("french").having(residency=["FR"]),
        )
        assert [each.service.name for each in bundles(*builders, cell=self.CELL)] == ["web"]
        assert [absence(each.build(), self.CELL) for each in builders] == [
            None,
            "runs in us-1, not in eu-1",
            "may run in FR only; cell eu-1 is in DE",
        ]

    def test_a_cell_that_does_not_say_its_country_is_in_none(self) -> None:
        assert not bundles(WEB.having(residency=["DE"]), cell=Cell(cell="eu-1"))

    def test_naming_a_cell_residency_forbids_is_refused(self) -> None:
        said = problems(WEB.having(cells=["eu-1"], residency=["FR"]), cell=self.CELL)
        assert "names eu-1, but the service may run in FR only" in said[0]


class TestRefusing:
    def test_all_problems_come_at_once(self) -> None:
        builders = (WEB.depends("nobody"), service("api").worker().having(health={"path": "/"}))
        assert len(problems(*builders)) == 2

    def test_two_services_at_one_address_are_refused(self) -> None:
        route = {"host": "www.acme.dev"}
        said = problems(WEB.having(route=route), service("api").having(route=route))
        assert "www.acme.dev/ is already the route of web" in said[0]

    def test_files_too_large_together_are_refused(self) -> None:
        assert "more than" in problems(WEB.file_at("/big", b"x" * 2**20))[0]

    def test_an_image_not_built_yet_is_refused(self) -> None:
        builder = ServiceBuilder({"service": "web", "build": "./web"})
        assert "has not been built yet" in problems(builder)[0]


class TestInputs:
    def test_what_the_cell_already_runs_is_not_compiled(self) -> None:
        builders = (WEB, service("api").depends("web"))
        index = {each.service: each.inputs for each in bundles(*builders)}
        assert [each.objects for each in bundles(*builders, skip=index)] == [(), ()]

    def test_only_what_changed_is_compiled(self) -> None:
        index = {each.service: each.inputs for each in bundles(WEB, service("api"))}
        again = bundles(WEB.image("registry.test/web:2"), service("api"), skip=index)
        assert [bool(each.objects) for each in again] == [True, False]

    @pytest.mark.parametrize(
        "cell", [Cell(domain="acme.dev"), Cell(https=8443), Cell(cell="other"), Cell(zones=("a",))]
    )
    def test_the_cell_is_an_input(self, cell: Cell) -> None:
        assert bundle(WEB).inputs != bundle(WEB, cell=cell).inputs

    def test_the_port_of_a_dependency_is_an_input(self) -> None:
        client = WEB.depends("api")
        before, after = (bundle(client, service("api").having(port=port)) for port in (80, 81))
        assert before.inputs != after.inputs

    @given(st.permutations(["A", "B", "C", "D"]))
    def test_the_order_of_keys_does_not_matter(self, names: list[str]) -> None:
        ordered = bundle(WEB.env(A="1", B="1", C="1", D="1"))
        shuffled = bundle(WEB.env(**dict.fromkeys(names, "1")))
        assert [annotation(each, DIGEST) for each in ordered.objects] == [
            annotation(each, DIGEST) for each in shuffled.objects
        ]

"""Tenants of a stack: what each becomes, who is looked at, where each may run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skerry.compiler.tenancy import materialise
from skerry.compiler.tenancy_compile import Look, Tenants, compile_tenants, references_of
from skerry.errors import InvalidDocuments
from skerry.model.keys import ServiceKey
from skerry.model.objects import STACK, TENANT, Bundle, Manifest, key_of, owner_of
from skerry.model.repository import Repository
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import tenant_key
from skerry.spec.load import load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CELL = "cell: eu-1\nengine: kubernetes\ncountry: DE\ndomain: eu.acme.test\n"
STACK_TEXT = """\
stack: eu
residency: [DE, FR]
template:
  image: "app:{version}"
  env: {DB: "{db}/{tenant}@{cell}", LITERAL: "{{stays}}"}
  resources: {cpu: 100m, memory: 64Mi}
values: {db: one, version: 1}
allow: [10.1.0.0/16:5432, 0.0.0.0/0:443]
grace: 7d
tenants:
  acme: {version: 2, scale: {min: 2, max: 4}}
  globex: {env: {EXTRA: "for {tenant}"}, values: {db: two}}
  initech:
"""


def repository(*texts: str) -> Repository:
    """Documents, each in a file of its own, and a cell."""
    files = (CELL, *texts)
    return load(
        Sources(
            name="shop",
            texts=tuple(SourceText(path=f"{at}.yaml", text=each) for at, each in enumerate(files)),
        )
    )


def compiled(
    wanted: Repository, index: Mapping[ServiceKey, str] | None = None, **look: Any
) -> Tenants:
    """All tenants in the first cell."""
    return compile_tenants(
        wanted,
        wanted.cells[0],
        contents={},
        fingerprints=look.pop("fingerprints", {}),
        look=Look(index=index or {}, now=look.pop("now", NOW), **look),
    )


def indexed(wanted: Repository, **look: Any) -> dict[ServiceKey, str]:
    """What the cell's index says once they run."""
    return {each.service: each.inputs for each in compiled(wanted, **look).bundles}


def bundle(made: Tenants, tenant: str) -> Bundle:
    """One tenant's."""
    return next(each for each in made.bundles if each.service.name == tenant)


def of_kind(made: Bundle, kind: str) -> Manifest:
    """The first object of a kind."""
    return next(each for each in made.objects if each["kind"] == kind)


def environment(made: Bundle) -> dict[str, str]:
    """The container's plain variables."""
    container = of_kind(made, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", "") for each in container["env"]}


class TestWhatATenantBecomes:
    def test_its_values_stand_in_the_template_over_the_stacks(self) -> None:
        made = compiled(repository(STACK_TEXT))
        assert environment(bundle(made, "acme"))["DB"] == "one/acme@eu-1"
        assert environment(bundle(made, "globex"))["DB"] == "two/globex@eu-1"
        assert environment(bundle(made, "globex"))["EXTRA"] == "for globex"
        assert environment(bundle(made, "initech"))["LITERAL"] == "{stays}"
        workload = of_kind(bundle(made, "acme"), "Deployment")
        assert workload["spec"]["template"]["spec"]["containers"][0]["image"] == "app:2"

    def test_it_has_a_name_of_its_own_below_its_stacks(self) -> None:
        made = bundle(compiled(repository(STACK_TEXT)), "acme")
        assert made.url == "https://acme.eu.eu.acme.test"
        assert made.service == ServiceKey("eu-acme", "acme")

    def test_every_object_and_pod_says_whose_it_is(self) -> None:
        made = bundle(compiled(repository(STACK_TEXT)), "acme")
        for each in made.objects:
            labels = each["metadata"]["labels"]
            assert (labels[STACK], labels[TENANT]) == ("eu", "acme"), key_of(each)
            assert owner_of(each) == made.service, key_of(each)
        pod = of_kind(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert (pod[STACK], pod[TENANT]) == ("eu", "acme")

    def test_its_namespace_comes_first_and_is_restricted(self) -> None:
        made = bundle(compiled(repository(STACK_TEXT)), "acme")
        first = made.objects[0]
        assert key_of(first) == ("Namespace", "", "eu-acme")
        assert first["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_its_quota_has_room_for_a_roll_while_the_old_replicas_drain(self) -> None:
        quota = of_kind(bundle(compiled(repository(STACK_TEXT)), "acme"), "ResourceQuota")
        hard = quota["spec"]["hard"]
        assert (hard["pods"], hard["requests.cpu"]) == ("10", "1000m")
        assert hard["limits.memory"] == "640Mi"

    def test_its_account_reads_its_own_namespace_and_nothing_else(self) -> None:
        made = bundle(compiled(repository(STACK_TEXT)), "acme")
        (rule,) = of_kind(made, "Role")["rules"]
        assert rule["resources"] == ["pods", "services", "configmaps"]
        assert rule["verbs"] == ["get", "list", "watch"]
        (subject,) = of_kind(made, "RoleBinding")["subjects"]
        assert (subject["name"], subject["namespace"]) == ("acme", "eu-acme")

    def test_nothing_leaves_but_what_is_allowed(self) -> None:
        made = bundle(compiled(repository(STACK_TEXT)), "acme")
        walls = next(each for each in made.objects if each["metadata"]["name"] == "acme.walls")[
            "spec"
        ]
        assert (walls["podSelector"], walls["policyTypes"]) == ({}, ["Ingress", "Egress"])
        assert "ingress" not in walls
        blocks = [to["ipBlock"] for rule in walls["egress"] for to in rule["to"] if "ipBlock" in to]
        assert {"cidr": "10.1.0.0/16"} in blocks
        assert {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]} in blocks

    def test_what_its_template_depends_on_lets_it_in_and_it_may_go_there(self) -> None:
        text = STACK_TEXT.replace("template:\n", "template:\n  depends: [db]\n")
        made = bundle(compiled(repository(text, "service: db\nimage: db:1\nport: 5432")), "acme")
        (door,) = [each for each in made.objects if each["metadata"].get("namespace") == "default"]
        assert owner_of(door) == made.service
        assert any(each["kind"] == "Service" and each["spec"]["type"] == "ExternalName"
                   for each in made.objects)  # fmt: skip
        walls = next(each for each in made.objects if each["metadata"]["name"] == "acme.walls")
        assert walls["spec"]["egress"][-1]["ports"] == [{"protocol": "TCP", "port": 5432}]

    def test_each_has_secrets_of_its_own(self) -> None:
        text = STACK_TEXT.replace("template:\n", "template:\n  secrets: {KEY: 'store:{db}-key'}\n")
        wanted = repository(text)
        found = list(references_of(wanted.stacks[0], wanted.cells[0]))
        assert ("globex", "KEY", "store:eu-globex/two-key") in found
        assert ("acme", "KEY", "store:eu-acme/one-key") in found

    def test_a_value_that_does_not_fit_is_told_at_the_tenants_line(self) -> None:
        text = STACK_TEXT.replace("version: 2,", 'version: "2 beta",')
        with pytest.raises(InvalidDocuments) as caught:
            compiled(repository(text))
        (problem,) = caught.value.problems
        assert (problem.file, problem.line, problem.path) == ("1.yaml", 11, "eu/acme/image")


class TestWhoIsLookedAt:
    def test_a_tenant_as_the_index_has_it_is_not_compiled(self) -> None:
        wanted = repository(STACK_TEXT)
        made = compiled(wanted, indexed(wanted))
        assert not made.bundles and len(made.settled) == 3

    @pytest.mark.parametrize(
        ("old", "new", "changed"),
        [
            ("version: 2,", "version: 3,", {"acme"}),
            ("initech:", "initech: {env: {A: b}}", {"initech"}),
            ("db: one", "db: three", {"acme", "globex", "initech"}),
            ("cpu: 100m", "cpu: 200m", {"acme", "globex", "initech"}),
            ("allow: [", "allow: [10.9.0.0/16, ", {"acme", "globex", "initech"}),
            ("grace: 7d", "grace: 9d", set()),
        ],
    )
    def test_a_change_opens_those_it_concerns(self, old: str, new: str, changed: set[str]) -> None:
        index = indexed(repository(STACK_TEXT))
        made = compiled(repository(STACK_TEXT.replace(old, new)), index)
        assert {each.service.name for each in made.bundles} == changed

    def test_a_tenant_moved_to_another_file_is_the_same(self) -> None:
        index = indexed(repository(STACK_TEXT))
        less = STACK_TEXT.replace("  initech:\n", "")
        assert not compiled(repository(less, "stack: eu\ntenants: {initech: }"), index).bundles

    def test_values_of_a_roll_out_are_over_the_stacks_and_below_a_tenants_own(self) -> None:
        wanted = repository(STACK_TEXT)
        chosen = wanted.stacks[0].with_values({"version": "9"})
        images = {
            tenant: materialise(chosen, tenant, wanted.cells[0]).service.image
            for tenant in chosen.tenants
        }
        assert images == {"acme": "app:2", "globex": "app:9", "initech": "app:9"}

    def test_another_fingerprint_of_a_secret_opens_whoever_has_it(self) -> None:
        text = STACK_TEXT.replace("template:\n", "template:\n  secrets: {KEY: store:key}\n")
        wanted = repository(text)
        index = indexed(wanted, fingerprints={"store:eu-acme/key": "one"})
        made = compiled(wanted, index, fingerprints={"store:eu-acme/key": "two"})
        assert [each.service.name for each in made.bundles] == ["acme"]

    def test_a_roll_out_compiles_its_wave_alone(self) -> None:
        only = frozenset({tenant_key("eu", "acme")})
        assert len(compiled(repository(STACK_TEXT), only=only, whole=True).bundles) == 1


class TestWhoeverIsRemoved:
    GONE = STACK_TEXT.replace("initech:", "initech: {removed: 2026-11-20T12:00:00Z}")

    def test_is_stopped_with_its_data_until_its_time_is_over(self) -> None:
        index = indexed(repository(STACK_TEXT))
        made = compiled(repository(self.GONE), index)
        stopped = bundle(made, "initech")
        assert of_kind(stopped, "Deployment")["spec"]["replicas"] == 0
        assert stopped.url is None
        assert not [each for each in stopped.objects if each["kind"] == "HTTPRoute"]
        assert "at 2026-11-27 12:00" in stopped.notes[0]

    def test_stays_stopped_without_being_looked_at_again(self) -> None:
        index = indexed(repository(STACK_TEXT))
        index |= {
            each.service: each.inputs for each in compiled(repository(self.GONE), index).bundles
        }
        assert not compiled(repository(self.GONE), index).bundles

    def test_ends_with_its_grace(self) -> None:
        index = indexed(repository(STACK_TEXT))
        made = compiled(repository(self.GONE), index, now=NOW + timedelta(days=7))
        assert list(made.ended) == [tenant_key("eu", "initech")]

    def test_is_not_made_where_it_never_was(self) -> None:
        made = compiled(repository(self.GONE))
        assert {each.service.name for each in made.bundles} == {"acme", "globex"}
        assert not made.ended


class TestWhereItRuns:
    OTHER = "cell: fr-1\nengine: kubernetes\ncountry: FR\ndomain: fr.acme.test\n"

    def test_a_tenant_of_one_cell_is_in_no_other(self) -> None:
        moved = STACK_TEXT.replace("initech:", "initech: {cell: fr-1}")
        index = indexed(repository(STACK_TEXT, self.OTHER))
        made = compiled(repository(moved, self.OTHER), index)
        assert made.moved == {tenant_key("eu", "initech"): "runs in fr-1, not in eu-1"}

    def test_residency_of_a_tenant_narrows_where_its_stack_runs(self) -> None:
        text = STACK_TEXT.replace("initech:", "initech: {residency: [FR]}")
        made = compiled(repository(text, self.OTHER))
        assert {each.service.name for each in made.bundles} == {"acme", "globex"}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("initech:", "initech: {cell: us-1}"),
            ("residency: [DE, FR]", "residency: [DE, FR]\ncells: [us-1]"),
            ("initech:", "initech: {residency: [DE], cell: fr-1}"),
            ("initech:", "initech: {residency: [US]}"),
        ],
        ids=["a move", "the stack's cells", "a tenant narrower than its cell", "a tenant wider"],
    )
    def test_a_placement_residency_forbids_refuses_everything(self, old: str, new: str) -> None:
        american = "cell: us-1\nengine: kubernetes\ncountry: US\n"
        with pytest.raises(InvalidDocuments, match="residency"):
            repository(STACK_TEXT.replace(old, new), self.OTHER, american)

    def test_a_part_of_a_stack_may_name_cells_of_its_own_within_residency(self) -> None:
        part = "stack: eu\ncells: [fr-1]\nvalues: {db: fr}\ntenants: {late: {}}"
        made = compiled(repository(STACK_TEXT, self.OTHER, part))
        assert "late" not in {each.service.name for each in made.bundles}
        with pytest.raises(InvalidDocuments, match="us-1 is in US"):
            american = "cell: us-1\nengine: kubernetes\ncountry: US\n"
            repository(STACK_TEXT, american, part.replace("fr-1", "us-1"))

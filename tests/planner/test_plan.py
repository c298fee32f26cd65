"""What a plan holds, in which order, and in which words."""

from dataclasses import replace

import pytest

from skerry.errors import Conflict
from skerry.model.change import Action, Change, Plan
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import Manifest, key_of
from skerry.planner.plan import plan
from skerry.planner.removal import Elsewhere
from tests.builders import REPOSITORY, ServiceBuilder, bundles, service
from tests.planner.worlds import Island, run

WEB = service("web")


def reason(before: ServiceBuilder, after: ServiceBuilder) -> str:
    """Why a service that was one thing becomes another."""
    island = Island()
    island.deploy(before)
    (change,) = island.plan(after).changes
    return change.reason


def diff(before: ServiceBuilder, after: ServiceBuilder) -> list[str]:
    """What the plan shows of it."""
    island = Island()
    island.deploy(before)
    (change,) = island.plan(after).changes
    return list(change.diff)


class TestReasons:
    @pytest.mark.parametrize(
        ("after", "said"),
        [
            (WEB.image("registry.test/web:1.0.1"), "image 1.0.0 -> 1.0.1"),
            (WEB.image("other.test/web:1"), "image registry.test/web:1.0.0 -> other.test/web:1"),
            (WEB.env(LOG_LEVEL="debug"), "env LOG_LEVEL added"),
            (
                WEB.image("registry.test/web:2").env(LOG_LEVEL="debug"),
                "image 1.0.0 -> 2 and env LOG_LEVEL added",
            ),
            (WEB.replicas(3), "scale.min 1 -> 3"),
            (WEB.file_at("/etc/web.conf", "a"), "file /etc/web.conf added"),
            (WEB.secret("PASSWORD", "store:password"), "secret PASSWORD added"),
            (WEB.having(tags={"cost-center": "4711"}), "tag cost-center added"),
            (WEB.having(deadline="1h"), "deadline 5m -> 1h"),
            (WEB.having(slo={"availability": "99%"}), "its document changed in nothing that runs"),
            (
                WEB.env(A="1", B="1", C="1", D="1", E="1", F="1"),
                "env A added, env B added, env C added, env D added and 2 more fields",
            ),
        ],
    )
    def test_a_change_is_said_in_the_words_of_the_document(
        self, after: ServiceBuilder, said: str
    ) -> None:
        assert reason(WEB, after) == said

    def test_a_file_with_other_content_is_named(self) -> None:
        before, after = (WEB.file_at("/etc/web.conf", each) for each in "ab")
        assert reason(before, after) == "file /etc/web.conf"

    def test_a_removed_variable_is_said_to_be_removed(self) -> None:
        assert reason(WEB.env(A="1"), WEB) == "env A removed"

    def test_a_new_service_is_new_and_one_not_declared_says_so(self) -> None:
        island = Island()
        assert [each.reason for each in island.deploy(WEB).changes] == ["new"]
        assert [each.reason for each in island.plan().changes] == ["no longer in the repository"]


class TestDiffs:
    def test_old_and_new_stand_under_each_other(self) -> None:
        after = WEB.image("registry.test/web:2").env(LOG_LEVEL="debug")
        assert diff(WEB, after) == [
            "- image: registry.test/web:1.0.0",
            "+ image: registry.test/web:2",
            "+ env.LOG_LEVEL: debug",
        ]

    def test_variables_that_sound_like_secrets_are_masked(self) -> None:
        after = WEB.env(DB_PASSWORD="hunter2", URL="postgres://app:hunter2@db/app")
        assert diff(WEB, after) == [
            "+ env.DB_PASSWORD: ***",
            "+ env.URL: postgres://app:***@db/app",
        ]

    def test_a_masked_variable_still_shows_that_it_changes(self) -> None:
        before, after = WEB.env(TOKEN="one"), WEB.env(TOKEN="two")
        assert diff(before, after) == ["- env.TOKEN: ***", "+ env.TOKEN: ***"]

    def test_secrets_are_shown_by_reference(self) -> None:
        assert diff(WEB, WEB.secret("P", "store:p")) == ["+ secrets.P: store:p"]

    def test_a_secret_with_another_value_is_called_that(self) -> None:
        island, web = Island(), WEB.secret("P", "store:p")
        island.apply(island.plan(web, fingerprints={"store:p": "1f"}))
        (change,) = island.plan(web, fingerprints={"store:p": "2e"}).changes
        assert change.action is Action.UPDATE
        assert change.reason == "the value of a secret changed"

    def test_objects_no_field_names_are_listed(self) -> None:
        island = Island()
        island.deploy(WEB.replicas(2))
        lost = ObjectKey("PodDisruptionBudget", "default", "web")
        change = Change(service=WEB.key, action=Action.DELETE, reason="lost", delete=(lost,))
        run(island.engine.apply(change))
        (change,) = island.plan(WEB.replicas(2)).changes
        assert change.diff == ("+ PodDisruptionBudget/default/web",)
        assert change.reason == "objects around it changed"


class TestActions:
    @pytest.mark.parametrize(
        ("before", "after", "action"),
        [
            (WEB, WEB.image("x:2"), Action.UPDATE),
            (WEB, WEB.replicas(2), Action.CONFIGURE),
            (WEB.volume("data", "/d"), WEB.volume("data", "/d").image("x:2"), Action.REPLACE),
            (WEB.volume("data", "/d"), WEB, Action.REPLACE),
        ],
    )
    def test_only_what_a_container_sees_touches_containers(
        self, before: ServiceBuilder, after: ServiceBuilder, action: Action
    ) -> None:
        island = Island()
        island.deploy(before)
        assert [each.action for each in island.plan(after).changes] == [action]

    def test_the_command_before_a_release_runs_only_for_a_release(self) -> None:
        island = Island()
        migrating = WEB.having(before=["migrate"])
        assert island.deploy(migrating).changes[0].before
        assert island.plan(migrating.image("x:2")).changes[0].before
        assert island.plan(migrating.replicas(2)).changes[0].before is None


class TestWarnings:
    def test_a_replaced_service_says_how_long_it_is_away(self) -> None:
        island = Island()
        volume = WEB.volume("data", "/d").having(drain="7s", health={"path": "/"})
        island.deploy(volume)
        (change,) = island.plan(volume.image("x:2")).changes
        assert change.warnings == (
            "has a volume: stopped before its successor starts, so it is away for up to "
            "7s of draining and its start",
        )

    def test_a_service_without_a_health_check_is_told(self) -> None:
        (change,) = Island().plan(WEB).changes
        assert "no health check" in change.warnings[0]
        (change,) = Island().plan(WEB.having(health={"path": "/"})).changes
        assert not change.warnings

    def test_what_the_engine_cannot_do_is_said(self) -> None:
        wanted = bundles(WEB.having(health={"path": "/"}))
        made = plan(
            wanted,
            Island().snapshot,
            repository=REPOSITORY,
            limits=lambda objects: (f"cannot run {len(objects)} objects",),
        )
        assert made.changes[0].warnings == ("cannot run 5 objects",)

    def test_data_that_stays_behind_is_named(self) -> None:
        island = Island()
        island.deploy(WEB.volume("data", "/d"))
        (change,) = island.plan(WEB.having(health={"path": "/"})).changes
        assert change.warnings[-1] == "volume web.data is not used any more; its data stays"
        (change,) = island.plan().changes
        assert change.warnings == ("volume web.data and its data stay",)
        assert not [key for key in change.delete if key.kind == "PersistentVolumeClaim"]


class TestOrder:
    def test_targets_come_before_their_clients(self) -> None:
        made = Island().plan(service("a").depends("b"), service("b").depends("c"), service("c"))
        assert [(each.service.name, each.layer) for each in made.changes] == [
            ("c", 0),
            ("b", 1),
            ("a", 2),
        ]

    def test_layers_in_which_nothing_changes_are_left_out(self) -> None:
        island = Island()
        island.deploy(service("a").depends("b"), service("b"))
        made = island.plan(service("a").depends("b").image("x:2"), service("b"))
        assert [(each.service.name, each.layer) for each in made.changes] == [("a", 0)]
        assert made.unchanged == 1

    def test_removals_come_last_and_clients_go_first(self) -> None:
        island = Island()
        island.deploy(service("a").depends("b"), service("b"), service("c"))
        made = island.plan(service("c").image("x:2"))
        assert [(each.service.name, each.layer) for each in made.changes] == [
            ("c", 0),
            ("a", 1),
            ("b", 2),
        ]


class TestPruning:
    def test_another_repositorys_services_stay(self) -> None:
        island = Island()
        island.deploy(WEB, name="one")
        made = island.deploy(service("api"), name="two")
        assert [each.action for each in made.changes] == [Action.CREATE]

    def test_a_name_of_another_repository_is_refused(self) -> None:
        island = Island()
        island.deploy(WEB, name="one")
        with pytest.raises(Conflict, match="belongs to repository one"):
            island.plan(WEB, name="two")

    def test_without_pruning_nothing_is_removed(self) -> None:
        island = Island()
        island.deploy(WEB)
        assert island.plan(prune=False).empty

    def test_a_service_this_cell_must_not_run_goes_with_that_reason(self) -> None:
        island = Island()
        island.deploy(WEB)
        made = island.plan(elsewhere=Elsewhere(absent={WEB.key: "may run in FR only"}))
        assert [each.reason for each in made.changes] == ["may run in FR only"]

    def test_files_of_the_release_before_stay_until_the_one_after(self) -> None:
        island = Island()
        for content in "abc":
            made = island.deploy(WEB.file_at("/etc/web.conf", content))
        maps = [key for key in island.objects if key.kind == "ConfigMap"]
        assert len(maps) == 2
        assert [key.kind for key in made.changes[0].delete] == ["ConfigMap"]
        assert island.plan(WEB.file_at("/etc/web.conf", "c")).empty

    def test_a_shared_name_changes_hands_without_a_gap(self) -> None:
        island = Island()
        target = service("api").team("pay")
        one, two = (service(name).team("sales").depends("pay/api") for name in "ab")
        island.deploy(one, two, target)
        island.deploy(two, target)
        assert ObjectKey("Service", "sales", "api") in island.objects
        assert island.plan(two, target).empty
        assert set(island.snapshot.services) == {two.key, target.key}


class TestLooking:
    def test_only_what_differs_is_opened(self) -> None:
        island = Island()
        island.deploy(WEB, service("api"), service("old"))
        made = island.plan_differing(WEB.image("x:2"), service("api"))
        assert made == island.plan(WEB.image("x:2"), service("api"))
        assert [each.service for each in made.changes] == [WEB.key, ServiceKey("default", "old")]

    def test_what_a_cluster_adds_by_itself_is_no_difference(self) -> None:
        island = Island()
        wanted = WEB.file_at("/etc/web.conf", "a").secret("P", "store:p")
        island.deploy(wanted)
        live = replace(
            island.snapshot,
            objects={key: _defaulted(each) for key, each in island.objects.items()},
        )
        limits = island.engine.limits
        assert plan(bundles(wanted), live, repository=REPOSITORY, limits=limits).empty
        changed = bundles(wanted.image("registry.test/web:2"))
        (change,) = plan(changed, live, repository=REPOSITORY, limits=limits).changes
        assert change.reason == "image 1.0.0 -> 2"

    def test_the_digest_covers_what_is_done(self) -> None:
        island = Island()
        assert island.plan(WEB).digest == island.plan(WEB).digest
        assert island.plan(WEB).digest != island.plan(WEB.image("x:2")).digest


def _defaulted(manifest: Manifest) -> Manifest:
    """As an API server gives it back."""
    found = {**manifest, "status": {"observedGeneration": 1}}
    found["metadata"] = {**manifest["metadata"], "uid": "8f1e", "resourceVersion": "4711"}
    if manifest["kind"] == "Deployment":
        spec = manifest["spec"]
        pod = {**spec["template"]["spec"], "restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
        pod["containers"] = [{**each, "imagePullPolicy": "Always"} for each in pod["containers"]]
        found["spec"] = {**spec, "template": {**spec["template"], "spec": pod}}
    return found


class TestWhatIsApplied:
    def test_only_objects_that_differ_are_applied_and_all_are_recorded(self) -> None:
        island = Island()
        web = WEB.file_at("/etc/web.conf", "a").replicas(1, most=4)
        island.deploy(web)
        (change,) = island.plan(web.image("registry.test/web:2")).changes
        assert [each["kind"] for each in change.apply] == ["Deployment"]
        assert {key_of(each) for each in change.objects} == set(island.objects)

    def test_the_deployment_is_applied_whatever_differs_for_it_says_what_there_is(self) -> None:
        island = Island()
        island.deploy(WEB)
        (change,) = island.plan(WEB.having(tags={"cost-center": "4711"})).changes
        assert "Deployment" in {each["kind"] for each in change.apply}


class TestObjectsKnownByTheirMetadataAlone:
    def test_like_a_wanted_one_by_its_digest_they_are_no_difference(self) -> None:
        web = WEB.replicas(1, most=3).file_at("/etc/web.conf", "a")
        island = Island()
        island.deploy(web)
        (change,) = stubbed_plan(island, web.image("registry.test/web:2")).changes
        assert change.reason == "image 1.0.0 -> 2"

    def test_where_contents_are_not_known_only_the_object_is_named(self) -> None:
        island = Island()
        island.deploy(WEB.replicas(1, most=3))
        (change,) = stubbed_plan(island, WEB.replicas(1, most=4)).changes
        assert change.reason == "objects around it changed"
        assert "  HorizontalPodAutoscaler/default/web changes" in change.diff


def stubbed_plan(island: Island, *services: ServiceBuilder) -> Plan:
    """What these would change, of all but Deployments only the metadata known."""
    snapshot = island.snapshot
    objects = {
        key: each
        if key.kind == "Deployment"
        else {"kind": each["kind"], "metadata": each["metadata"]}
        for key, each in snapshot.objects.items()
    }
    return plan(
        bundles(*services),
        replace(snapshot, objects=objects),
        repository=REPOSITORY,
        limits=island.engine.limits,
    )

"""Deploying an image, going back, and the hold both leave."""

import pytest

from skerry.errors import NotFound
from skerry.model.change import Action, Hold, Plan, hold_of
from skerry.model.keys import ServiceKey
from skerry.planner.release import new_hold, plan_image, plan_release, plan_unhold
from tests.builders import service
from tests.planner.worlds import NOW, Island

WEB = service("web").env(COLOUR="blue").having(before=["migrate"])
KEY = WEB.key


def held(island: Island, reason: str = "1.0.0 is broken") -> Hold:
    """A hold by ann."""
    return new_hold(KEY, island.snapshot, by="ann", at=NOW, reason=reason)


def image(island: Island, name: str) -> Plan:
    """A plan for another image."""
    return plan_image(KEY, name, island.snapshot, limits=island.engine.limits, hold=held(island))


@pytest.fixture
def island() -> Island:
    """`web` at its first release."""
    made = Island()
    made.record(made.deploy(WEB).changes[0], 1)
    return made


def test_an_image_changes_the_image_and_nothing_else(island: Island) -> None:
    (change,) = island.apply(image(island, "registry.test/web:2")).changes
    assert change.action is Action.UPDATE
    assert change.reason == "image 1.0.0 -> 2 and held by ann: 1.0.0 is broken"
    state = island.snapshot.services[KEY]
    assert state.image == "registry.test/web:2"
    assert state.hold is not None


def test_the_command_before_a_release_runs_in_the_new_image(island: Island) -> None:
    (change,) = image(island, "registry.test/web:2").changes
    assert change.before
    container = change.before["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["args"]) == ("registry.test/web:2", ["migrate"])


def test_a_held_service_is_left_alone_and_the_plan_says_why(island: Island) -> None:
    island.apply(image(island, "registry.test/web:2"))
    made = island.plan(WEB)
    assert made.empty
    assert [(each.service, each.reason) for each in made.held] == [
        (KEY, "held by ann since 2026-11-21 12:00: 1.0.0 is broken")
    ]
    assert island.plan_differing(WEB).held == made.held


def test_a_changed_document_ends_the_hold(island: Island) -> None:
    island.apply(image(island, "registry.test/web:2"))
    (change,) = island.apply(island.plan(WEB.image("registry.test/web:3"))).changes
    assert change.reason == "image 2 -> 3 and no longer held"
    assert hold_of(island.deployment(KEY)) is None


def test_a_second_image_is_held_against_the_same_document(island: Island) -> None:
    island.apply(image(island, "registry.test/web:2"))
    island.apply(image(island, "registry.test/web:3"))
    assert island.plan(WEB).empty
    assert not island.plan(WEB.replicas(2)).empty


def test_letting_go_rolls_nothing_and_the_next_plan_does_what_the_document_says(
    island: Island,
) -> None:
    island.apply(image(island, "registry.test/web:2"))
    (change,) = island.apply(plan_unhold(KEY, island.snapshot)).changes
    assert change.action is Action.CONFIGURE
    assert island.snapshot.services[KEY].image == "registry.test/web:2"
    assert [each.reason for each in island.plan_differing(WEB).changes] == ["image 2 -> 1.0.0"]


def test_letting_go_of_what_is_not_held_does_nothing(island: Island) -> None:
    assert plan_unhold(KEY, island.snapshot).empty


def test_going_back_gives_exactly_the_old_objects_and_holds_them(island: Island) -> None:
    old = island.snapshot.releases[KEY]
    island.deploy(WEB.image("registry.test/web:2").file_at("/etc/web.conf", "a"))
    made = plan_release(
        old, island.snapshot, limits=island.engine.limits, hold=held(island, "2 is slow")
    )
    (change,) = island.apply(made).changes
    assert (
        change.reason == "image 2 -> 1.0.0, file /etc/web.conf removed and held by ann: 2 is slow"
    )
    assert change.before is None
    assert island.snapshot.services[KEY].image == "registry.test/web:1.0.0"
    assert island.plan(WEB.image("registry.test/web:2").file_at("/etc/web.conf", "a")).empty


def test_undoing_a_failed_release_restores_the_hold_there_was(island: Island) -> None:
    release = island.record(island.apply(image(island, "registry.test/web:2")).changes[0], 2)
    island.apply(image(island, "registry.test/web:3"))
    island.apply(plan_release(release, island.snapshot, limits=island.engine.limits))
    hold = island.snapshot.services[KEY].hold
    assert hold is not None and hold.reason == "1.0.0 is broken"
    assert island.plan(WEB).empty


def test_going_to_where_one_is_does_nothing(island: Island) -> None:
    release = island.snapshot.releases[KEY]
    assert plan_release(release, island.snapshot, limits=island.engine.limits).empty


def test_what_is_not_there_is_not_found(island: Island) -> None:
    with pytest.raises(NotFound):
        new_hold(ServiceKey("default", "nobody"), island.snapshot, by="ann", at=NOW, reason="")

"""What holds of every plan, whatever the cell ran and the documents say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.model.change import Action
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import DEPENDS, annotation
from skerry.planner.release import new_hold, plan_image
from tests.builders import ServiceBuilder, service
from tests.planner.worlds import NOW, Island

NAMES = ("a", "b", "c", "d", "e")
STRAY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "stray", "namespace": "default", "labels": {"app": "stray"}},
}


@st.composite
def services(draw: st.DrawFn) -> ServiceBuilder:
    """One of five, in one of two namespaces for each name, in any of many forms."""
    name = draw(st.sampled_from(NAMES))
    made = service(name).image(f"registry.test/{name}:{draw(st.integers(1, 3))}")
    if name in {"d", "e"}:
        made = made.team("pay")
    if draw(st.booleans()):
        made = made.env(COLOUR=draw(st.sampled_from(["red", "blue"])))
    if draw(st.booleans()):
        made = made.file_at("/etc/app.conf", draw(st.sampled_from(["one", "two"])))
    if draw(st.booleans()):
        made = made.secret("PASSWORD", "store:password")
    shape = draw(st.sampled_from(["one", "many", "scaled", "volume", "worker"]))
    if shape == "volume":
        return made.volume("data", "/data")
    made = made.worker() if shape == "worker" else made
    least = 2 if shape == "many" else 1
    return made.replicas(least, most=4 if shape == "scaled" else None)


@st.composite
def repositories(draw: st.DrawFn) -> tuple[ServiceBuilder, ...]:
    """Services by unique name; each may depend on those whose names come before its own."""
    chosen = sorted(
        draw(st.lists(services(), max_size=5, unique_by=lambda each: each.key)),
        key=lambda each: each.key.name,
    )
    made = []
    for place, each in enumerate(chosen):
        earlier = [f"{other.key.namespace}/{other.key.name}" for other in chosen[:place]]
        targets = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        made.append(each.depends(*targets))
    return tuple(made)


@given(repositories(), repositories())
@settings(max_examples=60, deadline=None)
def test_planning_after_applying_is_empty(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...]
) -> None:
    island = Island()
    for wanted in (first, second):
        island.deploy(*wanted)
        assert island.plan(*wanted).empty
        assert island.plan_differing(*wanted).empty
        assert set(island.snapshot.services) == {each.key for each in wanted}


@given(repositories(), repositories())
@settings(max_examples=40, deadline=None)
def test_opening_only_what_differs_gives_the_same_plan(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...]
) -> None:
    island = Island()
    island.deploy(*first)
    assert island.plan_differing(*second).changes == island.plan(*second).changes


@given(repositories(), repositories())
@settings(max_examples=40, deadline=None)
def test_only_owned_objects_of_this_repository_and_never_data_are_removed(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...]
) -> None:
    island = Island()
    island.engine.plant(STRAY)
    island.deploy(service("theirs").volume("data", "/data"), name="other")
    theirs = set(island.objects)
    island.deploy(*first)
    data = {key for key in island.objects if key.kind == "PersistentVolumeClaim"}
    for wanted in (second, ()):
        made = island.deploy(*wanted)
        removed = {key for change in made.changes for key in change.delete}
        assert not removed & (theirs | data | {ObjectKey("ConfigMap", "default", "stray")})
    assert theirs <= set(island.objects)
    assert island.engine.object(ObjectKey("ConfigMap", "default", "stray")) == STRAY


@given(repositories(), repositories())
@settings(max_examples=40, deadline=None)
def test_the_same_input_gives_the_same_plan_in_any_order(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...]
) -> None:
    one, two = Island(), Island()
    one.deploy(*first)
    two.deploy(*reversed(first))
    assert one.plan(*second).digest == two.plan(*reversed(second)).digest


@given(repositories(), repositories())
@settings(max_examples=40, deadline=None)
def test_layers_respect_depends(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...]
) -> None:
    island = Island()
    island.deploy(*first)
    made = island.plan(*second)
    layers = {each.service: each.layer for each in made.changes if each.action != Action.DELETE}
    for each in second:
        for written in each.document.get("depends", ()):
            target = ServiceKey(*written.split("/"))
            if each.key in layers and target in layers:
                assert layers[target] < layers[each.key]
    deleted = {each.service: each.layer for each in made.changes if each.action is Action.DELETE}
    for service_, layer in deleted.items():
        assert layer > max(layers.values(), default=-1)
        written = annotation(island.deployment(service_), DEPENDS) or ""
        for target, below in deleted.items():
            if f'"{target.namespace}/{target.name}"' in written:
                assert layer < below


@given(repositories(), repositories(), st.data())
@settings(max_examples=40, deadline=None)
def test_held_services_are_not_touched(
    first: tuple[ServiceBuilder, ...], second: tuple[ServiceBuilder, ...], data: st.DataObject
) -> None:
    island = Island()
    island.deploy(*first)
    if not first:
        return
    chosen = data.draw(st.sampled_from(first))
    hold = new_hold(chosen.key, island.snapshot, by="ann", at=NOW, reason="slow")
    limits = island.engine.limits
    island.apply(plan_image(chosen.key, "x:9", island.snapshot, limits=limits, hold=hold))
    made = island.plan(*first)
    assert made.empty
    assert [each.service for each in made.held] == [chosen.key]
    touched = {each.service for each in island.plan(*first, *_new(second, first)).changes}
    assert chosen.key not in touched


def _new(
    wanted: tuple[ServiceBuilder, ...], there: tuple[ServiceBuilder, ...]
) -> list[ServiceBuilder]:
    """Services of other names, standing alone."""
    known = {each.key for each in there}
    return [each.depends() for each in wanted if each.key not in known]

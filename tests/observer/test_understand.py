"""What a snapshot holds beside words and sentences."""

from dataclasses import replace
from datetime import UTC, datetime

from skerry.model.change import Release
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import RELEASE, Manifest
from skerry.model.world import Observation
from skerry.observer.understand import understand
from tests.builders import bundle, service

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEB = service("web").team("shop")
BUNDLE = bundle(WEB)
LOOK = Observation(cell="local", at=NOON, objects=BUNDLE.objects)


def test_a_service_is_known_by_its_deployment() -> None:
    snapshot = understand(LOOK)
    state = snapshot.services[ServiceKey("shop", "web")]
    assert snapshot.inputs == {WEB.key: BUNDLE.inputs}
    assert (state.image, state.url) == ("registry.test/web:1.0.0", "https://web.shop.localhost")


def test_objects_nobody_owns_are_left_out() -> None:
    stray: Manifest = {"kind": "ConfigMap", "metadata": {"name": "stray", "namespace": "shop"}}
    snapshot = understand(replace(LOOK, objects=(*LOOK.objects, stray)))
    assert ObjectKey("ConfigMap", "shop", "stray") not in snapshot.objects
    assert len(snapshot.objects) == len(BUNDLE.objects)


def test_data_left_behind_is_an_object_and_no_service() -> None:
    claims = [
        each
        for each in bundle(WEB.volume("data", "/data")).objects
        if each["kind"] == "PersistentVolumeClaim"
    ]
    snapshot = understand(replace(LOOK, objects=tuple(claims)))
    assert len(snapshot.objects) == 1
    assert not snapshot.services


def test_the_release_is_the_newest_only_when_that_is_what_is_wanted() -> None:
    newest = Release(
        service=WEB.key,
        number=4,
        image="",
        by="ann",
        at=NOON,
        reason="",
        inputs="",
        objects=BUNDLE.objects,
    )
    look = replace(LOOK, releases={WEB.key: newest})
    assert understand(look).services[WEB.key].release == 4
    other = replace(look, objects=bundle(WEB.image("registry.test/web:2")).objects)
    assert understand(other).services[WEB.key].release is None


def test_the_number_written_on_the_deployment_wins() -> None:
    objects = [_numbered(each) if each["kind"] == "Deployment" else each for each in LOOK.objects]
    assert understand(replace(LOOK, objects=tuple(objects))).services[WEB.key].release == 3


def _numbered(deployment: Manifest) -> Manifest:
    metadata = deployment["metadata"]
    annotations = {**metadata["annotations"], RELEASE: "3"}
    return {**deployment, "metadata": {**metadata, "annotations": annotations}}

"""Each case is a service and what its pods look like; it names the word, the sentence, and
whether a rollout would go on waiting. Times are around noon, and it is noon."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.objects import TEMPLATE_HASH, Manifest, template_hash
from skerry.model.world import Observation, Override, ServiceState
from skerry.observer.rollout import Done, Failed, Waiting, progress
from skerry.observer.understand import understand
from tests.builders import ServiceBuilder, bundle

CASES = Path(__file__).parent / "cases"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BORN = "2026-11-21T11:59:00Z"
WEB = ServiceKey("default", "web")


@pytest.mark.parametrize("case", sorted(file.stem for file in CASES.glob("*.yaml")))
def test_a_case_is_understood(case: str) -> None:
    written = yaml.safe_load((CASES / f"{case}.yaml").read_text())
    state = understand(observation(written)).services[WEB]
    expected = written["expect"]
    assert state.reason == expected["reason"]
    assert state.state.value == expected["state"]
    assert_progress(state, expected)


def assert_progress(state: ServiceState, expected: dict[str, Any]) -> None:
    """Whether one would go on waiting, and with which last lines one would not."""
    word, _, said = expected["progress"].partition(": ")
    answer = progress(state)
    assert isinstance(answer, {"done": Done, "failed": Failed, "waiting": Waiting}[word])
    if isinstance(answer, Failed):
        assert answer.last_lines == tuple(expected.get("last_lines", ()))
    if isinstance(answer, Waiting) and said:
        assert answer.reason == said


def observation(written: dict[str, Any]) -> Observation:
    """A look at a cell with this one service."""
    objects = list(bundle(ServiceBuilder(written["service"])).objects)
    deployment = next(each for each in objects if each["kind"] == "Deployment")
    if "autoscaler" in written:
        objects = [
            {**each, "status": written["autoscaler"]}
            if each["kind"] == "HorizontalPodAutoscaler"
            else each
            for each in objects
        ]
    if "conditions" in written or "paused" in written:
        objects = [_conditioned(each, written) for each in objects]
    override = written.get("override")
    return Observation(
        cell="local",
        at=NOON,
        objects=tuple(objects),
        pods=tuple(
            pod(f"web-{number}", each, deployment) for number, each in enumerate(written["pods"])
        ),
        events=tuple(event(each) for each in written.get("events", ())),
        releases={WEB: release(written["release"])} if "release" in written else {},
        overrides={} if override is None else {WEB: Override(replicas=override, by="ann", at=NOON)},
    )


def _conditioned(manifest: Manifest, written: dict[str, Any]) -> Manifest:
    if manifest["kind"] != "Deployment":
        return manifest
    spec = {**manifest["spec"], "paused": written.get("paused", False)}
    return {**manifest, "spec": spec, "status": {"conditions": written.get("conditions", [])}}


def event(short: dict[str, Any]) -> Manifest:
    """Kubernetes' form of `{about: Pod/web-0, reason: ..., message: ..., at: ...}`."""
    kind, _, name = short["about"].partition("/")
    return {
        "kind": "Event",
        "involvedObject": {"kind": kind, "namespace": "default", "name": name},
        "reason": short["reason"],
        "message": short["message"],
        "lastTimestamp": short.get("at", "2026-11-21T11:59:55Z"),
    }


def pod(name: str, written: dict[str, Any], deployment: Manifest) -> Manifest:
    """A pod from its short form."""
    template = deployment["spec"]["template"]
    hash_ = "old" if written.get("old") else template_hash(deployment)
    metadata = {
        "name": name,
        "namespace": "default",
        "labels": {**template["metadata"]["labels"], TEMPLATE_HASH: hash_},
    }
    if written.get("draining"):
        metadata["deletionTimestamp"] = "2026-11-21T12:00:10Z"
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": written.get("spec", template["spec"]),
        "status": written.get("raw") or status(dict(written["status"])),
    }


def status(short: dict[str, Any]) -> dict[str, Any]:
    """Kubernetes' form of the short one."""
    ready = bool(short.pop("ready", False))
    condition = {
        "type": "Ready",
        "status": str(ready),
        "lastTransitionTime": short.pop("turned", BORN),
        "message": short.pop("message", "containers with unready status: [web]"),
    }
    running = {"state": {"running": {"startedAt": BORN}}}
    return {
        "startTime": BORN,
        "podIP": "10.0.0.1",
        "conditions": [condition],
        "containerStatuses": [{"restartCount": 0, "ready": ready, **running, **short}],
    }


def release(verdict: str) -> Release:
    """A release with this verdict."""
    return Release(
        service=WEB,
        number=7,
        image="web:2",
        by="ann",
        at=NOON,
        reason="new",
        inputs="",
        objects=(),
        verdict=Verdict(verdict),
    )

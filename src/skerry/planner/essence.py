"""What a person cares about in a service's objects, in the words of its document.

Read by field from the objects, compiled or live: what a cluster fills in by default does
not show. Values that could hold a password are masked.
"""

import re
from collections.abc import Iterable, Mapping
from shlex import join
from typing import Any, Final

import orjson

from skerry.model.change import hold_of
from skerry.model.objects import (
    CLOUD_ROLE,
    DEADLINE,
    DEPENDS,
    DRAIN,
    EXTRA,
    PATCH,
    PROTOCOL,
    SECRET_REF,
    URL,
    Manifest,
    annotation,
    digest_of,
)
from skerry.model.units import show_seconds

MASK: Final = "***"
_TAG: Final = "tag.skerry.dev/"
_HUSH: Final = re.compile(
    r"PASS(W|PHRASE|_|$)|PWD|SECRET|TOKEN|CREDENTIAL|(API|PRIVATE|ACCESS|SIGNING|ENCRYPTION)_?KEY",
    re.IGNORECASE,
)
_PASSWORD: Final = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_OWN: Final = frozenset({"SKERRY_CELL", "SKERRY_NAMESPACE", "SKERRY_SERVICE", "PORT"})

Essence = dict[str, str]
"""Path in the document -> value as written there."""


def essence(objects: Iterable[Manifest]) -> Essence:
    """The essence of one service. Objects of kinds nobody writes about add nothing."""
    wanted = list(objects)
    beside = {name for each in wanted for name in _beside(each)}
    by_kind: dict[str, list[Manifest]] = {}
    for manifest in wanted:
        if f"{manifest['kind']}/{manifest['metadata']['name']}" not in beside:
            by_kind.setdefault(manifest["kind"], []).append(manifest)
    found: Essence = {}
    for deployment in by_kind.get("Deployment", ()):
        found.update(_workload(deployment))
        found.update(_files(deployment, by_kind.get("ConfigMap", ())))
    for autoscaler in by_kind.get("HorizontalPodAutoscaler", ()):
        found.update(_scale(autoscaler.get("spec") or {}))
    for secret in by_kind.get("Secret", ()):
        found.update(_secrets(secret))
    for account in by_kind.get("ServiceAccount", ()):
        if role := annotation(account, CLOUD_ROLE):
            found["access.role"] = role
    return found


def _beside(manifest: Manifest) -> Iterable[str]:
    """The document's own objects, which may be like any: only their digests are told."""
    if manifest["kind"] != "Deployment":
        return ()
    names: dict[str, str] = orjson.loads(annotation(manifest, EXTRA) or "{}")
    return names


def hushed(name: str) -> bool:
    """Whether the name of a variable says that its value is nobody's business."""
    return _HUSH.search(name) is not None


def mask(value: str) -> str:
    """Without the passwords of URLs."""
    return _PASSWORD.sub(rf"\1{MASK}@", value) if "://" in value else value


def _workload(deployment: Manifest) -> Essence:
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    found: Essence = {"image": container["image"]}
    if args := container.get("args"):
        found["command"] = mask(join(args))
    if ports := container.get("ports"):
        found["port"] = str(ports[0]["containerPort"])
    for variable in container.get("env", ()):
        if "value" in variable and variable["name"] not in _OWN:
            found[f"env.{variable['name']}"] = variable["value"]
    found.update(_health(container))
    amounts = (container.get("resources") or {}).get("limits") or {}
    found.update({f"resources.{kind}": str(amount) for kind, amount in amounts.items()})
    if "replicas" in spec:
        found["scale.min"] = str(spec["replicas"])
    for mount in container.get("volumeMounts", ()):
        if mount["name"].startswith("v-"):
            found[f"volumes.{mount['name'][2:]}"] = mount["mountPath"]
    found.update(_annotated(deployment["metadata"]))
    if (hold := hold_of(deployment)) is not None:
        found["held"] = f"{hold.by}: {hold.reason}"
    return found


def _annotated(metadata: Mapping[str, Any]) -> Essence:
    annotations = metadata.get("annotations") or {}
    found: Essence = {}
    for word, name in (("protocol", PROTOCOL), ("url", URL)):
        if name in annotations:
            found[word] = annotations[name]
    for word, name in (("deadline", DEADLINE), ("drain", DRAIN)):
        if name in annotations:
            found[word] = show_seconds(float(annotations[name]))
    for word, name in (("patch", PATCH), ("extra", EXTRA)):
        if name in annotations:
            digests = orjson.loads(annotations[name])
            found.update({f"{word}.{target}": digest for target, digest in digests.items()})
    if DEPENDS in annotations:
        found["depends"] = ", ".join(orjson.loads(annotations[DEPENDS]))
    for key, value in {**(metadata.get("labels") or {}), **annotations}.items():
        if key.startswith(_TAG):
            found[f"tags.{key[len(_TAG) :]}"] = value
    return found


def _health(container: Mapping[str, Any]) -> Essence:
    live = container.get("livenessProbe")
    if not live:
        return {}
    found = {
        "health.interval": show_seconds(live["periodSeconds"]),
        "health.timeout": show_seconds(live["timeoutSeconds"]),
        "health.failures": str(live["failureThreshold"]),
    }
    if "httpGet" in live:
        found["health.path"] = live["httpGet"]["path"]
    elif "exec" in live:
        found["health.command"] = mask(join(live["exec"]["command"]))
    start = container.get("startupProbe")
    if start:
        found["health.start"] = show_seconds(start["failureThreshold"] * start["periodSeconds"])
    return found


def _files(deployment: Manifest, maps: Iterable[Manifest]) -> Essence:
    """Which content is mounted where: the content itself may hold anything, so its digest."""
    contents: dict[str, str] = {}
    for each in maps:
        contents.update({**each.get("data", {}), **each.get("binaryData", {})})
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {
        f"files.{mount['mountPath']}": digest_of(contents.get(mount["subPath"]))[:8]
        for mount in container.get("volumeMounts", ())
        if mount.get("subPath")
    }


def _scale(spec: Mapping[str, Any]) -> Essence:
    if "maxReplicas" not in spec:
        return {}
    found = {"scale.min": str(spec.get("minReplicas", 1)), "scale.max": str(spec["maxReplicas"])}
    for metric in spec.get("metrics", ()):
        resource = metric.get("resource") or {}
        share = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and share is not None:
            found["scale.cpu"] = f"{share}%"
    return found


def _secrets(secret: Manifest) -> Essence:
    annotations = secret["metadata"].get("annotations") or {}
    return {
        f"secrets.{name[len(SECRET_REF) :]}": reference
        for name, reference in annotations.items()
        if name.startswith(SECRET_REF)
    }

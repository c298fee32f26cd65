"""A count of replicas set by hand, as the cell keeps it. Pure.

It is an annotation of the Deployment, with the count that was wanted before, and belongs to a
field manager of its own, `skerry-scale`, like the count itself. An autoscaler must not fight
it: while a count above nothing is in force its bounds are both that count (its own are kept
in the same annotation on it); at nothing Kubernetes' autoscaler stands still by itself.

An apply in the meantime leaves the counts alone and writes what the document says beside
them (`DOCUMENT`), so that it is in force as soon as the count is given back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from skerry.model.objects import Manifest, annotation
from skerry.model.world import Override

SCALE_MANAGER: Final = "skerry-scale"
OVERRIDE: Final = "skerry.dev/override"
DOCUMENT: Final = "skerry.dev/document-scale"
_COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Deployment": ("replicas",),
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
}


def override_of(deployment: Manifest) -> Override | None:
    """The count in force, whether or not its time is over."""
    written = annotation(deployment, OVERRIDE)
    if written is None:
        return None
    facts = orjson.loads(written)
    until = facts.get("until")
    return Override(
        replicas=facts["replicas"],
        by=facts["by"],
        at=datetime.fromisoformat(facts["at"]),
        until=None if until is None else datetime.fromisoformat(until),
    )


def document_of(live: Manifest) -> dict[str, int]:
    """The counts a Deployment or an autoscaler has without one set by hand: those of the last
    apply, or those before it was set."""
    if (applied := annotation(live, DOCUMENT)) is not None:
        return dict(orjson.loads(applied))
    if (written := annotation(live, OVERRIDE)) is not None:
        return dict(orjson.loads(written)["document"])
    return _counts(live)


def overriding(live: Manifest, override: Override) -> dict[str, Any]:
    """The merge patch of a Deployment or an autoscaler that puts the count in force."""
    facts = {
        "replicas": override.replicas,
        "by": override.by,
        "at": override.at.isoformat(),
        "until": None if override.until is None else override.until.isoformat(),
        "document": document_of(live),
    }
    counts = dict.fromkeys(_COUNTS[live["kind"]], override.replicas)
    annotations = {OVERRIDE: orjson.dumps(facts).decode()}
    return {"metadata": {"annotations": annotations}, "spec": counts}


def giving_back(live: Manifest) -> dict[str, Any]:
    """The merge patch that puts in force what the document says."""
    return {
        "metadata": {"annotations": {OVERRIDE: None, DOCUMENT: None}},
        "spec": document_of(live),
    }


def under_override(manifest: Manifest, live: Manifest | None) -> Manifest:
    """What to apply instead of the manifest: the same, unless a count set by hand is in force
    on the live object; then without a count of its own, and with the document's beside it."""
    if live is None or annotation(live, OVERRIDE) is None:
        return manifest
    spec = {name: value for name, value in manifest["spec"].items() if name != "replicas"}
    if manifest["kind"] != "Deployment":
        spec |= _counts(live)
    metadata = manifest["metadata"]
    document = orjson.dumps(_counts(manifest)).decode()
    annotations = {**(metadata.get("annotations") or {}), DOCUMENT: document}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}, "spec": spec}


def as_documented(deployment: Manifest) -> Manifest:
    """As it would be without the count set by hand: what a plan compares documents with."""
    if annotation(deployment, OVERRIDE) is None:
        return deployment
    spec = {name: each for name, each in deployment["spec"].items() if name != "replicas"}
    return {**deployment, "spec": {**spec, **document_of(deployment)}}


def _counts(manifest: Manifest) -> dict[str, int]:
    names = _COUNTS.get(manifest["kind"], ())
    return {name: manifest["spec"][name] for name in names if name in manifest["spec"]}

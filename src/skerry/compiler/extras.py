"""`extra:`, whole objects of a document's own, beside those Skerry makes for the service."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from skerry.compiler.subject import Subject
from skerry.errors import InvalidDocuments, Problem
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.manifests import PATCHABLE
from skerry.model.objects import EXTRA, Manifest, digest_of, key_of
from skerry.model.repository import DeclaredService

_SERVERS_OWN: Final = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)
"""What an object copied from a cluster has, and nobody may want."""


def extras(subject: Subject, compiled: Iterable[Manifest]) -> list[Manifest]:
    """The document's own objects, placed in its namespace and labelled as the service's.
    Raises InvalidDocuments for those of another namespace, or of a name that is taken."""
    written = subject.service.extra
    if not written:
        return []
    made: list[Manifest] = []
    problems: list[Problem] = []
    taken = {key_of(each) for each in compiled}
    for position, each in enumerate(written):
        placed = _placed(subject, each)
        key = key_of(placed)
        if key.namespace != subject.service.namespace:
            said = f"{key} is outside the service's namespace, {subject.service.namespace}"
            hint = "leave metadata/namespace out"
            problems.append(subject.problem(f"extra/{position}", said, hint))
        elif key in taken:
            said = f"{key} is there already"
            hint = "give it another name, or change the service's own objects with `patch:`"
            problems.append(subject.problem(f"extra/{position}", said, hint))
        taken.add(key)
        made.append(placed)
    if problems:
        raise InvalidDocuments(problems)
    return made


def noted(deployment: Manifest, beside: Iterable[Manifest]) -> Manifest:
    """The Deployment, saying which objects are the document's own."""
    digests = {_short(each): digest_of(each)[:8] for each in beside}
    if not digests:
        return deployment
    metadata = deployment["metadata"]
    annotations = {**metadata["annotations"], EXTRA: orjson.dumps(digests).decode()}
    return {**deployment, "metadata": {**metadata, "annotations": annotations}}


def shared_extras(
    placed: Iterable[DeclaredService], services: Mapping[ServiceKey, Any]
) -> list[Problem]:
    """Objects that two services would both have: each would take it from the other."""
    taken: dict[ObjectKey, ServiceKey] = {}
    problems: list[Problem] = []
    for declared in placed:
        key = declared.service.key
        for position, each in enumerate(declared.service.extra):
            spot = ObjectKey(each["kind"], key.namespace, each["metadata"]["name"])
            owner = taken.setdefault(spot, key)
            named = ServiceKey(key.namespace, spot.name)
            if owner == key and spot.kind in PATCHABLE and named in services and named != key:
                owner = named
            if owner != key:
                where = f"{key.name}/extra/{position}"
                said = f"{spot} belongs to {owner}"
                hint = "give it another name"
                problems.append(
                    Problem(
                        file=declared.file,
                        line=declared.line,
                        path=where,
                        message=said,
                        hint=hint,
                    )
                )
    return problems


def _placed(subject: Subject, written: Mapping[str, Any]) -> Manifest:
    metadata = written["metadata"]
    own = {part: metadata.get(part) or {} for part in ("labels", "annotations")}
    return {
        **{part: value for part, value in written.items() if part != "status"},
        "metadata": {
            **{part: value for part, value in metadata.items() if part not in _SERVERS_OWN},
            "namespace": metadata.get("namespace") or subject.service.namespace,
            "labels": {**own["labels"], **subject.labels},
            "annotations": {**own["annotations"], **subject.tags},
        },
    }


def _short(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"

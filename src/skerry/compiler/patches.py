"""`patch:`, the way out for what Skerry does not model: a document's own fields, merged last.

A JSON merge patch (RFC 7386: maps merge, null removes, all else replaces) with one addition
of Kubernetes' strategic one: lists of named things are merged by name, and
`{name: x, $patch: delete}` removes one. An empty list empties.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from skerry.compiler.subject import Subject
from skerry.errors import InvalidDocuments, Problem
from skerry.model.objects import (
    APP_NAME,
    DOMAIN,
    MANAGED_BY,
    PATCH,
    TEMPLATE,
    Manifest,
    digest_of,
    key_of,
)

Path = tuple[str | int, ...]

_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "topologySpreadConstraints": "topologyKey",
}
"""Lists that are merged, and the field that tells their items apart."""
_DIRECTIVE: Final = "$patch"
_IDENTITY: Final[tuple[Path, ...]] = (
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("spec", "selector"),
    ("spec", "podSelector"),
    ("spec", "replicas"),
    ("spec", "scaleTargetRef"),
    ("spec", "template", "spec", "containers", 0, "name"),
    ("spec", "template", "spec", "containers", 0, "image"),
)
"""What the rest of Skerry, or another field of the document, relies on."""
_NEEDED: Final[tuple[Path, ...]] = (("spec", "strategy", "type"),)
_INSTEAD: Final = "leave that out of the patch: name, image and scale have fields of their own"
_LABELLED: Final[tuple[Path, ...]] = (
    ("metadata", "labels"),
    ("metadata", "annotations"),
    ("spec", "template", "metadata", "labels"),
)


def patched(subject: Subject, objects: Sequence[Manifest]) -> list[Manifest]:
    """The objects with the document's patches; doors in other namespaces stay as they are.
    Raises InvalidDocuments with every patch that meets no object or changes what Skerry
    relies on."""
    patches = subject.service.patch
    if not patches:
        return list(objects)
    namespace = subject.service.namespace
    made = {key_of(each): each for each in objects}
    problems: list[Problem] = []
    for target, patch in patches.items():
        kind, slash, name = target.partition("/")
        of_kind = [key for key in made if key.kind == kind and key.namespace == namespace]
        wanted = [key for key in of_kind if key.name == (name or subject.service.service)]
        for key in wanted or (() if slash else of_kind):
            after = merge(made[key], patch)
            problems.extend(_judge(subject, target, before=made[key], after=after))
            made[key] = after
        if slash and not wanted:
            problems.append(_absent(subject, target, known=[key.name for key in of_kind]))
    if problems:
        raise InvalidDocuments(problems)
    return [_noted(each, patches) for each in made.values()]


def merge(value: Any, patch: Any, *, field: str = "") -> Any:
    """The value with the patch merged in; neither is changed. `field` is what it is called,
    which says how its items are told apart, if it is a list."""
    if isinstance(patch, Mapping):
        made = dict(value) if isinstance(value, Mapping) else {}
        for name, part in patch.items():
            if part is None:
                made.pop(name, None)
            else:
                made[name] = merge(made.get(name), part, field=name)
        return made
    key = _KEYS.get(field)
    if key is not None and _all_have(key, patch):
        return _merge_items(value if _all_have(key, value) else (), patch, key)
    return patch


def _all_have(key: str, items: Any) -> bool:
    """An empty list has nothing to tell apart: as a patch it empties."""
    return (
        isinstance(items, list)
        and bool(items)
        and all(isinstance(each, Mapping) and isinstance(each.get(key), str) for each in items)
    )


def _merge_items(
    items: Sequence[Mapping[str, Any]], patches: Sequence[Mapping[str, Any]], key: str
) -> list[Any]:
    made: dict[Any, Any] = {each[key]: each for each in items}
    for patch in patches:
        if patch.get(_DIRECTIVE) == "delete":
            made.pop(patch[key], None)
        else:
            made[patch[key]] = merge(made.get(patch[key]), patch)
    return list(made.values())


def _noted(manifest: Manifest, patches: Mapping[str, Any]) -> Manifest:
    """The Deployment says which patches there are, and what its template is like now."""
    if manifest["kind"] != "Deployment":
        return manifest
    metadata = manifest["metadata"]
    digests = {target: digest_of(patches[target])[:8] for target in sorted(patches)}
    annotations = {
        **metadata["annotations"],
        PATCH: orjson.dumps(digests).decode(),
        TEMPLATE: digest_of(manifest["spec"]["template"]),
    }
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _judge(subject: Subject, target: str, *, before: Manifest, after: Manifest) -> list[Problem]:
    where = f"patch/{target}"
    if odd := list(_misshapen(before, after)):
        return [subject.problem(where, said, "see it with skerry plan -o yaml") for said in odd]
    touched = [path for path in _IDENTITY if _at(before, path) != _at(after, path)]
    touched += [path for path in _LABELLED if _own(_at(before, path)) != _own(_at(after, path))]
    touched += [path for path in _NEEDED if _at(before, path) and not _at(after, path)]
    return [
        subject.problem(where, f"should not change {'.'.join(map(str, path))}", _INSTEAD)
        for path in touched
    ]


def _misshapen(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Where a map or a list has become something else."""
    if isinstance(before, Mapping):
        if not isinstance(after, Mapping):
            yield f"{path} should be a map"
            return
        for name in before.keys() & after.keys():
            yield from _misshapen(before[name], after[name], f"{path}.{name}".lstrip("."))
    elif isinstance(before, list):
        if not isinstance(after, list):
            yield f"{path} should be a list"
        elif any(isinstance(each, Mapping) for each in before) and not all(
            isinstance(each, Mapping) for each in after
        ):
            yield f"{path} should be a list of maps"


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _own(labels: Any) -> dict[str, Any]:
    found = labels if isinstance(labels, Mapping) else {}
    return {
        key: value
        for key, value in found.items()
        if key.startswith(DOMAIN) or key in (MANAGED_BY, APP_NAME)
    }


def _absent(subject: Subject, target: str, *, known: Sequence[str]) -> Problem:
    kind = target.partition("/")[0]
    hint = f"known: {', '.join(f'{kind}/{name}' for name in known)}" if known else ""
    return subject.problem(f"patch/{target}", "there is no such object", hint)

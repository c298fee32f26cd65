"""Compiled form: plain Kubernetes objects, bundled by service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from skerry.model.keys import ObjectKey, ServiceKey

# A raw Kubernetes object. Lives only in compiler, planner diff, observer and engines.
Manifest = Mapping[str, Any]

FIELD_MANAGER: Final = "skerry"
CLAIM: Final = "PersistentVolumeClaim"

DOMAIN: Final = "skerry.dev/"
"""What every label and annotation of Skerry's own starts with."""

# Labels
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
APP_NAME: Final = "app.kubernetes.io/name"
TEMPLATE_HASH: Final = "pod-template-hash"  # on pods: which template they run
SERVICE: Final = "skerry.dev/service"
TEAM: Final = "skerry.dev/team"
STACK: Final = "skerry.dev/stack"  # on every object of a tenant: whose copy it is
TENANT: Final = "skerry.dev/tenant"
# Annotations
DIGEST: Final = "skerry.dev/digest"  # of the object's compiled form
INPUTS: Final = "skerry.dev/inputs"  # of all a bundle was compiled from; on the Deployment
DEPENDS: Final = "skerry.dev/depends"  # JSON list of namespace/name; on the Deployment
DEADLINE: Final = "skerry.dev/deadline-seconds"
HOLD: Final = "skerry.dev/hold"  # JSON of change.Hold; on the Deployment
SECRET_REF: Final = "skerry.dev/secret-ref."  # + variable: its reference; on the Secret
REPOSITORY: Final = "skerry.dev/repository"  # whose service it is; on the Deployment
PROTOCOL: Final = "skerry.dev/protocol"
URL: Final = "skerry.dev/url"  # on the Deployment, when it has one
TEMPLATE: Final = "skerry.dev/template"  # digest of the compiled pod template; on the Deployment
DRAIN: Final = "skerry.dev/drain-seconds"  # on the Deployment: exact, where Kubernetes rounds
RELEASE: Final = "skerry.dev/release"  # its number; on the Deployment, put there when deployed
INVENTORY: Final = "skerry.dev/inventory"  # JSON {"Kind/namespace/name": digest}; on the Deployment
CLOUD_ROLE: Final = "skerry.dev/role"  # the one it is for; on the ServiceAccount
PATCH: Final = "skerry.dev/patch"  # JSON {target: digest} of its patches; on the Deployment
EXTRA: Final = "skerry.dev/extra"  # JSON {"Kind/name": digest} of its extra objects; likewise
RESTARTED_AT: Final = "skerry.dev/restarted-at"  # on the pod template: a change rolls it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The objects one service compiles to, for one cell, in the order they are applied.

    `inputs` digests everything the bundle was compiled from (document, cell, compiler
    version, fingerprints of secrets), so that equal inputs need no second look.
    `before` is a Job run to its end ahead of the release, when the release is new. `notes` are
    said with the change it becomes.
    """

    service: ServiceKey
    cell: str
    inputs: str
    objects: tuple[Manifest, ...]
    before: Manifest | None = None
    depends: tuple[ServiceKey, ...] = ()
    deadline_seconds: float = 300.0
    url: str | None = None
    notes: tuple[str, ...] = ()


def key_of(manifest: Manifest) -> ObjectKey:
    """The identity of a manifest."""
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def annotation(manifest: Manifest, name: str) -> str | None:
    """An annotation's value, or None."""
    value = (manifest["metadata"].get("annotations") or {}).get(name)
    return None if value is None else str(value)


def owner_of(manifest: Manifest) -> ServiceKey | None:
    """The service an object belongs to, or None when it is not Skerry's.

    The label holds `name` for an object in the service's own namespace, and for that namespace
    itself where it is the service's own; `namespace.name` for an object placed in another's (a
    door opened by `depends`).
    """
    metadata = manifest["metadata"]
    labels = metadata.get("labels") or {}
    if labels.get(MANAGED_BY) != FIELD_MANAGER or SERVICE not in labels:
        return None
    namespace, dot, name = str(labels[SERVICE]).rpartition(".")
    if not dot:
        own = manifest["kind"] == "Namespace"
        namespace = metadata["name"] if own else metadata.get("namespace", "")
    return ServiceKey(namespace, name)


def data_of(keys: Iterable[ObjectKey]) -> frozenset[ObjectKey]:
    """Which of a service's objects stay when it goes and its data must not: its volumes, and the
    namespace they are in, which would take them along."""
    every = frozenset(keys)
    data = frozenset(key for key in every if key.kind == CLAIM)
    return data | {key for key in every if key.kind == "Namespace"} if data else data


def digest_of(value: object) -> str:
    """A short digest of any JSON-like value; the order of keys does not matter."""
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


def template_hash(deployment: Manifest) -> str:
    """What engines label a Deployment's pods with, and the observer looks for: equal hash,
    equal template."""
    return digest_of(deployment["spec"]["template"])[:10]


def stamp(manifest: Manifest) -> Manifest:
    """The manifest with its digest as an annotation. A hold, a release's number, a status and
    an older digest do not count: they are not part of what was compiled."""
    metadata = manifest["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    hold = annotations.pop(HOLD, None)
    annotations.pop(DIGEST, None)
    annotations.pop(RELEASE, None)
    form = {kind: value for kind, value in manifest.items() if kind != "status"}
    form["metadata"] = {**metadata, "annotations": annotations}
    digest = digest_of(form)
    annotations[DIGEST] = digest
    if hold is not None:
        annotations[HOLD] = hold
    return form


def repository_mark(repository: str) -> str:
    """The end of every inputs digest of a repository's services, so that an index alone tells
    whose a service is."""
    return digest_of(repository)[:8]

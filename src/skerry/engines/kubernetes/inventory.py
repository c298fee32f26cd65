"""What a service consists of, as its Deployment says it.

The annotation INVENTORY lists every object of the service with the digest it was applied
with: those wanted, and those left over that replicas on their way out still need. It is
written last, with the Deployment, so all it lists is there; and what is deleted leaves it
after it is gone. Beside each digest stands that of the fields that are ours (see `fields`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from skerry.engines.kubernetes.fields import fields_digest, owns_count
from skerry.engines.kubernetes.overrides import OVERRIDE
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import (
    DIGEST,
    FIELD_MANAGER,
    HOLD,
    INPUTS,
    INVENTORY,
    MANAGED_BY,
    RELEASE,
    SERVICE,
    STACK,
    TENANT,
    Manifest,
    annotation,
    key_of,
    owner_of,
)

DRIFT: Final = "skerry.dev/drift"
"""On the Deployment, by `verify`: JSON {"Kind/namespace/name": what it found}. A plan takes
these objects for others than they were applied."""
VERIFY_MANAGER: Final = "skerry-verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object of a service: the digest it was applied with, and that of its fields."""

    digest: str
    fields: str = ""


Items = Mapping[ObjectKey, Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What an apply must know of a service as it is. Without a Deployment, nothing but that."""

    version: str = ""  # of the Deployment, as it was looked at
    uid: str = ""
    inputs: str = ""
    release: str = "0"
    digest: str = ""
    hold: str | None = None
    items: Items = field(default_factory=dict)
    drift: Mapping[str, str] = field(default_factory=dict)
    owns_count: bool = False
    count: int | None = None
    override: str | None = None

    @property
    def there(self) -> bool:
        """Whether there is a Deployment."""
        return bool(self.version)


ABSENT: Final = Live()


def live_of(deployment: Manifest) -> Live:
    """Read off a Deployment, or off its metadata."""
    metadata = deployment["metadata"]
    spec = deployment.get("spec") or {}
    return Live(
        version=metadata["resourceVersion"],
        uid=metadata["uid"],
        inputs=annotation(deployment, INPUTS) or "",
        release=annotation(deployment, RELEASE) or "0",
        digest=annotation(deployment, DIGEST) or "",
        hold=annotation(deployment, HOLD),
        items=read_items(deployment),
        drift=drift_of(deployment),
        owns_count=owns_count(deployment),
        count=spec.get("replicas"),
        override=annotation(deployment, OVERRIDE),
    )


def read_items(deployment: Manifest) -> dict[ObjectKey, Item]:
    """The objects a Deployment lists, without itself."""
    written = orjson.loads(annotation(deployment, INVENTORY) or "{}")
    found = {}
    for key, text in written.items():
        digest, _, fields = str(text).partition(" ")
        found[_key(key)] = Item(digest=digest, fields=fields)
    return found


def write_items(items: Items) -> str:
    """The annotation."""
    texts = {str(key): f"{item.digest} {item.fields}".rstrip() for key, item in items.items()}
    return orjson.dumps(texts, option=orjson.OPT_SORT_KEYS).decode()


def drift_of(deployment: Manifest) -> dict[str, str]:
    """What `verify` found about the objects of a service."""
    return dict(orjson.loads(annotation(deployment, DRIFT) or "{}"))


def item_of(manifest: Manifest, live: Manifest) -> Item:
    """An object that was applied just now, `live` being the answer."""
    return Item(digest=annotation(manifest, DIGEST) or "", fields=fields_digest(live))


def as_applied(deployment: Manifest) -> Iterator[Manifest]:
    """A Deployment and stubs of what it lists, as a plan compares them: what `verify` found
    drifted has no digest, and so differs; what it found missing is not there."""
    drift = drift_of(deployment)
    own = str(key_of(deployment))
    yield _without_digest(deployment) if own in drift else deployment
    for each in (*stubs_of(deployment), *_orphans(deployment, drift)):
        found = drift.get(str(key_of(each)))
        if found is None:
            yield each
        elif found != "missing":
            yield _without_digest(each)


def stubs_of(deployment: Manifest) -> Iterator[Manifest]:
    """Every object a Deployment lists, by its metadata as far as it is known."""
    service = owner_of(deployment)
    if service is None:
        return
    labels = deployment["metadata"].get("labels") or {}
    kept = {name: labels[name] for name in (STACK, TENANT) if name in labels}
    for key, item in read_items(deployment).items():
        yield stub(key, service, digest=item.digest, labels=kept)


def _orphans(deployment: Manifest, drift: Mapping[str, str]) -> list[Manifest]:
    """Objects of the service that nothing lists, as `verify` found them: a plan removes them."""
    service = owner_of(deployment)
    if service is None:
        return []
    keys = [_key(written) for written, found in drift.items() if found == "orphan"]
    return [stub(key, service, digest="", labels={}) for key in keys]


def stub(
    key: ObjectKey, service: ServiceKey, *, digest: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """An object by its metadata alone."""
    home = key.namespace == service.namespace
    owner = service.name if home else f"{service.namespace}.{service.name}"
    return {
        "kind": key.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {MANAGED_BY: FIELD_MANAGER, SERVICE: owner, **labels},
            "annotations": {DIGEST: digest},
        },
    }


def filled(stubs: Iterable[Manifest], known: Iterable[Manifest]) -> Iterator[Manifest]:
    """Stubs, and instead of those whose digest a known manifest has, that manifest: an equal
    digest is an equal object."""
    by_digest = {(key_of(each), annotation(each, DIGEST)): each for each in known}
    for each in stubs:
        if each["kind"] == "Deployment":
            yield each
        else:
            yield by_digest.get((key_of(each), annotation(each, DIGEST)), each)


def _without_digest(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {**metadata["annotations"]}
    annotations.pop(DIGEST, None)
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _key(written: str) -> ObjectKey:
    kind, namespace, name = written.split("/", 2)
    return ObjectKey(kind, namespace, name)

"""What a one-off needs of a release that is not applied yet.

Files and secrets are copied under names of the job's own, so that neither their removal nor
their presence touches the release. A service account, a volume claim and a namespace cannot
have another name (roles, data and walls go by it): they are the service's own, and applied.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from skerry.engines.kubernetes.parts import Parts
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY, SECRET_REF, Manifest

_COPIED: Final = frozenset({"ConfigMap", "Secret"})
_OWN: Final = ("Namespace", "ServiceAccount", "PersistentVolumeClaim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """The pod as it refers to the copies, the copies, and what is applied as it is."""

    pod: Mapping[str, Any]
    copies: tuple[Manifest, ...] = ()
    own: tuple[Manifest, ...] = ()


async def lend(
    parts: Parts, pod: Mapping[str, Any], beside: Sequence[Manifest], *, name: str
) -> Lent:
    """Raises NotFound for a secret nobody set."""
    names = {
        (each["kind"], each["metadata"]["name"]): f"{name}-{number}"
        for number, each in enumerate(beside)
        if each["kind"] in _COPIED
    }
    used: set[tuple[str, str]] = set()
    renamed = _renamed(pod, names, used)
    copies = [
        await _copy(parts, each, names[key])
        for each in beside
        if (key := (each["kind"], each["metadata"]["name"])) in used
    ]
    own = [each for kind in _OWN for each in beside if each["kind"] == kind]
    return Lent(pod=renamed, copies=tuple(copies), own=tuple(own))


async def _copy(parts: Parts, manifest: Manifest, name: str) -> Manifest:
    metadata = manifest["metadata"]
    made = {
        **manifest,
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {MANAGED_BY: FIELD_MANAGER},
        },
    }
    references = {
        key.removeprefix(SECRET_REF): value
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(SECRET_REF)
    }
    if references:
        values = {
            variable: await parts.secrets.resolve(reference)
            for variable, reference in references.items()
        }
        data = {key: b64encode(value.reveal().encode()).decode() for key, value in values.items()}
        made["data"] = {**(manifest.get("data") or {}), **data}
    return made


def _renamed(
    pod: Mapping[str, Any], names: Mapping[tuple[str, str], str], used: set[tuple[str, str]]
) -> dict[str, Any]:
    """The pod spec with every reference to a copied object led to its copy."""
    made: dict[str, Any] = deepcopy(dict(pod))

    def lead(place: dict[str, Any] | None, kind: str, field: str = "name") -> None:
        if place and (key := (kind, place.get(field, ""))) in names:
            place[field] = names[key]
            used.add(key)

    for container in (*made.get("initContainers", ()), *made["containers"]):
        for each in container.get("env") or ():
            source = each.get("valueFrom") or {}
            lead(source.get("configMapKeyRef"), "ConfigMap")
            lead(source.get("secretKeyRef"), "Secret")
        for each in container.get("envFrom") or ():
            lead(each.get("configMapRef"), "ConfigMap")
            lead(each.get("secretRef"), "Secret")
    for volume in made.get("volumes") or ():
        lead(volume.get("configMap"), "ConfigMap")
        lead(volume.get("secret"), "Secret", "secretName")
        for source in (volume.get("projected") or {}).get("sources") or ():
            lead(source.get("configMap"), "ConfigMap")
            lead(source.get("secret"), "Secret")
    return made

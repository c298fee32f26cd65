"""Makes the container of a replica or a job: environment, files, volumes, network, image."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from skerry.engines.local.api import ApiError
from skerry.engines.local.containers import (
    Placement,
    archive,
    claims_of,
    create_body,
    expand,
    files_of,
    labels_of,
    volume_name,
)
from skerry.engines.local.crew import Crew
from skerry.errors import NotFound
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.objects import SECRET_REF, Manifest, annotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A container to be made. `extra` is merged over the create body (a terminal, say);
    `beside` are objects it may refer to before they are applied."""

    name: str
    service: ServiceKey
    template: Mapping[str, Any]
    labels: Mapping[str, str]
    address: IPv4Address | None
    aliases: tuple[str, ...] = ()
    published: bool = False
    extra: Mapping[str, Any] | None = None
    beside: Mapping[ObjectKey, Manifest] = field(default_factory=dict)


class ImageMissing(Exception):
    """The image is not here yet."""


async def create(plan: Plan, crew: Crew) -> None:
    """Make the container, with everything in it but started. Raises ImageMissing, NotFound
    for a secret or a file nobody set, ApiError, EngineUnavailable."""
    namespace = plan.service.namespace
    placement = Placement(
        network=await crew.networks.ensure(namespace),
        address=plan.address,
        resolver=await crew.book.resolver(namespace) if crew.routed else None,
        aliases=plan.aliases,
        published=plan.published,
    )
    for claim in claims_of(plan.template).values():
        volume = volume_name(crew.settings, namespace, claim)
        await crew.runtime.ensure_volume(
            volume, labels_of(crew.settings, plan.service, role="volume")
        )
        if volume in crew.state.doomed:
            await crew.state.doom(volume, None)
    files = files_of(plan.template, _configs(plan, crew))
    body = create_body(
        plan.template,
        settings=crew.settings,
        environment=await _environment(plan, crew),
        placement=placement,
        namespace=namespace,
        labels=plan.labels,
    )
    try:
        await crew.runtime.create(plan.name, {**body, **(plan.extra or {})})
    except ApiError as error:
        image = str(body["Image"])
        if error.status in (404, 500) and not await crew.images.has(image):
            raise ImageMissing(image) from error
        raise
    if files:
        await crew.runtime.put(plan.name, archive(files))


async def _environment(plan: Plan, crew: Crew) -> list[tuple[str, str]]:
    """Names and values; secrets are resolved here, and live nowhere else in this process."""
    values: list[tuple[str, str]] = []
    known: dict[str, str] = {}
    for entry in plan.template["spec"]["containers"][0].get("env") or ():
        name = str(entry["name"])
        source = entry.get("valueFrom")
        if source is None:
            value = expand(str(entry.get("value", "")), known)
        elif "secretKeyRef" in source:
            reference = source["secretKeyRef"]
            value = await _secret(
                str(reference["name"]), str(reference["key"]), plan=plan, crew=crew
            )
        else:
            raise NotFound(
                f"{name} comes from {next(iter(source))}, which this cell does not have",
                subject=f"service/{plan.service}",
            )
        known[name] = value
        values.append((name, value))
    return values


async def _secret(name: str, key: str, *, plan: Plan, crew: Crew) -> str:
    namespace = plan.service.namespace
    manifest = _refer(plan, crew, ObjectKey("Secret", namespace, name))
    if manifest is None:
        raise NotFound(
            f"Secret {name} is not there", subject=f"service/{plan.service}", hint="skerry apply"
        )
    reference = annotation(manifest, SECRET_REF + key)
    if reference is None:
        raise NotFound(f"Secret {name} says nothing of {key}", subject=f"service/{plan.service}")
    return (await crew.secrets.resolve(reference)).reveal()


def _refer(plan: Plan, crew: Crew, key: ObjectKey) -> Manifest | None:
    return plan.beside.get(key) or crew.state.objects.get(key)


def _configs(plan: Plan, crew: Crew) -> dict[str, dict[str, bytes]]:
    namespace = plan.service.namespace
    found: dict[str, dict[str, bytes]] = {}
    for volume in plan.template["spec"].get("volumes") or ():
        if "configMap" not in volume:
            continue
        name = str(volume["configMap"]["name"])
        manifest = _refer(plan, crew, ObjectKey("ConfigMap", namespace, name))
        if manifest is None:
            raise NotFound(
                f"ConfigMap {name} is not there",
                subject=f"service/{plan.service}",
                hint="skerry apply",
            )
        texts: Mapping[str, str] = manifest.get("data") or {}
        binary: Mapping[str, str] = manifest.get("binaryData") or {}
        found[name] = {key: text.encode() for key, text in texts.items()}
        found[name] |= {key: base64.b64decode(text) for key, text in binary.items()}
    return found

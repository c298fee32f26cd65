"""A stack's template: what it may hold, what it refers to, and whether it makes a service."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from skerry.model.dependencies import Directory
from skerry.model.repository import Settings
from skerry.model.secret import qualify
from skerry.model.service import Service
from skerry.model.stack import GIVEN, VERSION, Stack, TenantService, tenant_key
from skerry.model.stamping import FIXED, OVER, placeholders, stamp_out, values_of
from skerry.spec.defaults import merge
from skerry.spec.files import Attachments
from skerry.spec.messages import Complaint, translate
from skerry.spec.tenants import Tenants
from skerry.spec.together import judge_depends
from skerry.spec.words import suggest

NOT_HERE: Final[Mapping[str, str]] = {
    "service": "a tenant is called as it is written under `tenants`",
    "stack": "it is what the document is called already",
    "team": "a tenant has a namespace of its own",
    "cells": "it belongs beside the template",
    "residency": "it belongs beside the template",
    "allow": "it belongs beside the template",
}
_PROBE: Final = "tenant"
_DEFAULTED_NOT: Final = ("team", "cells", "residency")

Roll = Sequence[tuple[Stack, Tenants]]
Found = tuple[Stack, Complaint]


class Template(NamedTuple):
    """Ready to fill. `attached` are the digests of its files, and the image it builds."""

    written: Mapping[str, Any]
    attached: tuple[Any, ...]


def judge(
    head: Stack,
    roll: Roll,
    *,
    folder: str,
    settings: Settings,
    directory: Directory,
    attachments: Attachments,
) -> tuple[Template, list[Found]]:
    """The template of `head` over the repository's defaults, and all that is wrong with it, and
    with what `roll` (each document and its tenants) puts into it."""
    defaults = {key: each for key, each in settings.defaults.items() if key not in _DEFAULTED_NOT}
    own = {key: each for key, each in (head.template or {}).items() if key not in NOT_HERE}
    written = merge(defaults, own)
    found = [(head, each) for each in _misplaced(head)]
    found += [(head, each) for each in _fixed(own)]
    probe, complaints = _probe(head, written, {})
    found += [(head, _below(each)) for each in complaints]
    if probe is None:
        written = _sound(written, complaints)
        probe, _ = _probe(head, written, {})
    attached: tuple[Any, ...] = ()
    if probe is not None:
        found += [(head, _below(each)) for each in attachments.complaints(probe, folder)]
        found += [(head, _below(each)) for each in _judge_service(head, probe, settings)]
        found += [(head, _below(each)) for each in judge_depends(probe, directory)]
        image = attachments.image(probe, folder)
        attached = (attachments.digests(probe, folder), image)
        written = _ready(written, probe, directory=directory, image=image)
        found += _judge_shapes(head, roll, written)
    found += _judge_values(head, roll, written)
    return Template(written, attached), found


def _misplaced(head: Stack) -> Iterator[Complaint]:
    for key in head.template or {}:
        if key in NOT_HERE:
            yield Complaint(("template", key), f"is not part of a template: {NOT_HERE[key]}")


def _fixed(written: Mapping[str, Any]) -> Iterator[Complaint]:
    for key in FIXED & written.keys():
        for path, name in placeholders(written[key], path=(key,)):
            said = f"has {{{name}}}, and {key} is the same for every tenant"
            yield Complaint(("template", *path), said, "write it out")


def _probe(
    head: Stack, template: Mapping[str, Any], tenant: Mapping[str, Any]
) -> tuple[TenantService | None, tuple[Complaint, ...]]:
    """The service a tenant would be, were its values sound."""
    names = {name for _, name in placeholders([template, tenant])}
    values = dict.fromkeys(names, "1") | values_of(tenant, head.values)
    filled = stamp_out(template, tenant, values | {"tenant": _PROBE, "stack": head.stack})
    document = {**filled, "service": _PROBE, "stack": head.stack}
    try:
        return TenantService.model_validate(document), ()
    except ValidationError as error:
        return None, translate(error, document, TenantService)


def _sound(written: Mapping[str, Any], complaints: Sequence[Complaint]) -> dict[str, Any]:
    """What is left without the faulty parts, for its other faults to be told too."""
    faulty = {each.path[0] for each in complaints if each.path}
    sound = {key: each for key, each in written.items() if key not in faulty}
    return sound if {"image", "build"} & sound.keys() else {**sound, "image": "sketch"}


def _judge_service(head: Stack, probe: Service, settings: Settings) -> Iterator[Complaint]:
    for tag in settings.required_tags:
        if tag not in probe.tags:
            said = f"should have the tag `{tag}`, which skerry.yaml requires"
            yield Complaint(("tags",), said, f"write `{tag}: ...`")
    route = (head.template or {}).get("route")
    host = route.get("host") if isinstance(route, Mapping) else None
    if isinstance(host, str) and "{tenant}" not in host:
        said = "is one host, and every tenant needs its own"
        yield Complaint(("route", "host"), said, f"write `{{tenant}}.{host}`, or remove it")
    namespace = tenant_key(head.stack, _PROBE).namespace
    for variable, reference in probe.secrets.items():
        try:
            qualify(reference, namespace=namespace)
        except ValueError:
            name = reference.rpartition("/")[2]
            said = f"{reference} names a namespace, and each tenant has secrets of its own"
            yield Complaint(("secrets", variable), said, f"write store:{name}")


def _judge_shapes(head: Stack, roll: Roll, template: Mapping[str, Any]) -> Iterator[Found]:
    """One tenant of each way to scale and to use resources, on the template."""
    for stack, tenants in roll:
        for name in tenants.shaped:
            shape = {
                part: tenants.written[name][part]
                for part in ("scale", "resources")
                if part in tenants.written[name]
            }
            for each in _probe(head, template, shape)[1]:
                yield stack, each._replace(path=("tenants", name, *each.path))


def _judge_values(head: Stack, roll: Roll, template: Mapping[str, Any]) -> Iterator[Found]:
    """Placeholders nothing stands for: in the template for everybody, or for some tenants."""
    used = {name: path for path, name in placeholders(_filled_parts(template))}
    wanted = [name for name in used if name not in {*head.values, *GIVEN}]
    somewhere = {name for name in wanted if _is_given(name, roll)}
    for name in wanted:
        if name not in somewhere:
            yield head, _unknown(("template", *used[name]), name, {*head.values, *GIVEN})
    for stack, tenants in roll:
        known = {*head.values, *stack.values, *GIVEN}
        lacking = [name for name in somewhere if name not in known]
        for tenant, written in tenants.written.items() if lacking else ():
            own = values_of(written, {})
            for name in (each for each in lacking if each not in own):
                yield stack, _lacks(tenant, name)
        for tenant in tenants.braced:
            mine = known | values_of(tenants.written[tenant], {}).keys()
            for path, name in placeholders(tenants.written[tenant]):
                if name not in mine or path[0] not in OVER:
                    yield stack, _unknown(("tenants", tenant, *path), name, mine)


def _is_given(name: str, roll: Roll) -> bool:
    return any(
        name in stack.values
        or any(name in values_of(each, {}) for each in tenants.written.values())
        for stack, tenants in roll
    )


def _lacks(tenant: str, name: str) -> Complaint:
    said = f"has no value for {{{name}}}, which the template needs"
    hint = f"write `{name}: ...`" if name == VERSION else f"write `values: {{{name}: ...}}`"
    return Complaint(("tenants", tenant), said, hint)


def _unknown(path: tuple[str | int, ...], name: str, known: set[str]) -> Complaint:
    end, hint = suggest(name, sorted(known))
    said = f"refers to {{{name}}}, and there is no such value{end}"
    return Complaint(path, said, f"{hint}; `{{{{{name}}}}}` stays as text" if hint else "")


def _filled_parts(template: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in template.items() if key not in FIXED}


def _ready(
    template: dict[str, Any], probe: Service, *, directory: Directory, image: str | None
) -> dict[str, Any]:
    """With its image built, and each of its `depends` spelt out."""
    ready = dict(template)
    if image is not None:
        ready |= {"image": image}
        ready.pop("build", None)
    targets = [
        found[0]
        for each in probe.depends
        if len(found := directory.candidates(each, namespace="")) == 1
    ]
    if targets:
        ready["depends"] = [f"{key.namespace}/{key.name}" for key in targets]
    return ready


def _below(complaint: Complaint) -> Complaint:
    return complaint._replace(path=("template", *complaint.path))

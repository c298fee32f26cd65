"""Releases as a ControllerRevision, and back. Pure."""

import base64
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from skerry.engines.kubernetes.kept import (
    RELEASE,
    SYSTEM,
    kept_labels,
    service_hash,
    shard_of,
    stack_of,
)
from skerry.model.change import Release, Verdict
from skerry.model.keys import ServiceKey
from skerry.model.objects import STACK, digest_of

RECORD: Final = "skerry.dev/record"
"""The label a service's history is found by: its hash, or that of all in its stack's shard."""

_RELEASES: Final = "skerry.dev/releases"  # JSON list of what a list shows of each
_VERDICT: Final = "verdict.skerry.dev/"  # + its place: how it ended, and why
_LEVEL: Final = 6
_LONGEST_REASON: Final = 2000


def single_name(release: Release) -> str:
    """The record of a release recorded alone: writing it twice is one."""
    return f"r-{service_hash(release.service)}-{release.number}"


def shared_label(stack: str, shard: int) -> str:
    """The label of records that hold releases of a stack's shard."""
    return f"{digest_of(stack)[:16]}-{shard:02d}"


def record_of(releases: Sequence[Release], *, name: str) -> dict[str, Any]:
    """One record of these, all of one stack's shard when there are several; without a name it
    gets one that its contents decide."""
    first = releases[0].service
    stack = stack_of(first)
    many = not name
    label = shared_label(stack or "", shard_of(first)) if many else service_hash(first)
    heads = [_head(each) for each in releases]
    bodies = [{"objects": list(each.objects), "before": each.before} for each in releases]
    packed = base64.b64encode(zlib.compress(orjson.dumps(bodies), _LEVEL)).decode()
    annotations = {_RELEASES: orjson.dumps(heads).decode()}
    for place, release in enumerate(releases):
        if release.verdict is not Verdict.DEPLOYING:
            annotations[f"{_VERDICT}{place}"] = _said(release)
    labels = {**kept_labels(RELEASE), RECORD: label}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name or f"b-{label}-{digest_of(heads)[:12]}",
            "namespace": SYSTEM,
            "labels": labels | ({STACK: stack or ""} if stack or many else {}),
            "annotations": annotations,
        },
        "revision": max(each.number for each in releases),
        "data": {"packed": packed},
    }


def read_record(
    record: Mapping[str, Any], services: Collection[ServiceKey] | None = None
) -> dict[int, Release]:
    """The releases of a record, those of some services or all, by their places; of its metadata
    alone, without objects. What nobody asks for is not unpacked: it is a hundred times more."""
    annotations = record["metadata"].get("annotations") or {}
    heads = orjson.loads(annotations.get(_RELEASES, "[]"))
    wanted = {
        place: head
        for place, head in enumerate(heads)
        if services is None or ServiceKey(*head["service"]) in services
    }
    packed = (record.get("data") or {}).get("packed")
    bodies: list[Mapping[str, Any]] = [{}] * len(heads)
    if packed is not None and wanted:
        bodies = orjson.loads(zlib.decompress(base64.b64decode(packed)))
    return {
        place: _release(head, bodies[place], annotations.get(f"{_VERDICT}{place}", ""))
        for place, head in wanted.items()
    }


def verdict_patch(judged: Mapping[int, Release]) -> dict[str, Any]:
    """The merge patch that writes how these ended, by place."""
    said = {f"{_VERDICT}{place}": _said(release) for place, release in judged.items()}
    return {"metadata": {"annotations": said}}


def _said(release: Release) -> str:
    return f"{release.verdict.value} {release.verdict_reason[:_LONGEST_REASON]}".rstrip()


def _head(release: Release) -> dict[str, Any]:
    return {
        "service": list(release.service),
        "number": release.number,
        "image": release.image,
        "by": release.by,
        "at": release.at.isoformat(),
        "reason": release.reason[:_LONGEST_REASON],
        "inputs": release.inputs,
    }


def _release(head: Mapping[str, Any], body: Mapping[str, Any], verdict: str) -> Release:
    ended, _, reason = verdict.partition(" ")
    return Release(
        service=ServiceKey(*head["service"]),
        number=head["number"],
        image=head["image"],
        by=head["by"],
        at=datetime.fromisoformat(head["at"]),
        reason=head["reason"],
        inputs=head["inputs"],
        objects=tuple(body.get("objects", ())),
        verdict=Verdict(ended) if ended else Verdict.DEPLOYING,
        verdict_reason=reason,
        before=body.get("before"),
    )

"""One-off commands from Job manifests: `before:` and `skerry run`.

The cluster gets a Job of one pod, which is nobody's service: no replica, no part of any plan.
It goes when the session is closed. When nobody closes it, because the client died, its input
ends with the connection, its time runs out (`ABANDONED_SECONDS`, or the manifest's own
deadline), and the cluster removes it some minutes after its end, with what was made for it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

from skerry.engines.kubernetes.lending import Lent, lend
from skerry.engines.kubernetes.namespaces import ensure_namespace
from skerry.engines.kubernetes.parts import Parts
from skerry.engines.kubernetes.runs import RunSession
from skerry.errors import NotFound
from skerry.model.objects import SERVICE, Manifest, key_of, owner_of

ONE_OFF: Final = "skerry.dev/one-off-of"
"""Label of a one-off's Job and pod: the service it was made for."""
ABANDONED_SECONDS: Final = 24 * 3600
_KEPT_SECONDS: Final = 300
_NAME: Final = 50


async def run_job(
    parts: Parts, job: Manifest, *, tty: bool, beside: Sequence[Manifest] = ()
) -> RunSession:
    """Make the Job; the session waits for its container. Objects `beside` that the job refers
    to are lent to it under names of its own. Raises NotFound for a secret nobody set, Refused
    when the cluster does not admit it."""
    service = owner_of(job)
    if service is None:
        raise NotFound("is not a job of Skerry's", subject=f"job/{job['metadata']['name']}")
    stem = str(job["metadata"]["name"]).replace(".", "-")[:_NAME]
    name = f"{stem}-{token_hex(3)}"
    lent = await lend(parts, job["spec"]["template"]["spec"], beside, name=name)
    for manifest in lent.own:
        await _in_namespace(parts, manifest, parts.client.apply)
    manifest = _manifest(job, name=name, pod=lent.pod, tty=tty)
    if lent.copies:
        manifest["spec"]["suspend"] = (
            True  # a pod that misses its files would be slow to look again
        )
    created = await _in_namespace(parts, manifest, parts.client.create)
    session = RunSession(parts, created, tty=tty, subject=service.at(parts.cell.cell))
    try:
        await _lend(parts, lent, created)
    except BaseException:
        await session.close()
        raise
    return session


async def _in_namespace(
    parts: Parts,
    manifest: Manifest,
    write: Callable[[Manifest], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """A team's first service has no namespace yet: `before` runs ahead of everything."""
    try:
        return await write(manifest)
    except NotFound:
        await ensure_namespace(parts.client, manifest["metadata"]["namespace"])
        return await write(manifest)


async def _lend(parts: Parts, lent: Lent, job: Manifest) -> None:
    """The copies belong to the Job and go with it."""
    if not lent.copies:
        return
    key = key_of(job)
    owner = {
        "apiVersion": job["apiVersion"],
        "kind": job["kind"],
        "name": key.name,
        "uid": job["metadata"]["uid"],
    }
    for manifest in lent.copies:
        metadata = {**manifest["metadata"], "ownerReferences": [owner]}
        await parts.client.create({**manifest, "metadata": metadata})
    path = parts.client.path_of(*key)
    await parts.client.patch(path, {"spec": {"suspend": False}})


def _manifest(job: Manifest, *, name: str, pod: Mapping[str, Any], tty: bool) -> dict[str, Any]:
    metadata, spec = job["metadata"], job["spec"]
    labels = {key: value for key, value in metadata["labels"].items() if key != SERVICE}
    labels[ONE_OFF] = metadata["labels"][SERVICE]
    container, *others = pod["containers"]
    attached = {**container, "stdin": True, "stdinOnce": True, "tty": tty}
    template = spec["template"]
    pod_labels = {**template["metadata"].get("labels", {}), ONE_OFF: labels[ONE_OFF]}
    return {
        "apiVersion": job["apiVersion"],
        "kind": job["kind"],
        "metadata": {"name": name, "namespace": key_of(job).namespace, "labels": labels},
        "spec": {
            **spec,
            "activeDeadlineSeconds": spec.get("activeDeadlineSeconds", ABANDONED_SECONDS),
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": {
                "metadata": {**template["metadata"], "labels": pod_labels},
                "spec": {**pod, "containers": [attached, *others]},
            },
        },
    }

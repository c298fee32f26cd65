"""Every object stamped, and on a cluster the Deployment's list of them: one look at it tells
what the service consists of, and what of that differs."""

from collections.abc import Sequence

import orjson

from skerry.compiler.subject import Subject
from skerry.model.objects import DIGEST, INVENTORY, Manifest, key_of, stamp


def stamped(subject: Subject, objects: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """The objects with their digests. On a cluster the Deployment also lists the others', by
    `Kind/namespace/name`; its own digest covers that list."""
    if not subject.cell.on_kubernetes:
        return tuple(map(stamp, objects))
    made = [each if each["kind"] == "Deployment" else stamp(each) for each in objects]
    others = {
        str(key_of(each)): each["metadata"]["annotations"][DIGEST]
        for each in made
        if each["kind"] != "Deployment"
    }
    written = orjson.dumps(others, option=orjson.OPT_SORT_KEYS).decode()
    return tuple(
        stamp(_listing(each, written)) if each["kind"] == "Deployment" else each for each in made
    )


def _listing(deployment: Manifest, inventory: str) -> Manifest:
    metadata = deployment["metadata"]
    annotations = {**metadata["annotations"], INVENTORY: inventory}
    return {**deployment, "metadata": {**metadata, "annotations": annotations}}

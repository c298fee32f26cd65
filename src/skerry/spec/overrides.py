"""What cells have otherwise, on the service itself: each must make a service again."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from skerry.model.service import Service
from skerry.spec.defaults import merge
from skerry.spec.messages import Complaint, holds, translate


def judge_overrides(service: Service, written: Mapping[str, Any]) -> Iterator[Complaint]:
    """Complaints about the service each cell would run, at the cell's override."""
    cells = service.cells if isinstance(service.cells, Mapping) else {}
    own = {key: each for key, each in written.items() if key != "cells"}
    for cell in cells:
        override = written["cells"][cell] or {}
        document = merge(own, override)
        try:
            Service.model_validate(document)
        except ValidationError as error:
            for each in translate(error, document, Service):
                yield each._replace(path=("cells", cell, *_within(override, each.path)))


def _within(override: Mapping[str, Any], path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """As much of the path as the override has."""
    here: Any = override
    for depth, step in enumerate(path):
        if not holds(here, step):
            return path[:depth]
        here = here[step]
    return path

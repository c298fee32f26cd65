"""Inputs of a service that a roll-out holds: they say, in the index too, against which document.

A plan that finds them unchanged need not open the service to know that it is left alone: a
stack of ten thousand held tenants costs a plan as little as one that is not held.
"""

from collections.abc import Mapping
from typing import Final

from skerry.model.keys import ServiceKey
from skerry.model.objects import digest_of

_MARK: Final = "held."


def held_inputs(inputs: str) -> str:
    """What the Deployment of a service held against these inputs bears."""
    return _MARK + settled_inputs(inputs)


def is_held(inputs: str) -> bool:
    """Whether they say that a roll-out holds the service."""
    return inputs.startswith(_MARK)


def settled_inputs(inputs: str) -> str:
    """The document's inputs at which nothing is to be done."""
    return inputs.removeprefix(_MARK)


def settled_index(index: Mapping[ServiceKey, str]) -> dict[ServiceKey, str]:
    """A cell's index by what each service is settled at, held or not."""
    return {service: settled_inputs(inputs) for service, inputs in index.items()}


def freed_inputs(inputs: str) -> str:
    """For a service that is held no more: no document's, so that the next plan opens it."""
    if not is_held(inputs):
        return inputs
    mark = inputs.rpartition("-")[2]
    return f"{digest_of(['freed', inputs])}-{mark}"
